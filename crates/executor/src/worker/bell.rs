use journal::{Delivery, Orders, ParkedMessages, Queue};
use order_core::order;
use service::CancellationToken;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long an idle executor waits to be rung before it looks for orders by itself. A stop takes no
/// longer to be noticed.
const LOOK_EVERY: Duration = Duration::from_millis(800);

/// While there are more orders than permits, the queue is only emptied of what was rung for them.
const NO_WAIT: Duration = Duration::from_millis(1);

/// How long a queue that has failed is not asked again while there is work.
const QUEUE_PAUSE: Duration = Duration::from_secs(5);

/// How many calls must fail in a row before it is worth a line in the log.
const FAILURES_TO_MENTION: u32 = 3;

/// The queue as a bell: it rings for a new order, and the journal says what there is to do.
pub(crate) struct Bell {
    queue: Queue,
    orders: Orders,
    parked: ParkedMessages,
    failures: u32,
    failed_at: Option<Instant>,
}

impl Bell {
    pub(crate) fn new(queue: Queue, orders: Orders, parked: ParkedMessages) -> Self {
        Self { queue, orders, parked, failures: 0, failed_at: None }
    }

    /// Waits until the queue rings, or it is time to look anyway; not at all if there is `more` to do. Takes up to
    /// `max` messages off the queue.
    pub(super) async fn listen(&mut self, max: usize, more: bool, shutdown: &CancellationToken) {
        if more && self.failed_at.is_some_and(|failed| failed.elapsed() < QUEUE_PAUSE) {
            return;
        }
        let wait = if more { NO_WAIT } else { LOOK_EVERY };
        // Not cancelled by the shutdown: a message that is just then on its way would be late.
        match self.queue.next(max, wait).await {
            Ok(deliveries) => {
                (self.failures, self.failed_at) = (0, None);
                if !deliveries.is_empty() {
                    self.heard(deliveries).await;
                }
            }
            Err(error) => {
                self.failed_at = Some(Instant::now());
                self.failures = self.failures.saturating_add(1);
                // Said once, and not while the first connection is being made.
                if self.failures == FAILURES_TO_MENTION {
                    tracing::warn!(%error, "the queue does not ring; orders are looked for until it is back");
                }
                if !more {
                    shutdown.run_until_cancelled(sleep(LOOK_EVERY)).await;
                }
            }
        }
    }

    /// Takes messages off the queue. A message that names no existing order is parked.
    async fn heard(&self, deliveries: Vec<Delivery>) {
        let ids: Vec<order::Id> = deliveries.iter().filter_map(|delivery| delivery.order_id).collect();
        let known = match self.orders.known(&ids).await {
            Ok(known) => known,
            // They come again.
            Err(error) => return tracing::warn!(%error, "messages were not looked at"),
        };
        for delivery in deliveries {
            match delivery.order_id {
                None => self.park(delivery, "it names no order").await,
                Some(id) if !known.contains(&id) => {
                    self.park(delivery, "it names an order that does not exist").await;
                }
                Some(id) => {
                    if let Err(error) = faults::effect!("acknowledge", delivery.acknowledge().await) {
                        tracing::debug!(order.id = %id, %error, "a message was not acknowledged: it comes again");
                    }
                }
            }
        }
    }

    async fn park(&self, delivery: Delivery, reason: &str) {
        if let Err(error) = self.parked.park(delivery, reason).await {
            tracing::warn!(reason, %error, "a message was not parked: it comes again");
        }
    }
}
