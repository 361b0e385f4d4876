//! Limits on trading, for all processes: the kill switch, disabled venues, the spending of a day, reserved funds.

mod halt;
mod reservations;
mod spending;
mod venues;

pub use halt::Halt;
pub use reservations::{Need, Short};
pub use spending::Spending;
pub use venues::{DisabledVenue, Drift, PoolRefusal, Stops};

use sqlx::PgPool;

/// A handle on the limits.
#[derive(Debug, Clone)]
pub struct Trading {
    pool: PgPool,
}

impl Trading {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

#[cfg(test)]
mod tests;
