//! How our types are columns, and columns our types.

use order_core::order::{Event, Recorded};
use order_core::{Atoms, Timestamp};
use sqlx::FromRow;
use sqlx::types::Json;
use std::time::Duration;

/// A count as a `bigint`. Counts do not get near the limit; one past it would be refused by the
/// schema rather than wrap.
pub(crate) fn bigint(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A `bigint` that is never negative.
pub(crate) fn count(bigint: i64) -> u64 {
    u64::try_from(bigint).unwrap_or(0)
}

/// A duration as whole milliseconds.
pub(crate) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A number as the text of a `numeric(20, 0)`.
pub(crate) fn numeric(number: u64) -> String {
    number.to_string()
}

/// Reads the text of a `numeric(20, 0)`.
pub(crate) fn atoms(text: &str) -> Result<Atoms, sqlx::Error> {
    text.parse().map(Atoms::new).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// A row of `order_events`.
#[derive(FromRow)]
pub(crate) struct EventRow {
    seq: i64,
    attempt: i64,
    body: Json<Event>,
    at: Timestamp,
}

impl From<EventRow> for Recorded {
    fn from(row: EventRow) -> Self {
        Self {
            seq: count(row.seq),
            attempt: u32::try_from(row.attempt).unwrap_or(u32::MAX),
            event: row.body.0,
            at: row.at,
        }
    }
}
