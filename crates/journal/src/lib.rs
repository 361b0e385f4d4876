//! The durable record of every order, in PostgreSQL, and the queue that carries work, in JetStream.
//!
//! Its rooms, each with a handle of its own: [`Orders`] are taken on, claimed, and moved on by events; [`History`] and
//! [`Reports`] read them; [`Trading`] has the limits that all processes keep; [`Accounts`] own orders, and keys act for them; [`Landings`] and [`Markers`] are the
//! chain's side of the record; [`Upkeep`] keeps it quick; the [`Queue`] rings, and [`ParkedMessages`] of it wait for an
//! operator. [`Journal`] opens them all.
//!
//! Architecture invariants: this crate alone speaks SQL and NATS. PostgreSQL is the truth; the queue only rings: it
//! may be wiped at any moment, because [`Orders::due`] finds every order that waits. Only the database's clock decides
//! who owns an order and when it is due. A statement is a transaction of its own, so a caller may be cancelled
//! anywhere; only [`Landings::roll_back`] holds a transaction, which is undone with its caller. An order's event, its
//! row and its transaction are written by one statement, guarded by the order's `seq` and the owner's fence.

mod accounts;
mod chain;
mod database;
mod journal;
mod orders;
mod queue;
mod reading;
mod trading;
mod upkeep;

pub use accounts::{
    Account, Accounts, ApiKey, InvalidApiKey, IssuedKey, KeyId, KeyRequest, Policies, StoredKey,
};
pub use chain::{Landing, Landings, Markers, OldMarker};
pub use database::{Error, Roles, StoreUser};
pub use journal::Journal;
pub use orders::{
    Acceptance, Accepted, Appended, Cancellation, Claim, Claimed, Fence, Idempotency, Orders, SettleError,
    Unrecorded,
};
pub use queue::{Delivery, Parked, ParkedMessages, Queue, QueueError, ReplayError};
pub use reading::{Ended, Filter, History, Listed, OpenOrders, QueueStats, Reports, Standing};
pub use trading::{DisabledVenue, Drift, Halt, Need, PoolRefusal, Short, Spending, Stops, Trading};
pub use upkeep::{Month, Upkeep};

#[cfg(test)]
mod testing;
