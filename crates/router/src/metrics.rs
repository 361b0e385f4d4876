//! Every metric of the router, with its unit and meaning.

use crate::book::Book;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use std::time::Duration;
use tokio::time::Instant;

/// Says what the metrics mean; once per process.
pub(crate) fn describe() {
    describe_counter!(
        "router_quotes_total",
        "Quotes asked for, by outcome: quoted, or the code of the refusal."
    );
    describe_histogram!("router_quote_seconds", "Time from a request to its decision.");
    describe_gauge!("router_state_age_seconds", "Age of the state of the pool that is oldest.");
    describe_gauge!("router_pools", "Followed pools, by whether they can be quoted.");
    describe_counter!(
        "router_reads_total",
        "Calls that read pools, by outcome: applied; failed; or not believed: behind, old, incoherent, contradiction, far."
    );
    describe_gauge!("router_streams", "Open quote streams.");
}

/// A request was decided.
pub(crate) fn quoted(outcome: &'static str, took: Duration) {
    counter!("router_quotes_total", "outcome" => outcome).increment(1);
    histogram!("router_quote_seconds").record(took);
}

/// A call for pools came to its end.
pub(crate) fn read(outcome: &'static str) {
    counter!("router_reads_total", "outcome" => outcome).increment(1);
}

/// How many streams are open.
pub(crate) fn streams(change: StreamChange) {
    match change {
        StreamChange::Opened => gauge!("router_streams").increment(1),
        StreamChange::Closed => gauge!("router_streams").decrement(1),
    }
}

/// The end of a stream.
pub(crate) enum StreamChange {
    Opened,
    Closed,
}

/// The state of the book.
pub(crate) fn book(book: &Book, now: Instant) {
    if let Some((_, oldest)) = book.ages(now) {
        gauge!("router_state_age_seconds").set(oldest);
    }
    let (tradable, unavailable): (Vec<_>, Vec<_>) = book.entries().partition(|entry| entry.market.is_ok());
    for (state, pools) in [("tradable", tradable), ("unavailable", unavailable)] {
        gauge!("router_pools", "state" => state).set(u32::try_from(pools.len()).unwrap_or(u32::MAX));
    }
}
