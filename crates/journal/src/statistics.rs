use crate::{Error, Journal};
use order_core::order::Status;
use order_core::{Atoms, Dex, Timestamp, Token};

/// How many orders are where. `waiting`, `active` and `delayed` together are all that have not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueStats {
    /// Could be claimed now, and nothing of them may be on its way to the chain.
    pub waiting: u64,
    /// Being worked on, or submitted.
    pub active: u64,
    /// Ended with a swap, ever.
    pub completed: u64,
    /// Ended without one, ever.
    pub failed: u64,
    /// Waiting for a retry that is not due yet.
    pub delayed: u64,
    /// How long the one that waits longest has waited, in whole seconds; 0 if none waits.
    pub oldest_waiting_seconds: u64,
}

/// An order that has ended, as statistics need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Confirmed or failed.
    pub status: Status,
    /// The exchange of its latest route; None if it never had one.
    pub dex: Option<Dex>,
    /// What it spent, or would have.
    pub token_in: Token,
    /// How much was to be spent, in input atoms.
    pub amount_in: Atoms,
    /// What its latest quote promised, in output atoms.
    pub quoted_out: Option<Atoms>,
    /// What reached the wallet, in output atoms.
    pub executed_out: Option<Atoms>,
    /// When it ended.
    pub at: Timestamp,
}

impl Journal {
    /// How many orders are where, over all processes, at one moment.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn queue_stats(&self) -> Result<QueueStats, Error> {
        unimplemented!()
    }

    /// The orders that ended last, up to `limit`, latest first.
    ///
    /// # Errors
    /// The database does not answer, or a row is unreadable.
    pub async fn ended(&self, _limit: u32) -> Result<Vec<Ended>, Error> {
        unimplemented!()
    }

    /// How many orders have not ended.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn backlog(&self) -> Result<u64, Error> {
        unimplemented!()
    }
}
