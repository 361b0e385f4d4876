//! Metrics of Redis.

use metrics::{counter, describe_counter, describe_gauge, gauge};

/// Describes every metric of this crate.
pub(crate) fn describe() {
    describe_gauge!(
        "live_following",
        "1 while events are heard from Redis, 0 while the database is polled instead."
    );
    describe_counter!(
        "live_redis_unreachable_total",
        "Times that Redis did not answer; it is then left alone for a moment."
    );
    describe_counter!(
        "live_publish_failures_total",
        "Events that were not sent to gateways; they read the database instead."
    );
    describe_counter!(
        "live_quotes_forged_total",
        "Quotes in Redis that are not the ones that were given out."
    );
}

pub(crate) fn following(following: bool) {
    gauge!("live_following").set(u32::from(following));
}

pub(crate) fn unreachable() {
    counter!("live_redis_unreachable_total").increment(1);
}

pub(crate) fn publish_failed() {
    counter!("live_publish_failures_total").increment(1);
}

pub(crate) fn quote_forged() {
    counter!("live_quotes_forged_total").increment(1);
}
