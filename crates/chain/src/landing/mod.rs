//! Sends a signed transaction until the chain has spoken, and says what it said.

mod expiry;
mod flight;
mod reading;
mod watch;

use crate::{Client, Commitment, Explain, Receipt, SignatureStatus, Trade};
use flight::Flight;
use order_core::order::{Observation, SignedTransaction};
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch as watch_channel};
use tokio::time::Instant;
use watch::Watch;

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
    undecided: Arc<AtomicUsize>,
}

impl Lander {
    /// A lander, and the task to spawn for it. The task ends when every clone of the lander is gone.
    ///
    /// A transaction counts as landed at `commitment`; `Processed` is read as `Confirmed`, because
    /// a processed block may vanish again. It counts as reverted only when that is finalized,
    /// because another may be sent after it.
    ///
    /// With `slots`, the newest slot that a node works on, each new one is a reason to look; without it, and where it
    /// stays as it is, there are looks every 400 ms.
    pub fn new(
        client: Client,
        commitment: Commitment,
        explain: Explain,
        slots: Option<watch_channel::Receiver<u64>>,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        Self::with_pace(client, commitment, explain, slots, Pace::default())
    }

    fn with_pace(
        client: Client,
        commitment: Commitment,
        explain: Explain,
        slots: Option<watch_channel::Receiver<u64>>,
        pace: Pace,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (arrivals, receiver) = mpsc::channel(ARRIVALS_MAX);
        let undecided = Arc::new(AtomicUsize::new(0));
        let commitment = commitment.max(Commitment::Confirmed);
        let watch = Watch::new(client.clone(), commitment, explain, slots, pace, Arc::clone(&undecided));
        (Self { client, arrivals, pace, undecided }, watch.run(receiver))
    }

    /// How many transactions no node decides, or only in ways that cannot be: a human must look.
    pub fn undecided(&self) -> usize {
        self.undecided.load(Ordering::Relaxed)
    }

    /// Sends the bytes again and again, unless they are in a block, until the chain has spoken; only that ends it.
    ///
    /// It may be dropped at any time and called again with the same transaction, by anyone.
    ///
    /// # Errors
    /// The watching task has ended.
    pub async fn land(&self, transaction: &SignedTransaction, trade: &Trade) -> Result<Observation, Stopped> {
        let (reply, observed) = oneshot::channel();
        let in_block = Arc::new(AtomicBool::new(false));
        let receipt = Arc::new(Receipt::default());
        let told = (Arc::clone(&in_block), Arc::clone(&receipt));
        let flight = Flight::new(transaction.clone(), trade.clone(), reply, told);
        self.arrivals.send(flight).await.map_err(|_| Stopped)?;
        tokio::select! {
            biased;
            observation = observed => observation.map_err(|_| Stopped),
            never = self.send_for_ever(transaction, &in_block, &receipt) => match never {},
        }
    }

    /// A node's answer to the bytes is no evidence: a refusal may be this node's alone. So nodes are not
    /// asked to simulate: one that refused would leave the order waiting for the blockhash to expire, where the
    /// chain says within a few slots that it reverted, and why.
    async fn send_for_ever(
        &self,
        transaction: &SignedTransaction,
        in_block: &AtomicBool,
        receipt: &Arc<Receipt>,
    ) -> Infallible {
        let begun = Instant::now();
        let mut taken = false;
        loop {
            let started = Instant::now();
            if in_block.load(Ordering::Relaxed) {
                tokio::time::sleep(self.pace.send).await;
                continue;
            }
            match faults::effect!("send", self.client.broadcast(&transaction.bytes, receipt).await) {
                Ok(_) if taken => {}
                Ok(_) => {
                    taken = true;
                    crate::metrics::first_sent(begun.elapsed());
                }
                Err(error) => {
                    tracing::debug!(signature = %transaction.signature, %error, "no node took the transaction");
                }
            }
            crate::metrics::sent();
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
    /// Between two looks for landed transactions at least, for each that is in flight, however many slots there are.
    look: Duration,
    /// Between two looks for expired ones.
    expiry: Duration,
    /// How long all nodes must say that a transaction can never land: longer than the pause between two looks,
    /// so that they say it twice.
    absence: Duration,
    /// How long nodes that do not answer are waited for, where others have decided.
    silence: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            send: Duration::from_millis(1_500),
            status: Duration::from_millis(400),
            look: Duration::from_millis(20),
            expiry: Duration::from_secs(2),
            absence: Duration::from_secs(2),
            silence: Duration::from_secs(60),
        }
    }
}

/// Transactions of a marker that are looked at: its creation, and a few that were refused.
const MARKER_SIGNATURES_MAX: usize = 20;

/// Hosts that must agree before a transaction counts as expired, reverted or landed, where there are as many.
const WITNESSES: usize = 2;

/// How sure a transaction's end must be, where a landing counts at `commitment`.
///
/// A failure must be finalized whatever the setting, because it sets the order free for a second
/// transaction. If the fork of the failure were dropped, the first could still land, and the order would be
/// told to have failed while the chain refuses its second. A success ends the order: nothing is signed after it.
fn needed(failed: bool, commitment: Commitment) -> Commitment {
    if failed { Commitment::Finalized } else { commitment }
}

/// How sure it is that the transaction has come to its end; None if that is not enough.
fn decisive(status: &SignatureStatus, commitment: Commitment) -> Option<Commitment> {
    let needed = needed(status.failure.is_some(), commitment);
    (status.commitment >= needed).then_some(status.commitment)
}

#[cfg(test)]
mod tests;
