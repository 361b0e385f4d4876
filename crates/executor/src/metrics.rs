//! Prometheus metrics.

mod stages;

pub(crate) use stages::Stages;

use journal::{OpenOrders, Stops};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use order_core::order::{Event, Fill, Observation, Order, Recorded, State, Status};
use order_core::{AccountAddress, Atoms, Fraction, Quote, Timestamp, UsdMicros, Venue};
use std::time::Duration;

/// Billionths in a hundredth of a percent.
const BILLIONTHS_IN_BP: f64 = 100_000.0;

/// Millionths of a US dollar in one.
const MICROS_IN_USD: f64 = 1_000_000.0;

/// Describes every metric of this service.
pub(crate) fn describe() {
    describe_counter!("orders_ended_total", "Orders that ended, by status and by the code of their failure.");
    describe_counter!("orders_attempts_total", "Attempts that began.");
    describe_counter!("orders_attempts_failed_total", "Attempts that failed and are made again, by code.");
    describe_counter!("orders_unreadable_total", "Claims of orders whose events this version cannot read.");
    describe_counter!("orders_leases_lost_total", "Orders that another executor took over from this one.");
    describe_counter!("orders_drift_total", "Simulations that differed from our own maths, by venue.");
    describe_gauge!("orders_halted", "1 while an operator has stopped trading.");
    describe_gauge!("orders_venue_disabled", "1 while no order goes over the venue, by venue.");
    describe_counter!(
        "orders_misreported_total",
        "Orders that ended without a swap and whose marker exists all the same, when it is taken back."
    );
    describe_counter!(
        "orders_rolled_back_total",
        "Confirmed orders whose landing the cluster dropped, by what the finalized chain says instead."
    );
    describe_gauge!(
        "orders_unknown_landings",
        "Landed orders of the wallet that the database does not know, as after a restore."
    );
    describe_counter!("orders_claimed_total", "Claims of orders by executors.");
    describe_histogram!(
        "orders_stage_seconds",
        "Time between two events of an order, by stage: claimed, routed, signed, landed."
    );
    describe_histogram!(
        "orders_fill_bps",
        "Executed against quoted output by venue, in hundredths of a percent; negative is worse."
    );
    describe_histogram!(
        "orders_price_impact_bps",
        "Price impact of chosen routes, in hundredths of a percent."
    );
    describe_counter!(
        "orders_network_fee_lamports_total",
        "Base and priority fees of transactions in a block, by outcome: landed, reverted."
    );
    describe_counter!("orders_tip_lamports_total", "Tips of transactions that landed.");
    describe_gauge!("orders_open", "Orders that have not ended, over all processes, by status.");
    describe_gauge!(
        "orders_oldest_open_seconds",
        "Time since the acceptance of the oldest open order, by status."
    );
    describe_gauge!("orders_day_spent_usd", "Value of the orders of this day (UTC), over all executors.");
    describe_gauge!("orders_day_limit_usd", "MAX_DAY_VALUE, if it is set.");
    describe_gauge!("wallet_balance_lamports", "Balance, by wallet.");
    describe_gauge!("wallet_reserved_lamports", "Lamports that orders in flight may take, by wallet.");
    describe_gauge!("orders_capacity", "Orders that this executor can work on at once.");
    describe_counter!(
        "executor_task_runs_total",
        "Runs of background tasks, by task and outcome: done, failed."
    );
    describe_gauge!(
        "executor_clock_offset_seconds",
        "Difference between this machine's clock and the database's, without its sign."
    );
    describe_gauge!("orders_active", "Orders that this executor works on now.");
    describe_histogram!("orders_step_seconds", "Time of each step of an order, by step.");
    describe_histogram!("orders_seconds", "Time from an order's acceptance to its end, by status.");
}

pub(crate) fn step(step: &'static str, took: Duration) {
    histogram!("orders_step_seconds", "step" => step).record(took);
}

/// An event of an order was recorded.
pub(crate) fn recorded(order: &Order, created_at: Timestamp, recorded: &Recorded, stages: &mut Stages) {
    if let Some((stage, took)) = stages.pass(recorded) {
        histogram!("orders_stage_seconds", "stage" => stage).record(took);
    }
    let code = match &recorded.event {
        Event::RoutingStarted { .. } => {
            counter!("orders_attempts_total").increment(1);
            return;
        }
        Event::RouteChosen { quote } => {
            histogram!("orders_price_impact_bps").record(bps(quote.price_impact));
            return;
        }
        Event::AttemptFailed { failure, .. } => {
            counter!("orders_attempts_failed_total", "code" => failure.code.name()).increment(1);
            return;
        }
        Event::Observed { observation } => {
            fill(order, observation);
            ""
        }
        Event::Failed { failure } => failure.code.name(),
        Event::Accepted { .. }
        | Event::TransactionSigned { .. }
        | Event::TransactionFound { .. }
        | Event::Settled { .. }
        | Event::RolledBack { .. }
        | Event::Cancelled
        | Event::Expired => "",
    };
    if order.status().is_terminal() {
        let status = order.status().name();
        counter!("orders_ended_total", "status" => status, "code" => code).increment(1);
        let took = recorded.at.signed_duration_since(created_at).to_std().unwrap_or_default();
        histogram!("orders_seconds", "status" => status).record(took);
    }
}

/// The cost and the quality of a transaction that is in a block.
fn fill(order: &Order, observation: &Observation) {
    match observation {
        Observation::Landed { fill: Some(Fill { amount_out, network_fee, tip, .. }) } => {
            paid("landed", *network_fee);
            counter!("orders_tip_lamports_total").increment(tip.get());
            if let State::Confirmed { quote, .. } = order.state()
                && let Some(shortfall) = Fraction::shortfall(quote.amount_out(), *amount_out)
            {
                histogram!("orders_fill_bps", "venue" => venue(quote)).record(-bps(shortfall));
            }
        }
        Observation::Reverted { network_fee, .. } => paid("reverted", *network_fee),
        Observation::Landed { fill: None } | Observation::Expired => {}
    }
}

fn paid(outcome: &'static str, fee: Atoms) {
    counter!("orders_network_fee_lamports_total", "outcome" => outcome).increment(fee.get());
}

/// The venue of all hops of a route, or `mixed`.
fn venue(quote: &Quote) -> &'static str {
    let mut venues = quote.route.hops().map(|hop| hop.venue);
    match venues.next() {
        Some(first) if venues.all(|venue| venue == first) => first.name(),
        Some(_) | None => "mixed",
    }
}

#[expect(clippy::cast_precision_loss, reason = "a metric may round")]
fn bps(fraction: Fraction) -> f64 {
    fraction.billionths() as f64 / BILLIONTHS_IN_BP
}

#[expect(clippy::cast_precision_loss, reason = "a metric may round")]
fn usd(micros: UsdMicros) -> f64 {
    micros.get() as f64 / MICROS_IN_USD
}

#[expect(clippy::cast_precision_loss, reason = "a metric may round")]
fn number(count: u64) -> f64 {
    count as f64
}

pub(crate) fn claimed() {
    counter!("orders_claimed_total").increment(1);
}

/// All open orders. A status that none has is at zero.
pub(crate) fn open_orders(open: &[OpenOrders]) {
    for status in Status::ALL.into_iter().filter(|status| !status.is_terminal()) {
        let found = open.iter().find(|open| open.status == status);
        gauge!("orders_open", "status" => status.name()).set(number(found.map_or(0, |open| open.count)));
        let oldest = found.map_or(Duration::ZERO, |open| open.oldest);
        gauge!("orders_oldest_open_seconds", "status" => status.name()).set(oldest);
    }
}

pub(crate) fn day_limit(limit: Option<UsdMicros>) {
    if let Some(limit) = limit {
        gauge!("orders_day_limit_usd").set(usd(limit));
    }
}

pub(crate) fn day_spent(spent: UsdMicros) {
    gauge!("orders_day_spent_usd").set(usd(spent));
}

pub(crate) fn balance(wallet: &AccountAddress, balance: Atoms) {
    gauge!("wallet_balance_lamports", "wallet" => wallet.to_string()).set(number(balance.get()));
}

pub(crate) fn reserved(wallet: &AccountAddress, reserved: Atoms) {
    gauge!("wallet_reserved_lamports", "wallet" => wallet.to_string()).set(number(reserved.get()));
}

pub(crate) fn capacity(orders: u32) {
    gauge!("orders_capacity").set(orders);
}

/// A background task has run once.
pub(crate) fn task_ran(task: &'static str, done: bool) {
    let outcome = if done { "done" } else { "failed" };
    counter!("executor_task_runs_total", "task" => task, "outcome" => outcome).increment(1);
}

/// The database's clock, as it was between two moments of this machine's.
pub(crate) fn clock(before: Timestamp, database: Timestamp, after: Timestamp) {
    let ahead = database.signed_duration_since(after).to_std();
    let behind = before.signed_duration_since(database).to_std();
    // The database's is between them if neither is positive.
    gauge!("executor_clock_offset_seconds").set(ahead.or(behind).unwrap_or_default());
}

pub(crate) fn active(orders: usize) {
    gauge!("orders_active").set(f64::from(u32::try_from(orders).unwrap_or(u32::MAX)));
}

pub(crate) fn stopped(stops: &Stops) {
    let flag = |set: bool| if set { 1.0 } else { 0.0 };
    gauge!("orders_halted").set(flag(stops.halt.is_some()));
    for venue in Venue::ALL {
        gauge!("orders_venue_disabled", "venue" => venue.name()).set(flag(stops.stops(venue)));
    }
}

pub(crate) fn misreported() {
    counter!("orders_misreported_total").increment(1);
}

pub(crate) fn rolled_back(observation: &Observation) {
    let outcome = match observation {
        Observation::Landed { .. } => "landed",
        Observation::Reverted { .. } => "reverted",
        Observation::Expired => "expired",
    };
    counter!("orders_rolled_back_total", "outcome" => outcome).increment(1);
}

pub(crate) fn unknown_landings(transactions: usize) {
    gauge!("orders_unknown_landings").set(u32::try_from(transactions).unwrap_or(u32::MAX));
}

/// An order that has expired, or was cancelled: its event is its status.
pub(crate) fn ended_by_sweep(recorded: &Recorded) {
    counter!("orders_ended_total", "status" => recorded.event.kind(), "code" => "").increment(1);
}

pub(crate) fn unreadable() {
    counter!("orders_unreadable_total").increment(1);
}

pub(crate) fn lease_lost() {
    counter!("orders_leases_lost_total").increment(1);
}

pub(crate) fn drift(venue: Venue) {
    counter!("orders_drift_total", "venue" => venue.name()).increment(1);
}
