//! The shell that each process runs in: configuration, telemetry, health, admin port, shutdown.
//!
//! Architecture invariants: knows nothing of orders. The only crate that names `opentelemetry` and
//! `tracing_subscriber`; trace context crosses its border as a `traceparent` string. The only place
//! that reads the wall clock.

mod admin;
mod metrics;
pub mod net;
mod options;
mod run;
mod shell;
mod signal;
pub mod site;
mod telemetry;
pub mod trace;
mod watchdog;

pub use options::{Configuration, LogFormat, Options, parse};
pub use run::{DRAIN, run};
pub use shell::{Dependency, Shell};
pub use tokio_util::sync::CancellationToken;
pub use tokio_util::task::TaskTracker;

/// The wall clock, for what is shown to people and for the age of a quote. It never decides who
/// owns an order: that is the database's clock.
pub fn now() -> chrono::DateTime<chrono::Utc> {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    let now = std::time::SystemTime::now();
    now.into()
}
