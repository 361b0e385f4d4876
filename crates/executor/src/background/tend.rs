use crate::metrics;
use journal::Upkeep;
use rand::Rng as _;
use std::time::Duration;
use tokio::time::Instant;

/// The pause between two times that the journal is tended, and by how much each is put off at random, so that
/// executors do not do so in step.
const EVERY_MS: u64 = 1_000;
const JITTER_MS: u64 = 250;

/// The pause between two searches for open orders that the mark has missed.
const STRAGGLERS_EVERY: Duration = Duration::from_secs(60);

/// The pause between two looks at the tables of the next months.
const MONTHS_EVERY: Duration = Duration::from_secs(600);

/// Keeps the journal quick however many orders it has. Every executor does; one of them at a time is
/// enough.
pub(super) async fn run(upkeep: &Upkeep) {
    let mut stragglers_due = Instant::now();
    let mut months_due = Instant::now();
    loop {
        let tended = upkeep.tend().await;
        metrics::task_ran("tend", tended.is_ok());
        if let Err(error) = tended {
            tracing::debug!(%error, "the journal was not tended; the next time follows");
        }
        if stragglers_due <= Instant::now() {
            stragglers_due = Instant::now() + STRAGGLERS_EVERY;
            if let Err(error) = upkeep.find_stragglers().await {
                tracing::warn!(%error, "open orders behind the mark were not looked for; the next time follows");
            }
        }
        if months_due <= Instant::now() {
            months_due = Instant::now() + MONTHS_EVERY;
            if let Err(error) = upkeep.make_months().await {
                tracing::warn!(%error, "the tables of the next months were not made; the next time follows");
            }
        }
        let pause_ms = EVERY_MS.saturating_add(rand::rng().random_range(0..JITTER_MS));
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
    }
}
