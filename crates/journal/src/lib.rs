//! The durable record of every order, in PostgreSQL, and the queue that carries work, in JetStream.
//!
//! Architecture invariants: this crate alone speaks SQL and NATS. PostgreSQL is the truth; the queue
//! only rings: it may be wiped at any moment, because [`Journal::due`] finds every order
//! that waits. Only the database's clock decides who owns an order and when it is due. Every statement
//! is one transaction of its own: no future of a caller ever owns a transaction, so a caller may be
//! cancelled anywhere. An order's event, its row and its transaction are written by one statement,
//! guarded by the order's `seq` and the owner's fence.

mod accept;
mod append;
mod claim;
mod cluster;
mod columns;
mod connection;
mod due;
mod error;
mod halt;
mod history;
mod keys;
mod landings;
mod list;
mod markers;
mod metrics;
mod months;
mod parked;
mod queue;
mod reconcile;
mod settle;
mod spending;
mod statistics;
mod stop;
mod venues;
mod writer;

pub use accept::{Acceptance, Accepted, Idempotency};
pub use append::{Appended, Unrecorded};
pub use claim::{Claim, Fence};
pub use connection::Journal;
pub use due::Claimed;
pub use error::Error;
pub use halt::Halt;
pub use landings::Landing;
pub use list::{Filter, Listed};
pub use markers::OldMarker;
pub use months::Month;
pub use parked::{Parked, ReplayError};
pub use queue::{Delivery, Queue, QueueError};
pub use settle::SettleError;
pub use spending::Spending;
pub use statistics::{Ended, QueueStats};
pub use stop::Cancellation;
pub use venues::{DisabledVenue, Drift, PoolRefusal, Stops};

#[cfg(test)]
mod tests;
