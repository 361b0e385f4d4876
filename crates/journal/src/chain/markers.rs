//! Order markers whose lamports were not taken back yet.

use crate::database::columns::milliseconds;
use crate::database::{Error, metrics};
use order_core::order::{self, Marker, Status};
use sqlx::{FromRow, PgPool};
use std::time::Duration;
use uuid::Uuid;

/// A marker that nobody has tried to reclaim for this long is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// A marker of an order that has ended, and whose transactions are old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldMarker {
    /// The marker.
    pub marker: Marker,
    /// The last block height at which one of the order's transactions with it could land.
    pub last_valid_block_height: u64,
    /// The order, and the status that it ended with.
    pub order: (order::Id, Status),
}

/// A handle on the order markers.
#[derive(Debug, Clone)]
pub struct Markers {
    pool: PgPool,
}

impl Markers {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Up to `limit` markers of a wallet whose orders have ended and whose last transaction was signed `age` ago
    /// by the database's clock, oldest first. Each is given to one caller, and again to another after a while.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn old(&self, wallet: &str, age: Duration, limit: u32) -> Result<Vec<OldMarker>, Error> {
        let take = sqlx::query_as(OLD)
            .bind(wallet)
            .bind(milliseconds(age))
            .bind(i64::from(limit))
            .bind(milliseconds(TRY_AGAIN_AFTER))
            .fetch_all(&self.pool);
        let rows: Vec<Row> = metrics::statement("old_markers", take).await.map_err(reading)?;
        let markers: Result<Vec<_>, sqlx::Error> = rows.into_iter().map(OldMarker::try_from).collect();
        markers.map_err(reading)
    }

    /// Deletes markers that do not exist on the chain any more; the number of those that were there.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn forget(&self, addresses: &[String]) -> Result<u64, Error> {
        let forget = sqlx::query(FORGET).bind(addresses).execute(&self.pool);
        let forgotten = metrics::statement("forget_markers", forget).await;
        let forgotten = forgotten.map_err(|error| Error::from_statement("forget order markers", error))?;
        Ok(forgotten.rows_affected())
    }
}

fn reading(error: sqlx::Error) -> Error {
    Error::from_statement("read order markers", error)
}

const OLD: &str = "
WITH old AS MATERIALIZED (
  SELECT address FROM order_markers
  WHERE wallet = $1
    AND signed_at <= now() - $2 * interval '1 millisecond'
    AND (tried_at IS NULL OR tried_at <= now() - $4 * interval '1 millisecond')
    AND NOT EXISTS (SELECT FROM ONLY orders WHERE orders.id = order_id AND ended_at IS NULL)
  ORDER BY signed_at
  LIMIT $3
  FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE order_markers SET tried_at = now() FROM old, orders
WHERE order_markers.address = old.address AND orders.id = order_markers.order_id
RETURNING order_markers.address, wallet, seed, generation,
  last_valid_block_height::text AS last_valid_block_height, order_id, orders.status";

const FORGET: &str = "DELETE FROM order_markers WHERE address = ANY($1)";

#[derive(FromRow)]
struct Row {
    address: String,
    wallet: String,
    seed: String,
    generation: i64,
    last_valid_block_height: String,
    order_id: Uuid,
    status: String,
}

impl TryFrom<Row> for OldMarker {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
            sqlx::Error::Decode(Box::new(error))
        }
        Ok(Self {
            marker: Marker {
                address: row.address.parse().map_err(decode)?,
                wallet: row.wallet.parse().map_err(decode)?,
                seed: row.seed,
                generation: u32::try_from(row.generation).map_err(decode)?,
            },
            last_valid_block_height: row.last_valid_block_height.parse().map_err(decode)?,
            order: (order::Id(row.order_id), row.status.parse().map_err(decode)?),
        })
    }
}
