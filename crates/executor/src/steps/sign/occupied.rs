use chain::{Client, Occupant};
use order_core::failure::Code;
use order_core::order::{Event, Marker};
use order_core::{Failure, Order};

/// Finds out who occupies the marker that kept a transaction from being signed. One of the order's own
/// transactions is waited for again. A stranger's lamports cost the attempt; the next one has another marker.
pub(super) async fn resolve(
    cluster: &Client,
    order: &Order,
    marker: &Marker,
    failure: Failure,
) -> Result<Event, Failure> {
    match cluster.occupant(marker, order.transactions()).await {
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
