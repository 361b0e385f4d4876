use crate::executor::Executor;
use crate::metrics;
use live::{ExecutorReport, Live};
use tokio::time::{MissedTickBehavior, interval};

impl Executor {
    /// Tells the gateways what this executor can do and what it is doing, and operators what is
    /// stopped, again and again.
    pub(crate) async fn report(&self) {
        let mut ticks = interval(Live::REPORT_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let active = self.leases.orders();
            metrics::active(active.len());
            let report = ExecutorReport {
                id: self.id,
                capacity: self.concurrency,
                attempts: self.retry.attempts,
                attempt_timeout_seconds: self.attempt_timeout.as_secs(),
                active,
                undecided: u64::try_from(self.lander.undecided()).unwrap_or(u64::MAX),
            };
            self.live.report_executor(&report).await;
            if let Ok(stops) = self.journal.trading.stops().await {
                self.switch.show(&stops);
            }
        }
    }
}
