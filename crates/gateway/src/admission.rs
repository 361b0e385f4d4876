//! What the database is asked again and again: whether new orders are taken on, which they are not while
//! trading is halted or too many wait for their end, and which venues are disabled.

use journal::{DisabledVenue, Journal};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How often the database is asked. In between, what this process accepts is added: the bound may be
/// overshot by what the other gateways accept meanwhile. Executors ask anew what is stopped, so what
/// is taken on or quoted within this time after a halt is not signed either.
const EVERY: Duration = Duration::from_millis(500);

/// What the database last said.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    waiting: AtomicU64,
    halted: AtomicBool,
    disabled: RwLock<Arc<[DisabledVenue]>>,
}

impl Admission {
    /// Asks the database for the first time, again until it answers: a gateway that does not know of a
    /// halt takes nothing on.
    pub(crate) async fn read(journal: &Journal) -> Self {
        let admission = Self::default();
        while let Err(error) = admission.ask(journal).await {
            tracing::warn!(%error, "waiting for the database to tell the backlog");
            tokio::time::sleep(EVERY).await;
        }
        admission
    }

    /// Keeps it up to date, for ever.
    pub(crate) async fn follow(&self, journal: &Journal) {
        let mut due = tokio::time::interval(EVERY);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            if let Err(error) = self.ask(journal).await {
                tracing::debug!(%error, "the backlog was not counted");
            }
        }
    }

    async fn ask(&self, journal: &Journal) -> Result<(), journal::Error> {
        self.waiting.store(journal.backlog().await?, Ordering::Relaxed);
        let journal::Stops { halt, venues } = journal.stops().await?;
        *self.disabled.write().unwrap_or_else(PoisonError::into_inner) = venues.into();
        // For the metric alone.
        journal.count_parked().await?;
        metrics::gauge!("gateway_halted").set(if halt.is_some() { 1.0 } else { 0.0 });
        if self.halted.swap(halt.is_some(), Ordering::Relaxed) == halt.is_some() {
            return Ok(());
        }
        match halt {
            Some(halt) => tracing::warn!(reason = halt.reason, "trading is halted: new orders are refused"),
            None => tracing::warn!("trading goes on"),
        }
        Ok(())
    }

    /// Counts an order that was just accepted.
    pub(crate) fn add(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    /// How many orders wait.
    pub(crate) fn count(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// The venues that no order is to go over.
    pub(crate) fn disabled_venues(&self) -> Arc<[DisabledVenue]> {
        Arc::clone(&self.disabled.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether an operator has stopped trading.
    pub(crate) fn is_halted(&self) -> bool {
        self.halted.load(Ordering::Relaxed)
    }
}
