use crate::executor::Executor;
use crate::metrics;
use futures_util::stream::{self, StreamExt as _};
use rand::Rng as _;
use std::time::Duration;

/// How often the sweep runs, and by how much each run is put off at random, so that executors do
/// not sweep in step.
const EVERY_MS: u64 = 1_000;
const JITTER_MS: u64 = 250;

/// Most orders of one sweep: enough to fill an emptied queue faster than it is worked off.
const ORDERS_MAX: u32 = 500;

/// How many publications are under way at once.
const PUBLISH_AT_ONCE: usize = 32;

/// How long an order may wait on the queue before it is suspected to be lost.
const GRACE: Duration = Duration::from_secs(10);

impl Executor {
    /// Puts orders back on the queue that should be on it and may not be: retries that are due, and
    /// whatever a crash or the queue itself has lost. Every executor does; the journal gives each
    /// order to one of them.
    pub(crate) async fn sweep(&self) {
        loop {
            let pause_ms = EVERY_MS.saturating_add(rand::rng().random_range(0..JITTER_MS));
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            if let Err(error) = self.sweep_once().await {
                tracing::debug!(%error, "the sweep failed; the next one follows");
            }
        }
    }

    async fn sweep_once(&self) -> anyhow::Result<()> {
        // The journal counts what it hands out as dispatched: not while the queue is away.
        self.queue.ping().await?;
        let lost = self.journal.undispatched(ORDERS_MAX, GRACE).await?;
        if lost.is_empty() {
            return Ok(());
        }
        metrics::swept(u64::try_from(lost.len()).unwrap_or(u64::MAX));
        tracing::debug!(orders = lost.len(), "orders were put back on the queue");
        let mut published = stream::iter(lost)
            .map(|dispatch| async move { self.queue.republish(&dispatch).await })
            .buffer_unordered(PUBLISH_AT_ONCE);
        // All of them, whatever becomes of one: they count as dispatched, and what is not published
        // now waits for the whole grace.
        let mut first_failure = Ok(());
        while let Some(outcome) = published.next().await {
            first_failure = first_failure.and(outcome);
        }
        Ok(first_failure?)
    }
}
