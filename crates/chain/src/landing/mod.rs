//! Sends a signed transaction until the chain has spoken, and says what it said.

use crate::{Client, Commitment, Explain, Trade};
use order_core::order::{Observation, SignedTransaction};
use std::future::Future;

/// The task that watches the chain has ended, so nobody can say what became of the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the watch over transactions in flight has stopped; another executor must take the order over")]
pub struct Stopped;

/// Lands transactions: one task watches all that are in flight. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lander {}

impl Lander {
    /// A lander, and the task to spawn for it. The task ends when every clone of the lander is gone.
    ///
    /// A transaction counts as landed at `commitment`; `Processed` is read as `Confirmed`, because
    /// a processed block may vanish again.
    pub fn new(
        client: Client,
        commitment: Commitment,
        explain: Explain,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let _ = (client, commitment, explain);
        (Self {}, async {})
    }

    /// Sends the bytes again and again until the chain has spoken; only that ends it.
    ///
    /// It may be dropped at any time and called again with the same transaction, by anyone.
    ///
    /// # Errors
    /// The watching task has ended.
    pub async fn land(&self, transaction: &SignedTransaction, trade: &Trade) -> Result<Observation, Stopped> {
        let _ = (transaction, trade);
        unimplemented!()
    }
}
