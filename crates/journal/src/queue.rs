use crate::Dispatch;
use order_core::order;
use std::time::Duration;

/// Why the queue did not do what it was asked. Nothing is lost by it: the sweep finds every order.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// No connection at the moment; it is being re-established in the background.
    #[error("the queue is not connected")]
    Disconnected,
    /// The server refused, or did not answer in time: the message may or may not be on the queue.
    #[error("the queue could not {doing}: {reason}")]
    Failed {
        /// What was being done.
        doing: &'static str,
        /// What the server, or its client, said.
        reason: String,
    },
}

/// A handle on the queue of orders to execute. Clones share one connection.
#[derive(Debug, Clone)]
pub struct Queue {}

/// An order that came from the queue. It comes again unless it is acknowledged.
#[derive(Debug)]
pub struct Delivery {
    /// The order.
    pub order_id: order::Id,
    /// The W3C trace context of the request that placed it.
    pub traceparent: Option<String>,
}

impl Queue {
    /// Connects, now or as soon as the server can be reached.
    ///
    /// # Errors
    /// The URL is not one.
    pub async fn connect(_url: &str) -> Result<Self, QueueError> {
        unimplemented!()
    }

    /// Puts a newly accepted order on the queue, and waits until the server has it.
    ///
    /// # Errors
    /// It may or may not be on the queue; leave the rest to the sweep.
    pub async fn publish(&self, _id: order::Id, _traceparent: Option<&str>) -> Result<(), QueueError> {
        unimplemented!()
    }

    /// Puts an order that the sweep found on the queue, and waits until the server has it.
    ///
    /// # Errors
    /// It may or may not be on the queue; leave the rest to the sweep.
    pub async fn republish(&self, _dispatch: &Dispatch) -> Result<(), QueueError> {
        unimplemented!()
    }

    /// Whether the server answers and has the stream.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), QueueError> {
        unimplemented!()
    }

    /// The next orders, up to `max`: those that are there now, or else the first that comes within
    /// `expires`; empty if none does. Don't drop the future before it is done: an order that is just
    /// then on its way comes again only after a while.
    ///
    /// # Errors
    /// The queue is out of reach. Wait a moment and call again; stream and consumer are made anew.
    pub async fn next(&self, _max: usize, _expires: Duration) -> Result<Vec<Delivery>, QueueError> {
        unimplemented!()
    }
}

impl Delivery {
    /// Tells the queue that the order need not come again: once it is claimed (from there on the
    /// lease and the sweep carry it), or if it cannot be.
    ///
    /// # Errors
    /// It may come again; the claim then finds nothing to do.
    pub async fn acknowledge(self) -> Result<(), QueueError> {
        unimplemented!()
    }
}
