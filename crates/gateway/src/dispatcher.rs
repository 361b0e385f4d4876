//! Publishes accepted orders to NATS in the background, after the client got its 202.

use crate::metrics;
use journal::Queue;
use order_core::order::Id;
use service::TaskTracker;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tracing::Instrument as _;

/// Orders that are published at the same time. Further ones are not published; executors find them in
/// PostgreSQL. So a slow queue costs no memory here.
const MAX_PUBLISHING: usize = 256;

/// Time for NATS to confirm a message.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Publishes accepted orders. An order that is not published is still executed, about a second later.
pub(crate) struct Dispatcher {
    queue: Queue,
    tasks: TaskTracker,
    publishing: Arc<Semaphore>,
}

impl Dispatcher {
    pub(crate) fn new(queue: Queue, tasks: TaskTracker) -> Self {
        Self { queue, tasks, publishing: Arc::new(Semaphore::new(MAX_PUBLISHING)) }
    }

    /// Publishes a newly accepted order in the background.
    pub(crate) fn dispatch(&self, id: Id, traceparent: Option<String>) {
        let Ok(permit) = Arc::clone(&self.publishing).try_acquire_owned() else {
            metrics::dispatch_skipped();
            return;
        };
        let queue = self.queue.clone();
        let publishing = async move {
            match tokio::time::timeout(TIMEOUT, queue.publish(id, traceparent.as_deref())).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(order.id = %id, %error, "order not published to NATS; executors find it in PostgreSQL")
                }
                Err(_) => {
                    tracing::warn!(order.id = %id, "order not published to NATS in time; executors find it in PostgreSQL")
                }
            }
            drop(permit);
        };
        self.tasks.spawn(publishing.in_current_span());
    }
}
