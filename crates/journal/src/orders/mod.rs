//! Orders: taken on, owned by one executor at a time, and moved on by events until they end.

mod accept;
mod append;
mod claim;
mod due;
mod settle;
mod stop;

pub use accept::{Acceptance, Accepted, Idempotency};
pub use append::{Appended, Unrecorded};
pub use claim::{Claim, Fence};
pub use due::Claimed;
pub use settle::SettleError;
pub use stop::Cancellation;

pub(crate) use append::observed;
#[cfg(test)]
pub(crate) use due::DUE;

use crate::database::writer::Writer;
use crate::reading::History;
use accept::Accepts;
use append::Appends;
use sqlx::PgPool;

/// A handle on the orders. Clones share one writer of acceptances and one of events.
#[derive(Debug, Clone)]
pub struct Orders {
    pool: PgPool,
    accepts: Writer<Accepts>,
    appends: Writer<Appends>,
    /// A claim begins with all that was recorded.
    history: History,
}

impl Orders {
    /// Starts the tasks that write in groups.
    pub(crate) fn start(pool: PgPool, history: History) -> Self {
        Self { accepts: Writer::start(pool.clone()), appends: Writer::start(pool.clone()), history, pool }
    }

    /// Ends when one of the tasks has died.
    pub(crate) async fn stopped(&self) {
        tokio::select! {
            () = self.accepts.stopped() => {}
            () = self.appends.stopped() => {}
        }
    }
}

#[cfg(test)]
mod tests;
