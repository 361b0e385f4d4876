use crate::executor::Executor;
use crate::metrics;
use rand::Rng as _;
use std::time::Duration;

/// How often the sweep runs, and by how much each run is put off at random, so that executors do
/// not sweep in step.
const EVERY_MS: u64 = 1_000;
const JITTER_MS: u64 = 250;

/// Most orders of one sweep: enough to fill an emptied queue faster than it is worked off.
const ORDERS_MAX: u32 = 500;

/// How long an order may wait on the queue before it is suspected to be lost.
const GRACE: Duration = Duration::from_secs(10);

impl Executor {
    /// Puts orders back on the queue that should be on it and may not be: retries that are due, and
    /// whatever a crash or the queue itself has lost. Every executor does; the journal gives each
    /// order to one of them.
    pub(crate) async fn sweep(&self) {
        faults::defect!("publish_without_sweep", { return std::future::pending().await });
        loop {
            let pause_ms = EVERY_MS.saturating_add(rand::rng().random_range(0..JITTER_MS));
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            match self.journal.sweep(&self.queue, ORDERS_MAX, GRACE).await {
                Ok(0) => {}
                Ok(orders) => {
                    metrics::swept(u64::try_from(orders).unwrap_or(u64::MAX));
                    tracing::debug!(orders, "orders were put back on the queue");
                }
                Err(error) => tracing::debug!(%error, "the sweep failed; the next one follows"),
            }
        }
    }
}
