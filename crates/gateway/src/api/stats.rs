//! `GET /api/queue/stats` and `GET /api/metrics`

use crate::access::Caller;
use crate::api::schema::{Decimal, SignedDecimal};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use cache::ExecutorReport;
use journal::{Ended, QueueStats};
use order_core::order::Status;
use order_core::{Dex, Fraction, Timestamp, decimal};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of statistics.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(queue)).routes(routes!(exchanges))
}

/// Default number of ended orders that are evaluated.
const DEFAULT_WINDOW: u32 = 1_000;

/// Highest number of ended orders that are evaluated.
const MAX_WINDOW: u32 = 10_000;

/// Percentages have two decimals.
const PERCENT_DECIMALS: u8 = 2;

/// The number of orders by state, over all executors.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QueueStats)]
pub(crate) struct Queue {
    /// Orders that an executor could take now.
    waiting: u64,
    /// Orders that an executor works on, or whose transaction is submitted.
    active: u64,
    /// Orders that swapped, since the beginning.
    completed: u64,
    /// Orders that ended without a swap, since the beginning.
    failed: u64,
    /// Orders that wait for a retry.
    delayed: u64,
    oldest_waiting_seconds: u64,
    /// Open WebSockets of all gateways; null if unknown.
    #[schema(required)]
    connections: Option<u64>,
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    config: Config,
}

/// The limits of the work.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QueueConfig)]
pub(crate) struct Config {
    /// Orders that all running executors can work on at the same time; null if unknown.
    #[schema(required)]
    max_concurrent_orders: Option<u64>,
    /// Orders per minute that one client may place.
    orders_per_minute: u32,
    /// Attempts per order; null if unknown.
    #[schema(required)]
    max_retry_attempts: Option<u32>,
    /// Time limit of an attempt up to its signature, in seconds; null if unknown.
    #[schema(required)]
    attempt_timeout_seconds: Option<u64>,
}

/// The number of orders by state.
#[utoipa::path(
    get, path = "/api/queue/stats", operation_id = "getQueueStats", tag = "Statistics",
    responses((status = 200, body = Queue, description = "The numbers now")),
)]
pub(crate) async fn queue(State(app): State<App>) -> Result<Json<Queue>, Problem> {
    let (stats, executors, connections) =
        tokio::join!(app.journal.reports.queue_stats(), app.cache.executors(), app.cache.connections());
    let QueueStats { waiting, active, completed, failed, delayed, oldest_waiting_seconds } = stats?;
    Ok(Json(Queue {
        waiting,
        active,
        completed,
        failed,
        delayed,
        oldest_waiting_seconds,
        connections: connections.ok(),
        timestamp: crate::http::now(),
        config: Config::of(executors.ok().as_deref(), app.configuration.orders_per_minute),
    }))
}

impl Config {
    fn of(executors: Option<&[ExecutorReport]>, orders_per_minute: u32) -> Self {
        let executors = executors.unwrap_or_default();
        let capacity =
            executors.iter().map(|executor| u64::from(executor.capacity)).fold(0, u64::saturating_add);
        Self {
            max_concurrent_orders: (!executors.is_empty()).then_some(capacity),
            orders_per_minute,
            max_retry_attempts: executors.iter().map(|executor| executor.attempts).max(),
            attempt_timeout_seconds: executors.iter().map(|executor| executor.attempt_timeout_seconds).max(),
        }
    }
}

/// Results of the latest orders, by exchange.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Exchanges {
    total: u64,
    confirmed: u64,
    failed: u64,
    /// By the exchange of the latest route. Orders without a route are not in it.
    #[schema(value_type = BTreeMap<String, Exchange>)]
    by_dex: BTreeMap<&'static str, Exchange>,
    time_range: TimeRange,
    /// In percent.
    #[schema(value_type = Decimal)]
    overall_success_rate: String,
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    /// The highest number of ended orders that were evaluated.
    analysis_window: u32,
}

/// Results of the orders on one exchange.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Exchange {
    total: u64,
    confirmed: u64,
    failed: u64,
    /// Share of all orders, in percent.
    #[schema(value_type = Decimal)]
    percentage: String,
    /// In percent.
    #[schema(value_type = Decimal)]
    success_rate: String,
    /// Amounts that confirmed orders spent, in whole tokens, by input token.
    #[schema(value_type = BTreeMap<String, Decimal>)]
    total_volume: BTreeMap<String, String>,
    /// Average difference of the executed to the quoted output, in percent; positive is worse. Null without a
    /// sample.
    #[schema(value_type = Option<SignedDecimal>, required)]
    average_slippage: Option<String>,
    average_slippage_samples: u64,
}

/// The times at which the first and the last of the orders ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrdersTimeRange)]
pub(crate) struct TimeRange {
    #[schema(value_type = Option<String>, format = DateTime, required)]
    oldest: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    newest: Option<Timestamp>,
}

/// Results of the latest orders of the account.
#[utoipa::path(
    get, path = "/api/metrics", operation_id = "getMetrics", tag = "Statistics",
    params(("limit" = Option<u32>, Query, minimum = 1, maximum = 10_000, description = "Number of ended orders to evaluate; default 1000")),
    responses((status = 200, body = Exchanges, description = "The results")),
)]
pub(crate) async fn exchanges(
    State(app): State<App>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<Exchanges>, Problem> {
    let window = query.parsed("limit", window).unwrap_or(DEFAULT_WINDOW);
    query.finish()?;
    let ended = app.journal.reports.ended(&caller.account, window).await?;
    Ok(Json(Exchanges::of(&ended, window, crate::http::now())))
}

fn window(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(window) if (1..=MAX_WINDOW).contains(&window) => Ok(window),
        Ok(_) | Err(_) => Err(format!("must be a number from 1 to {MAX_WINDOW}")),
    }
}

impl Exchanges {
    fn of(ended: &[Ended], window: u32, now: Timestamp) -> Self {
        let all = Tally::of(ended.iter());
        let by_dex = Dex::ALL
            .into_iter()
            .map(|dex| (dex.name(), Tally::of(ended.iter().filter(|order| order.dex == Some(dex)))))
            .filter(|(_, tally)| tally.total > 0)
            .map(|(name, tally)| (name, Exchange::of(&tally, all.total)))
            .collect();
        Self {
            total: all.total,
            confirmed: all.confirmed,
            failed: all.total.saturating_sub(all.confirmed),
            by_dex,
            time_range: TimeRange {
                oldest: ended.iter().map(|order| order.at).min(),
                newest: ended.iter().map(|order| order.at).max(),
            },
            overall_success_rate: percent(all.confirmed, all.total),
            timestamp: now,
            analysis_window: window,
        }
    }
}

impl Exchange {
    fn of(tally: &Tally, all: u64) -> Self {
        let samples = i128::from(tally.samples);
        let average = tally.slippage_billionths.checked_div(samples);
        Self {
            total: tally.total,
            confirmed: tally.confirmed,
            failed: tally.total.saturating_sub(tally.confirmed),
            percentage: percent(tally.total, all),
            success_rate: percent(tally.confirmed, tally.total),
            total_volume: tally
                .volume
                .iter()
                .map(|(token, (units, decimals))| (token.clone(), decimal::format(*units, *decimals)))
                .collect(),
            average_slippage: average
                .and_then(|average| i64::try_from(average).ok())
                .map(|average| Fraction::from_billionths(average).to_percent()),
            average_slippage_samples: tally.samples,
        }
    }
}

/// Sums over ended orders.
#[derive(Debug, Default)]
struct Tally {
    total: u64,
    confirmed: u64,
    /// By token: base units, and the token's decimals.
    volume: BTreeMap<String, (u128, u8)>,
    slippage_billionths: i128,
    samples: u64,
}

impl Tally {
    fn of<'a>(ended: impl Iterator<Item = &'a Ended>) -> Self {
        let mut tally = Self::default();
        for order in ended {
            tally.total = tally.total.saturating_add(1);
            if order.status == Status::Confirmed {
                tally.confirm(order);
            }
        }
        tally
    }

    fn confirm(&mut self, order: &Ended) {
        self.confirmed = self.confirmed.saturating_add(1);
        let (units, _) =
            self.volume.entry(order.token_in.symbol.clone()).or_insert((0, order.token_in.decimals));
        *units = units.saturating_add(u128::from(order.amount_in.get()));
        let slippage =
            order.quoted_out.zip(order.executed_out).and_then(|(from, to)| Fraction::shortfall(from, to));
        if let Some(slippage) = slippage {
            self.slippage_billionths =
                self.slippage_billionths.saturating_add(i128::from(slippage.billionths()));
            self.samples = self.samples.saturating_add(1);
        }
    }
}

/// A part of a whole in percent, rounded down to two decimals; 0 if the whole is 0.
fn percent(part: u64, whole: u64) -> String {
    let hundredths = u128::from(part).saturating_mul(10_000).checked_div(u128::from(whole)).unwrap_or(0);
    decimal::format(hundredths, PERCENT_DECIMALS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::example;
    use order_core::Atoms;
    use serde_json::json;

    fn ended(dex: Option<Dex>, quoted: u64, executed: Option<u64>, at: i64) -> Ended {
        Ended {
            status: if executed.is_some() { Status::Confirmed } else { Status::Failed },
            dex,
            token_in: example::token("SOL"),
            amount_in: Atoms::new(1_500_000_000),
            quoted_out: dex.map(|_| Atoms::new(quoted)),
            executed_out: executed.map(Atoms::new),
            at: Timestamp::from_timestamp(at, 0).unwrap(),
        }
    }

    #[test]
    fn orders_are_summed_by_exchange() {
        let orders = [
            ended(Some(Dex::Raydium), 1_000, Some(999), 9),
            ended(Some(Dex::Raydium), 1_000, Some(1_002), 8),
            ended(Some(Dex::Raydium), 1_000, None, 7),
            ended(None, 0, None, 6),
        ];
        let seen = serde_json::to_value(Exchanges::of(&orders, 1_000, Timestamp::UNIX_EPOCH)).unwrap();
        assert_eq!(
            seen,
            json!({
                "total":4,"confirmed":2,"failed":2,
                "byDex":{"Raydium":{"total":3,"confirmed":2,"failed":1,"percentage":"75","successRate":"66.66",
                    "totalVolume":{"SOL":"3"},"averageSlippage":"-0.05","averageSlippageSamples":2}},
                "timeRange":{"oldest":"1970-01-01T00:00:06Z","newest":"1970-01-01T00:00:09Z"},
                "overallSuccessRate":"50","timestamp":"1970-01-01T00:00:00Z","analysisWindow":1000
            })
        );
    }

    #[test]
    fn statistics_without_orders_are_zero() {
        let seen = serde_json::to_value(Exchanges::of(&[], 5, Timestamp::UNIX_EPOCH)).unwrap();
        assert_eq!((&seen["overallSuccessRate"], &seen["timeRange"]["oldest"]), (&json!("0"), &json!(null)));
    }

    #[test]
    fn capacities_add_up_and_unknown_values_are_null() {
        let report = |capacity| ExecutorReport {
            id: uuid::Uuid::nil(),
            capacity,
            attempts: 3,
            attempt_timeout_seconds: 30,
            active: Vec::new(),
            undecided: 0,
            wallets: Vec::new(),
            missing: Vec::new(),
        };
        let known = Config::of(Some(&[report(10), report(4)]), 60);
        assert_eq!(
            serde_json::to_string(&known).unwrap(),
            r#"{"maxConcurrentOrders":14,"ordersPerMinute":60,"maxRetryAttempts":3,"attemptTimeoutSeconds":30}"#
        );
        assert_eq!(Config::of(None, 60).max_concurrent_orders, None);
    }
}
