//! Metrics that every service has.

use crate::{Dependency, Shell};
use metrics::{counter, describe_counter, describe_gauge, gauge};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// The pause between two looks at the dependencies.
const DEPENDENCIES_EVERY: Duration = Duration::from_secs(5);

/// Describes every metric of this crate.
pub(crate) fn describe() {
    describe_counter!("service_panics_total", "Tasks that ended in a panic.");
    describe_gauge!("service_build_info", "Always 1, by version.");
    describe_gauge!("service_dependency_up", "1 if the dependency answered last, 0 if not, by dependency.");
}

/// The version of this build.
pub(crate) fn built() {
    gauge!("service_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
}

/// Asks the dependencies again and again, shows which of them answer, and notes in the shell which do not.
pub(crate) async fn watch_dependencies(shell: Shell) {
    let mut ticks = interval(DEPENDENCIES_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let mut missing = Vec::new();
        for Dependency { name, error, .. } in shell.health().await {
            gauge!("service_dependency_up", "dependency" => name).set(u32::from(error.is_none()));
            missing.extend(error.map(|_| name));
        }
        shell.note_missing(missing);
    }
}

pub(crate) fn panicked() {
    counter!("service_panics_total").increment(1);
}
