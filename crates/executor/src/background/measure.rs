use crate::metrics;
use chain::{Client, Commitment};
use journal::{Reports, Trading};
use order_core::{AccountAddress, UsdMicros};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// The pause between two measurements.
const EVERY: Duration = Duration::from_secs(5);

/// Measurements for each reading of the wallets' balances, which costs a call of a node for each.
const BALANCES_EVERY: u32 = 6;

/// Measures what no single order shows: how many are open and for how long, what the wallets have, what the day has
/// cost. Every executor measures the same, so that one of them is enough.
pub(crate) struct Measurer {
    pub(crate) reports: Reports,
    pub(crate) trading: Trading,
    pub(crate) cluster: Client,
    pub(crate) wallets: Vec<AccountAddress>,
    /// Most that the orders of a day may come to.
    pub(crate) per_day: Option<UsdMicros>,
}

impl Measurer {
    /// Measures again and again.
    pub(super) async fn run(&self) {
        metrics::day_limit(self.per_day);
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut until_balances = 0u32;
        loop {
            ticks.tick().await;
            metrics::task_ran("measure", self.measure().await.is_ok());
            if until_balances == 0 {
                until_balances = BALANCES_EVERY;
                self.balances().await;
            }
            until_balances = until_balances.saturating_sub(1);
        }
    }

    async fn measure(&self) -> Result<(), journal::Error> {
        let before = service::now();
        let clock = self.reports.clock().await?;
        metrics::clock(before, clock, service::now());
        metrics::open_orders(&self.reports.open_orders().await?);
        metrics::day_spent(self.trading.spent_today().await?);
        let reserved = self.trading.reserved_lamports().await?;
        for wallet in &self.wallets {
            metrics::reserved(wallet, reserved.get(wallet).copied().unwrap_or_default());
        }
        Ok(())
    }

    async fn balances(&self) {
        for wallet in &self.wallets {
            match self.cluster.balance(&wallet.pubkey(), Commitment::Confirmed).await {
                Ok(balance) => metrics::balance(wallet, balance),
                Err(error) => {
                    tracing::debug!(%wallet, %error, "the balance was not read; the next time follows")
                }
            }
        }
    }
}
