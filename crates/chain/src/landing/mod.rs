//! Sends a signed transaction until the chain has spoken, and says what it said.

mod watch;

use crate::{Client, Commitment, Explain, Trade};
use order_core::order::{Observation, SignedTransaction};
use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use watch::{Flight, Watch};

/// The task that watches the chain has ended, so nobody can say what became of the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the watch over transactions in flight has stopped; another executor must take the order over")]
pub struct Stopped;

/// Lands transactions: one task watches all that are in flight. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lander {
    client: Client,
    arrivals: mpsc::Sender<Flight>,
    pace: Pace,
}

impl Lander {
    /// A lander, and the task to spawn for it. The task ends when every clone of the lander is gone.
    ///
    /// A transaction counts as landed at `commitment`; `Processed` is read as `Confirmed`, because
    /// a processed block may vanish again. It counts as reverted only when that is finalized,
    /// because another may be sent after it.
    pub fn new(
        client: Client,
        commitment: Commitment,
        explain: Explain,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        Self::with_pace(client, commitment, explain, Pace::default())
    }

    fn with_pace(
        client: Client,
        commitment: Commitment,
        explain: Explain,
        pace: Pace,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (arrivals, receiver) = mpsc::channel(ARRIVALS_MAX);
        let watch = Watch::new(client.clone(), commitment.max(Commitment::Confirmed), explain, pace);
        (Self { client, arrivals, pace }, watch.run(receiver))
    }

    /// Sends the bytes again and again until the chain has spoken; only that ends it.
    ///
    /// It may be dropped at any time and called again with the same transaction, by anyone.
    ///
    /// # Errors
    /// The watching task has ended.
    pub async fn land(&self, transaction: &SignedTransaction, trade: &Trade) -> Result<Observation, Stopped> {
        let (reply, observed) = oneshot::channel();
        let flight = Flight::new(transaction.clone(), trade.clone(), reply);
        self.arrivals.send(flight).await.map_err(|_| Stopped)?;
        tokio::select! {
            biased;
            observation = observed => observation.map_err(|_| Stopped),
            never = self.send_for_ever(transaction) => match never {},
        }
    }

    /// Whatever a node says to the bytes is no evidence: a refusal may be this node's alone.
    async fn send_for_ever(&self, transaction: &SignedTransaction) -> Infallible {
        loop {
            let started = Instant::now();
            if let Err(error) = faults::effect!("send", self.client.send(&transaction.bytes).await) {
                tracing::debug!(signature = %transaction.signature, %error, "no node took the transaction");
            }
            metrics::counter!("chain_sends_total").increment(1);
            tokio::time::sleep_until(started + self.pace.send).await;
        }
    }
}

/// Landings that wait for the watch to take them up; more wait in their callers.
const ARRIVALS_MAX: usize = 256;

/// How often the chain is bothered.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Between two sends of the same bytes.
    send: Duration,
    /// Between two looks for landed transactions: a slot.
    status: Duration,
    /// Between two looks for expired ones.
    expiry: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            send: Duration::from_millis(1_500),
            status: Duration::from_millis(400),
            expiry: Duration::from_secs(2),
        }
    }
}

#[cfg(test)]
mod tests;
