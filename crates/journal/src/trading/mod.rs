//! Limits on trading, for all processes: the kill switch, disabled venues, the spending of a day, reserved funds.

mod halt;
mod reservations;
mod spending;
mod venues;

pub use halt::Halt;
pub use reservations::{Need, Short};
pub use spending::Spending;
pub use venues::{DisabledVenue, Drift, PoolRefusal, Stops};

use crate::database::writer::Writer;
use reservations::Reserves;
use sqlx::PgPool;
use venues::{Avoids, Halts};

/// A handle on the limits. Clones share one task for each question that every order asks.
#[derive(Debug, Clone)]
pub struct Trading {
    pool: PgPool,
    reserves: Writer<Reserves>,
    avoids: Writer<Avoids>,
    halts: Writer<Halts>,
}

impl Trading {
    /// Starts the tasks that ask in groups.
    pub(crate) fn start(pool: PgPool) -> Self {
        let (reserves, avoids) = (Writer::start(pool.clone()), Writer::start(pool.clone()));
        Self { reserves, avoids, halts: Writer::start(pool.clone()), pool }
    }

    /// Ends when one of the tasks has died.
    pub(crate) async fn stopped(&self) {
        tokio::select! {
            () = self.reserves.stopped() => {}
            () = self.avoids.stopped() => {}
            () = self.halts.stopped() => {}
        }
    }
}

#[cfg(test)]
mod tests;
