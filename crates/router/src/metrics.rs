//! Every metric of the router, with its unit and meaning.

use crate::book::Book;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use std::time::Duration;
use tokio::time::Instant;

const QUOTES: &str = "router_quotes_total";
const QUOTE_SECONDS: &str = "router_quote_seconds";
const STATE_AGE: &str = "router_state_age_seconds";
const POOLS: &str = "router_pools";
const READS: &str = "router_reads_total";
const STREAMS: &str = "router_streams";

/// Says what the metrics mean; once per process.
pub(crate) fn describe() {
    describe_counter!(QUOTES, "Quotes asked for, by outcome: quoted, or the code of the refusal.");
    describe_histogram!(QUOTE_SECONDS, metrics::Unit::Seconds, "Time from a request to its decision.");
    describe_gauge!(STATE_AGE, metrics::Unit::Seconds, "Age of the state of the pool that is oldest.");
    describe_gauge!(POOLS, "Followed pools, by whether they can be quoted.");
    describe_counter!(
        READS,
        "Calls that read pools, by outcome: applied; failed; or not believed: behind, old, incoherent, contradiction, far."
    );
    describe_gauge!(STREAMS, "Open quote streams.");
}

/// A request was decided.
pub(crate) fn quoted(outcome: &'static str, took: Duration) {
    counter!(QUOTES, "outcome" => outcome).increment(1);
    histogram!(QUOTE_SECONDS).record(took);
}

/// A call for pools came to its end.
pub(crate) fn read(outcome: &'static str) {
    counter!(READS, "outcome" => outcome).increment(1);
}

/// How many streams are open.
pub(crate) fn streams(change: StreamChange) {
    match change {
        StreamChange::Opened => gauge!(STREAMS).increment(1),
        StreamChange::Closed => gauge!(STREAMS).decrement(1),
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
        gauge!(STATE_AGE).set(oldest);
    }
    let (tradable, unavailable): (Vec<_>, Vec<_>) = book.entries().partition(|entry| entry.market.is_ok());
    for (state, pools) in [("tradable", tradable), ("unavailable", unavailable)] {
        gauge!(POOLS, "state" => state).set(u32::try_from(pools.len()).unwrap_or(u32::MAX));
    }
}
