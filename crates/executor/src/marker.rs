//! Resolution of an order whose transaction the chain refuses because the order's marker is there.

use crate::executor::Executor;
use chain::Occupant;
use order_core::failure::Code;
use order_core::order::{Event, Marker};
use order_core::{Failure, Order};
use std::time::Duration;

/// The pause before nodes that do not tell who occupies a marker are asked again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(2);

impl Executor {
    /// Finds out who occupies the marker that kept a transaction from being signed. One of the order's own
    /// transactions is waited for again. A stranger's lamports cost the attempt; the next one has another marker.
    pub(crate) async fn resolve(
        &self,
        order: &Order,
        marker: &Marker,
        failure: Failure,
    ) -> Result<Event, Failure> {
        match self.cluster.occupant(marker, order.transactions()).await {
            Occupant::Ours(transaction) => {
                tracing::warn!(signature = %transaction.signature, "a transaction of the order has landed before");
                Ok(Event::TransactionFound { transaction: *transaction })
            }
            Occupant::Stranger => {
                tracing::warn!(marker = %marker.address, "somebody else has occupied the order's marker");
                Err(failure)
            }
            Occupant::Nobody | Occupant::Unknown => Err(Failure::new(
                Code::ClusterUnavailable,
                "the order's marker exists, and nodes do not tell by which transaction",
            )),
        }
    }

    /// The event that ends an attempt whose transaction came to nothing. Before another is signed, or the order
    /// ends, its marker must not be there: else one of its transactions may have landed after all.
    pub(crate) async fn settle(&self, order: &Order, failure: &Failure) -> Event {
        let marker = order.state().transaction().and_then(|transaction| transaction.marker.as_ref());
        let Some(marker) = marker.filter(|_| may_hide_a_landing(failure.code)) else {
            return order.attempt_failed(failure.clone(), &self.retry, rand::random());
        };
        let mut told = false;
        loop {
            let ended = |code| {
                let failure = Failure { code, message: failure.message.clone() };
                order.attempt_failed(failure, &self.retry, rand::random())
            };
            match self.cluster.occupant(marker, order.transactions()).await {
                Occupant::Ours(transaction) => {
                    tracing::warn!(signature = %transaction.signature, "a transaction of the order has landed after all");
                    return Event::TransactionFound { transaction: *transaction };
                }
                Occupant::Stranger => return ended(Code::MarkerInUse),
                // Whatever was there is gone: the same marker serves again.
                Occupant::Nobody if failure.code == Code::MarkerInUse => {
                    return ended(Code::TransactionReverted);
                }
                Occupant::Nobody => return ended(failure.code),
                Occupant::Unknown if !told => {
                    told = true;
                    tracing::error!(
                        marker = %marker.address,
                        "nodes do not tell who occupies an order's marker; the order waits, and can be settled"
                    );
                }
                Occupant::Unknown => {}
            }
            tokio::time::sleep(ASK_AGAIN_AFTER).await;
        }
    }
}

/// True for an end of a transaction that rests on nodes' word that it is not there, or that means that another
/// one is.
fn may_hide_a_landing(code: Code) -> bool {
    matches!(code, Code::TransactionExpired | Code::MarkerInUse)
}
