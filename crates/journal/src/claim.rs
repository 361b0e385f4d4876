use crate::{Error, Journal};
use order_core::{Order, Timestamp, order};
use std::time::Duration;

/// Which claim of an order this is. Each claim has a higher one than all before it; the journal
/// refuses writes that carry an older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub(crate) i64);

/// The right to move one order on, as long as nobody else claims it.
#[derive(Debug)]
pub struct Claim {
    pub(crate) order: Order,
    pub(crate) fence: Fence,
    pub(crate) traceparent: Option<String>,
    pub(crate) created_at: Timestamp,
}

impl Claim {
    /// The order, as its recorded events make it.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// The number of this claim, for [`Journal::renew`].
    pub fn fence(&self) -> Fence {
        self.fence
    }

    /// The W3C trace context of the request that placed the order.
    pub fn traceparent(&self) -> Option<&str> {
        self.traceparent.as_deref()
    }

    /// When the order was accepted.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

impl Journal {
    /// Takes an order that nobody owns, for `lease` from now by the database's clock. None if it is
    /// unknown, has ended, is not due yet, or is leased to another.
    ///
    /// # Errors
    /// The database does not answer, or the order's events are corrupt. The lease may then have
    /// been taken all the same; it runs out by itself.
    pub async fn claim(&self, _id: order::Id, _lease: Duration) -> Result<Option<Claim>, Error> {
        unimplemented!()
    }

    /// Extends leases to `lease` from now, and returns the orders that are still held. Whoever is
    /// not among them has lost the order and must stop.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn renew(
        &self,
        _held: &[(order::Id, Fence)],
        _lease: Duration,
    ) -> Result<Vec<order::Id>, Error> {
        unimplemented!()
    }

    /// Gives an order back before it has ended, so that another can claim it at once. Does nothing
    /// if the claim is no longer the latest.
    ///
    /// # Errors
    /// The database does not answer; the lease then runs out by itself.
    pub async fn release(&self, _claim: Claim) -> Result<(), Error> {
        unimplemented!()
    }
}
