use crate::{Claim, Error, Journal};
use order_core::order::{Event, IllegalTransition, Recorded};

/// Why an event was not recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The event may not happen in the order's state. The claim still holds.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// Another owner has the order, or an earlier append of this claim was cancelled: let go of it.
    #[error("the order has another owner, or went on without this claim: let go of it")]
    Fenced,
    /// The database is at fault: see the error. Let go of the order; its next owner goes on from
    /// what was recorded. After [`Error::Unknown`] nothing may be sent on the event's strength.
    #[error(transparent)]
    Journal(#[from] Error),
}

impl Journal {
    /// Records an event of a claimed order; `claim.order()` moves on with it. Written together with
    /// whatever else waits to be appended, in one statement with the order's row and transaction.
    ///
    /// A failed attempt gives the claim up: the order can be claimed again once its pause is over.
    /// So does an event that ends the order.
    ///
    /// # Errors
    /// See [`AppendError`]; `claim.order()` is then as it was.
    pub async fn append(&self, _claim: &mut Claim, _event: Event) -> Result<Recorded, AppendError> {
        unimplemented!()
    }
}
