//! The end of an attempt whose transaction came to nothing: its marker says that none of the order's transactions
//! has landed after all.

use chain::{Client, Occupant};
use order_core::failure::Code;
use order_core::order::Event;
use order_core::{Failure, Order};
use std::time::Duration;

/// The pause before nodes that do not tell who occupies a marker are asked again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Settles attempts whose transaction came to nothing.
pub(crate) struct SettleStep {
    pub(crate) cluster: Client,
}

impl SettleStep {
    /// Returns the failure that ends the attempt, or a transaction of the order that landed after all. Before
    /// another transaction is signed, or the order ends, its marker must not be there.
    pub(crate) async fn settle(&self, order: &Order, failure: &Failure) -> Result<Event, Failure> {
        let marker = order.state().transaction().and_then(|transaction| transaction.marker.as_ref());
        let Some(marker) = marker.filter(|_| may_hide_a_landing(failure.code)) else {
            return Err(failure.clone());
        };
        let ended = |code| Err(Failure { code, message: failure.message.clone() });
        let mut told = false;
        loop {
            match self.cluster.occupant(marker, order.transactions()).await {
                Occupant::Ours(transaction) => {
                    tracing::warn!(signature = %transaction.signature, "a transaction of the order has landed after all");
                    return Ok(Event::TransactionFound { transaction: *transaction });
                }
                Occupant::Stranger => return ended(Code::MarkerInUse),
                // The account that was there is gone: the same marker serves again.
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

/// True for a failure behind which a landing may hide: nodes say that the transaction is not there, or the marker
/// is in use.
fn may_hide_a_landing(code: Code) -> bool {
    matches!(code, Code::TransactionExpired | Code::MarkerInUse)
}
