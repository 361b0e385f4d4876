//! Open orders by their status, and the database's clock.

use super::Reports;
use crate::database::columns::count;
use crate::database::{Error, metrics};
use order_core::order::Status;
use order_core::{Timestamp, UnknownName};
use std::time::Duration;

/// The open orders of one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenOrders {
    /// The status.
    pub status: Status,
    /// How many there are.
    pub count: u64,
    /// Time since the acceptance of the oldest.
    pub oldest: Duration,
}

impl Reports {
    /// The open orders by their status. A status without one is absent.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn open_orders(&self) -> Result<Vec<OpenOrders>, Error> {
        const DOING: &str = "count open orders";
        let read = sqlx::query_as(OPEN_ORDERS).fetch_all(&self.main);
        let rows: Vec<(String, i64, i64)> = metrics::statement("open_orders", read)
            .await
            .map_err(|error| Error::from_statement(DOING, error))?;
        let open = |(status, orders, oldest_ms): (String, i64, i64)| match status.parse() {
            Ok(status) => Ok(OpenOrders {
                status,
                count: count(orders),
                oldest: Duration::from_millis(count(oldest_ms)),
            }),
            Err(unknown) => {
                let unknown: UnknownName = unknown;
                Err(Error::from_statement(DOING, sqlx::Error::Decode(Box::new(unknown))))
            }
        };
        rows.into_iter().map(open).collect()
    }

    /// The moment by the database's clock.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn clock(&self) -> Result<Timestamp, Error> {
        let read = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&self.main);
        metrics::statement("clock", read)
            .await
            .map_err(|error| Error::from_statement("read the clock", error))
    }
}

const OPEN_ORDERS: &str = "
SELECT status, count(*),
  greatest(0, floor(1000 * extract(epoch FROM clock_timestamp() - min(created_at))))::bigint
FROM open_orders GROUP BY status";
