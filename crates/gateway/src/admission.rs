//! Admission control: polls PostgreSQL for the size of the backlog, the kill switch, the disabled venues, and
//! the first key.

use crate::access::Keys;
use crate::metrics;
use journal::{DisabledVenue, Journal};
use order_core::AccountId;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// Poll interval. In between, the orders that this process accepts are added, so the backlog may exceed its
/// limit by the orders that other gateways accept meanwhile. Executors check the kill switch and the venues
/// themselves, so an order accepted within this time after a halt is not signed either.
const EVERY: Duration = Duration::from_millis(500);

/// The latest admission state of the database.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    backlog: Mutex<HashMap<AccountId, u64>>,
    halted: AtomicBool,
    disabled: RwLock<Arc<[DisabledVenue]>>,
}

impl Admission {
    /// Reads the state for the first time, and retries until the database answers: a gateway that does not
    /// know the kill switch accepts no order.
    pub(crate) async fn read(journal: &Journal, keys: &Keys) -> Self {
        let admission = Self::default();
        while let Err(error) = admission.ask(journal, keys).await {
            tracing::warn!(%error, "database unavailable: waiting for the admission state");
            tokio::time::sleep(EVERY).await;
        }
        admission
    }

    /// Polls the database until the process ends.
    pub(crate) async fn follow(&self, journal: &Journal, keys: &Keys) {
        let mut due = tokio::time::interval(EVERY);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            if let Err(error) = self.ask(journal, keys).await {
                tracing::debug!(%error, "database unavailable: the admission state is out of date");
            }
        }
    }

    async fn ask(&self, journal: &Journal, keys: &Keys) -> Result<(), journal::Error> {
        let backlog = journal.reports.backlog_by_account().await?;
        metrics::backlog(backlog.values().fold(0, |all: u64, open| all.saturating_add(*open)));
        *self.backlog() = backlog;
        let journal::Stops { halt, venues } = journal.trading.stops().await?;
        *self.disabled.write().unwrap_or_else(PoisonError::into_inner) = venues.into();
        keys.look().await?;
        // Only sets a metric.
        journal.parked.count().await?;
        metrics::halted(halt.is_some());
        if self.halted.swap(halt.is_some(), Ordering::Relaxed) == halt.is_some() {
            return Ok(());
        }
        match halt {
            Some(halt) => tracing::warn!(reason = halt.reason, "trading halted: new orders are rejected"),
            None => tracing::warn!("trading resumed"),
        }
        Ok(())
    }

    /// Counts an order of the account that was just accepted.
    pub(crate) fn add(&self, account: &AccountId) {
        let mut backlog = self.backlog();
        let open = backlog.entry(account.clone()).or_default();
        *open = open.saturating_add(1);
    }

    /// The number of open orders: of all accounts, and of this one.
    pub(crate) fn count(&self, account: &AccountId) -> (u64, u64) {
        let backlog = self.backlog();
        let all = backlog.values().fold(0, |all: u64, open| all.saturating_add(*open));
        (all, backlog.get(account).copied().unwrap_or_default())
    }

    fn backlog(&self) -> MutexGuard<'_, HashMap<AccountId, u64>> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The disabled venues: no route may use them.
    pub(crate) fn disabled_venues(&self) -> Arc<[DisabledVenue]> {
        Arc::clone(&self.disabled.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns true while trading is halted.
    pub(crate) fn is_halted(&self) -> bool {
        self.halted.load(Ordering::Relaxed)
    }
}
