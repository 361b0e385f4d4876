//! How many orders wait for their end: above a bound, new ones are refused.

use journal::Journal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How often the database is asked. In between, what this process accepts is added: the bound may be
/// overshot by what the other gateways accept meanwhile.
const EVERY: Duration = Duration::from_millis(500);

/// The latest count.
#[derive(Debug, Default)]
pub(crate) struct Backlog(AtomicU64);

impl Backlog {
    /// Keeps the count up to date, for ever.
    pub(crate) async fn follow(&self, journal: &Journal) {
        let mut due = tokio::time::interval(EVERY);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            match journal.backlog().await {
                Ok(count) => self.0.store(count, Ordering::Relaxed),
                Err(error) => tracing::debug!(%error, "the backlog was not counted"),
            }
        }
    }

    /// Counts an order that was just accepted.
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many orders wait.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
