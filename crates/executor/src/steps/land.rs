use crate::cluster::keeping;
use chain::Trade;
use chain::landing::Lander;
use order_core::Order;
use order_core::order::{Observation, SignedTransaction};
use service::CancellationToken;

/// Lands signed transactions.
pub(crate) struct LandStep {
    pub(crate) lander: Lander,
    pub(crate) shutdown: CancellationToken,
}

impl LandStep {
    /// Sends the transaction until the chain has spoken. There is no deadline: only the chain can give up what may
    /// have been sent. None if this executor stops first; the next owner sends the same bytes.
    pub(crate) async fn land(&self, order: &Order, transaction: &SignedTransaction) -> Option<Observation> {
        let min_out = order.min_out().unwrap_or_default();
        let trade = match Trade::of(order.id(), order.intent(), min_out, transaction) {
            Ok(trade) => keeping(trade),
            Err(error) => {
                tracing::error!(%error, signature = %transaction.signature, "the recorded bytes are no transaction");
                return None;
            }
        };
        tokio::select! {
            biased;
            observation = self.lander.land(transaction, &trade) => match observation {
                Ok(observation) => Some(observation),
                Err(error) => {
                    tracing::error!(%error, signature = %transaction.signature, "letting go of the order");
                    None
                }
            },
            () = self.shutdown.cancelled() => {
                tracing::info!(signature = %transaction.signature, "leaving the order to another executor");
                None
            }
        }
    }
}
