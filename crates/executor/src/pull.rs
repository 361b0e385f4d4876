use crate::executor::Executor;
use crate::metrics;
use journal::Delivery;
use order_core::order;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, info_span};

/// How long a call waits for orders: no longer than a stop may take to be noticed.
const EXPIRES: Duration = Duration::from_secs(1);

/// The pause after the queue was out of reach.
const PAUSE: Duration = Duration::from_millis(500);

/// How many calls must fail in a row before it is worth a line in the log.
const FAILURES_TO_MENTION: u32 = 3;

impl Executor {
    /// Takes orders from the queue until `shutdown`, never more than there are free permits for,
    /// and works on each in a task of `orders`.
    pub(crate) async fn pull(self: &Arc<Self>, shutdown: &CancellationToken, orders: &TaskTracker) {
        let permits = Arc::new(Semaphore::new(self.capacity()));
        let mut failures: u32 = 0;
        while let Some(first) = permit(&permits, shutdown).await {
            let free = permits.available_permits().saturating_add(1);
            // Not cancelled by the shutdown: an order that is just then on its way would be late.
            match self.queue.next(free, EXPIRES).await {
                Ok(deliveries) => {
                    failures = 0;
                    self.start(deliveries, first, &permits, orders);
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    // Said once, and not while the first connection is being made.
                    if failures == FAILURES_TO_MENTION {
                        tracing::warn!(%error, "no orders from the queue; trying again until it is back");
                    }
                    tokio::select! {
                        biased;
                        () = shutdown.cancelled() => {}
                        () = tokio::time::sleep(PAUSE) => {}
                    }
                }
            }
        }
    }

    fn start(
        self: &Arc<Self>,
        deliveries: Vec<Delivery>,
        first: OwnedSemaphorePermit,
        permits: &Arc<Semaphore>,
        orders: &TaskTracker,
    ) {
        let mut first = Some(first);
        for delivery in deliveries {
            let permit = first.take().or_else(|| Arc::clone(permits).try_acquire_owned().ok());
            // The queue never gives more than it was asked for; what it gave too much comes again.
            let Some(permit) = permit else { break };
            let executor = Arc::clone(self);
            orders.spawn(async move {
                executor.work(delivery).await;
                drop(permit);
            });
        }
    }

    /// One order, from its delivery to its rest.
    async fn work(&self, delivery: Delivery) {
        let Some(id) = delivery.order_id else { return self.park(delivery, "it names no order").await };
        let claim = match faults::effect!("claim", self.journal.claim(id, self.lease).await) {
            Ok(Some(claim)) => claim,
            Ok(None) => return self.leave(delivery, id).await,
            // Nobody will make more of it, however often it comes.
            Err(error @ journal::Error::Corrupt { .. }) => {
                return self.park(delivery, &error.to_string()).await;
            }
            // It comes again.
            Err(error) => return tracing::warn!(order.id = %id, %error, "the order was not claimed"),
        };
        // From here on the lease carries the order, and the sweep finds it when the lease runs out.
        if let Err(error) = faults::effect!("acknowledge", delivery.acknowledge().await) {
            tracing::debug!(order.id = %id, %error, "the delivery was not acknowledged: it comes again");
        }
        let span = info_span!("order", order.id = %id);
        if let Some(traceparent) = claim.traceparent() {
            service::trace::continue_from(&span, traceparent);
        }
        self.drive(claim).instrument(span).await;
        metrics::active(self.leases.orders().len());
    }

    /// What cannot be claimed needs nobody: it has ended, or is another's, or not due. Unless there is
    /// no such order.
    async fn leave(&self, delivery: Delivery, id: order::Id) {
        match self.journal.knows(id).await {
            Ok(true) => {}
            Ok(false) => return self.park(delivery, "it names an order that does not exist").await,
            // It comes again.
            Err(error) => return tracing::warn!(order.id = %id, %error, "the order was not looked for"),
        }
        tracing::debug!(order.id = %id, "nothing to do for the order");
        if let Err(error) = delivery.acknowledge().await {
            tracing::debug!(order.id = %id, %error, "the delivery was not acknowledged: it comes again");
        }
    }

    async fn park(&self, delivery: Delivery, reason: &str) {
        if let Err(error) = self.journal.park(delivery, reason).await {
            tracing::warn!(reason, %error, "a message was not parked: it comes again");
        }
    }
}

/// The next free permit; None once it is time to stop.
async fn permit(permits: &Arc<Semaphore>, shutdown: &CancellationToken) -> Option<OwnedSemaphorePermit> {
    tokio::select! {
        biased;
        () = shutdown.cancelled() => None,
        permit = Arc::clone(permits).acquire_owned() => permit.ok(),
    }
}
