//! Prometheus metrics.

use journal::Stops;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use order_core::order::{Event, Observation, Order, Recorded};
use order_core::{Timestamp, Venue};
use std::time::Duration;

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
    describe_gauge!("orders_active", "Orders that this executor works on now.");
    describe_histogram!("orders_step_seconds", "Time of each step of an order, by step.");
    describe_histogram!("orders_seconds", "Time from an order's acceptance to its end, by status.");
}

pub(crate) fn step(step: &'static str, took: Duration) {
    histogram!("orders_step_seconds", "step" => step).record(took);
}

pub(crate) fn recorded(order: &Order, created_at: Timestamp, recorded: &Recorded) {
    let status = order.status().name();
    let code = match &recorded.event {
        Event::RoutingStarted { .. } => {
            counter!("orders_attempts_total").increment(1);
            return;
        }
        Event::AttemptFailed { failure, .. } => {
            counter!("orders_attempts_failed_total", "code" => failure.code.name()).increment(1);
            return;
        }
        Event::Failed { failure } => failure.code.name(),
        Event::Accepted { .. }
        | Event::RouteChosen { .. }
        | Event::TransactionSigned { .. }
        | Event::TransactionFound { .. }
        | Event::Settled { .. }
        | Event::RolledBack { .. }
        | Event::Observed { .. }
        | Event::Cancelled
        | Event::Expired => "",
    };
    if order.status().is_terminal() {
        counter!("orders_ended_total", "status" => status, "code" => code).increment(1);
        let took = recorded.at.signed_duration_since(created_at).to_std().unwrap_or_default();
        histogram!("orders_seconds", "status" => status).record(took);
    }
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
