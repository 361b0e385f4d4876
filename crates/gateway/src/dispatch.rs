//! Accepted orders onto the queue, behind the back of the answer.

use journal::{Journal, Queue};
use order_core::order::Id;
use service::TaskTracker;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tracing::Instrument as _;

/// Orders on their way to the queue at once. Those beyond wait in the journal for its sweep, so a
/// queue that hangs costs no memory here.
const MAX_PUBLISHING: usize = 256;

/// How long the queue may take to confirm an order; after that the sweep sees to it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Puts accepted orders on the queue. Nothing is lost by what it does not manage.
pub(crate) struct Dispatcher {
    journal: Journal,
    queue: Queue,
    tasks: TaskTracker,
    publishing: Arc<Semaphore>,
}

impl Dispatcher {
    pub(crate) fn new(journal: Journal, queue: Queue, tasks: TaskTracker) -> Self {
        Self { journal, queue, tasks, publishing: Arc::new(Semaphore::new(MAX_PUBLISHING)) }
    }

    /// Publishes a newly accepted order in the background.
    pub(crate) fn dispatch(&self, id: Id, traceparent: Option<String>) {
        let Ok(permit) = Arc::clone(&self.publishing).try_acquire_owned() else {
            metrics::counter!("gateway_dispatches_skipped_total").increment(1);
            return;
        };
        let (journal, queue) = (self.journal.clone(), self.queue.clone());
        let publishing = async move {
            match tokio::time::timeout(TIMEOUT, queue.publish(id, traceparent.as_deref())).await {
                Ok(Ok(())) => journal.dispatched(id),
                Ok(Err(error)) => tracing::warn!(order.id = %id, %error, "the sweep will queue the order"),
                Err(_) => {
                    tracing::warn!(order.id = %id, "the queue is silent; the sweep will queue the order")
                }
            }
            drop(permit);
        };
        self.tasks.spawn(publishing.in_current_span());
    }
}
