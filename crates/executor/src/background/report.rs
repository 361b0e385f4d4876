use crate::guard::TradingState;
use crate::metrics;
use crate::worker::Leases;
use cache::{Cache, ExecutorReport};
use chain::landing::Lander;
use journal::Trading;
use order_core::AccountAddress;
use service::Shell;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

/// Reports the executor to the gateways, and halts and disabled venues to operators.
pub(crate) struct Reporter {
    pub(crate) id: Uuid,
    pub(crate) wallets: Vec<AccountAddress>,
    pub(crate) trading: Trading,
    pub(crate) cache: Cache,
    pub(crate) leases: Arc<Leases>,
    pub(crate) lander: Lander,
    pub(crate) state: Arc<TradingState>,
    pub(crate) concurrency: u32,
    pub(crate) attempts: u32,
    pub(crate) attempt_timeout: Duration,
}

impl Reporter {
    /// Reports again and again, also which of the shell's dependencies are missing.
    pub(super) async fn run(&self, shell: &Shell) {
        let mut ticks = interval(Cache::REPORT_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let active = self.leases.orders();
            metrics::active(active.len());
            metrics::capacity(self.concurrency);
            let report = ExecutorReport {
                id: self.id,
                capacity: self.concurrency,
                attempts: self.attempts,
                attempt_timeout_seconds: self.attempt_timeout.as_secs(),
                active,
                undecided: u64::try_from(self.lander.undecided()).unwrap_or(u64::MAX),
                wallets: self.wallets.clone(),
                missing: shell.missing().into_iter().map(str::to_owned).collect(),
            };
            self.cache.report_executor(&report).await;
            if let Ok(stops) = self.trading.stops().await {
                self.state.show(&stops);
            }
        }
    }
}
