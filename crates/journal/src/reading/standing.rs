//! Why an open order is where it is: who may go on with it, and when.

use super::History;
use crate::database::{Error, metrics};
use order_core::{AccountAddress, Timestamp, order};
use sqlx::FromRow;

/// An open order's claim, pause and bounds, by the database's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The moment at which this was read.
    pub now: Timestamp,
    /// The end of the lease of the executor that works on it; None if none does.
    pub leased_until: Option<Timestamp>,
    /// The moment of its next attempt, if that is still to come.
    pub due_at: Option<Timestamp>,
    /// Nothing is signed after this moment.
    pub expires_at: Option<Timestamp>,
    /// Its owner has cancelled it, while its transaction may still land.
    pub cancelled: bool,
    /// Its message waits for an operator, and no executor takes it until then.
    pub parked: bool,
    /// The wallet that its account is bound to; None for the first wallet of each executor.
    pub wallet: Option<AccountAddress>,
}

impl History {
    /// The standing of an order; None if it has ended, or does not exist.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn standing(&self, id: order::Id) -> Result<Option<Standing>, Error> {
        const DOING: &str = "read an order's claim";
        let read = sqlx::query_as(STANDING).bind(id.0).fetch_optional(&self.pool);
        let row: Option<Row> = metrics::statement("standing", read)
            .await
            .map_err(|error| Error::from_statement(DOING, error))?;
        let standing = |row: Row| {
            let wallet = row.wallet.map(|wallet| wallet.parse()).transpose();
            Ok(Standing {
                now: row.now,
                leased_until: row.lease_until,
                due_at: row.next_attempt_at,
                expires_at: row.expires_at,
                cancelled: row.cancelled,
                parked: row.parked,
                wallet: wallet.map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            })
        };
        row.map(standing).transpose().map_err(|error| Error::from_statement(DOING, error))
    }
}

#[derive(FromRow)]
struct Row {
    now: Timestamp,
    lease_until: Option<Timestamp>,
    next_attempt_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    cancelled: bool,
    parked: bool,
    wallet: Option<String>,
}

/// A lease or a pause that has passed is none.
const STANDING: &str = "
SELECT clock_timestamp() AS now,
  CASE WHEN lease_until > clock_timestamp() THEN lease_until END AS lease_until,
  CASE WHEN next_attempt_at > clock_timestamp() THEN next_attempt_at END AS next_attempt_at,
  expires_at, cancel_requested_at IS NOT NULL AS cancelled, accounts.wallet,
  EXISTS (SELECT FROM parked_messages WHERE order_id = orders.id) AS parked
FROM ONLY orders LEFT JOIN accounts ON accounts.id = orders.owner
WHERE orders.id = $1 AND ended_at IS NULL";
