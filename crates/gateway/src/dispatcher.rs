//! Accepted orders onto the queue, behind the back of the answer.

use journal::Queue;
use order_core::order::Id;
use service::TaskTracker;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tracing::Instrument as _;

/// Orders on their way to the queue at once. Those beyond wait in the journal until an executor looks, so
/// a queue that hangs costs no memory here.
const MAX_PUBLISHING: usize = 256;

/// How long the queue may take to confirm an order.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Puts accepted orders on the queue. Nothing is lost by what it does not manage.
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
            metrics::counter!("gateway_dispatches_skipped_total").increment(1);
            return;
        };
        let queue = self.queue.clone();
        let publishing = async move {
            match tokio::time::timeout(TIMEOUT, queue.publish(id, traceparent.as_deref())).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(order.id = %id, %error, "not rung for; an executor will find the order")
                }
                Err(_) => {
                    tracing::warn!(order.id = %id, "the queue is silent; an executor will find the order")
                }
            }
            drop(permit);
        };
        self.tasks.spawn(publishing.in_current_span());
    }
}
