//! Metrics that every service has.

use metrics::{counter, describe_counter};

/// Describes every metric of this crate.
pub(crate) fn describe() {
    describe_counter!("service_panics_total", "Tasks that ended in a panic.");
}

pub(crate) fn panicked() {
    counter!("service_panics_total").increment(1);
}
