//! The cluster that a database belongs to.

use super::Journal;
use crate::database::{Error, metrics};
use order_core::Timestamp;

impl Journal {
    /// Binds the database to the cluster with this genesis hash, unless it is bound already, and answers with
    /// the genesis hash that it is bound to: whoever sees another cluster must not work on it. Unsigned orders
    /// from before the first binding expire.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn bind_cluster(&self, genesis_hash: &str) -> Result<String, Error> {
        let bind = sqlx::query(BIND).bind(genesis_hash).execute(&self.pool);
        metrics::statement("bind_cluster", bind)
            .await
            .map_err(|error| Error::from_statement("bind the database to its cluster", error))?;
        Ok(self.cluster().await?.unwrap_or_default())
    }

    /// When the database was bound to its cluster.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn cluster_bound_at(&self) -> Result<Option<Timestamp>, Error> {
        let read = sqlx::query_scalar(BOUND_AT).fetch_optional(&self.pool);
        let bound = metrics::statement("cluster_bound_at", read).await;
        bound.map_err(|error| Error::from_statement("read the cluster of the database", error))
    }

    /// The genesis hash of the cluster that the database is bound to; None before an executor has started.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn cluster(&self) -> Result<Option<String>, Error> {
        let read = sqlx::query_scalar(BOUND).fetch_optional(&self.pool);
        let bound = metrics::statement("cluster", read).await;
        bound.map_err(|error| Error::from_statement("read the cluster of the database", error))
    }
}

/// Orders that were accepted before their cluster was known expire with the first binding: nobody can say which
/// cluster they were meant for.
const BIND: &str = "
WITH bound AS (
  INSERT INTO cluster (genesis_hash) VALUES ($1) ON CONFLICT DO NOTHING RETURNING genesis_hash
)
UPDATE ONLY orders SET expires_at = now()
WHERE EXISTS (SELECT FROM bound) AND genesis_hash IS NULL AND ended_at IS NULL AND status <> 'submitted'";

const BOUND_AT: &str = "SELECT bound_at FROM cluster";

const BOUND: &str = "SELECT genesis_hash FROM cluster";
