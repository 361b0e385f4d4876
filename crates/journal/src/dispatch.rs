use crate::{Error, Fence, Journal};
use order_core::order;
use std::time::Duration;

/// An order to put on the queue: see [`crate::Queue::republish`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatch {
    /// The order.
    pub id: order::Id,
    /// How often it had been claimed when it was found.
    pub fence: Fence,
    /// The W3C trace context of the request that placed it.
    pub traceparent: Option<String>,
}

impl Journal {
    /// Notes that accepted orders are on the queue. A hint that spares the sweep some work: written
    /// in the background with whatever else waits, and nothing breaks if it is lost.
    pub fn dispatched(&self, _id: order::Id) {
        unimplemented!()
    }

    /// The sweep: finds up to `limit` orders that could be claimed now and that the queue may have
    /// lost, oldest first, and marks them as dispatched; publish each with
    /// [`crate::Queue::republish`]. These are orders whose lease ran out or was released and whose
    /// retry is due, at once, and any other that nobody has claimed for `grace` since it was
    /// accepted or last dispatched. Several processes may sweep at once; each order goes to one.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn undispatched(&self, _limit: u32, _grace: Duration) -> Result<Vec<Dispatch>, Error> {
        unimplemented!()
    }
}
