//! Looking at everything that the service needs.

use super::{Dependencies, Dependency, Executors, Health, Status};
use crate::state::App;
use cache::ExecutorReport;
use order_core::AccountAddress;
use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Timeout of a dependency. One that has not answered by then is down.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Everything that was seen.
struct Seen {
    dependencies: Dependencies,
    executors: Executors,
    halted: bool,
    undecided: u64,
    /// Orders whose wallet no executor has.
    waiting: u64,
}

/// The health of now.
pub(super) async fn look(app: &App) -> Health {
    let (postgres, nats, redis, router) = tokio::join!(
        ask("postgres", app.journal.ping()),
        ask("nats", app.queue.ping()),
        ask("redis", app.cache.ping()),
        ask("router", app.registry.health()),
    );
    let reports = timeout(TIMEOUT, app.cache.executors()).await.ok().and_then(Result::ok);
    let told = reports.iter().flatten().map(|report| report.undecided);
    let seen = Seen {
        dependencies: Dependencies { postgres, nats, redis, router },
        executors: Executors::of(reports.as_deref()),
        halted: app.admission.is_halted(),
        undecided: told.fold(0, u64::saturating_add),
        waiting: waiting(app, reports.as_deref()).await,
    };
    Health {
        status: seen.status(),
        accepting: seen.accepting(),
        timestamp: crate::http::now(),
        version: env!("CARGO_PKG_VERSION"),
        environment: app.environment(),
        problems: seen.problems(),
        dependencies: seen.dependencies,
        executors: seen.executors,
        undecided_transactions: (seen.undecided > 0).then_some(seen.undecided),
    }
}

/// The orders that wait for a wallet that no executor has; none if nobody can tell.
async fn waiting(app: &App, reports: Option<&[ExecutorReport]>) -> u64 {
    let Some(reports) = reports else { return 0 };
    let wallets: BTreeSet<AccountAddress> =
        reports.iter().flat_map(|report| report.wallets.iter().copied()).collect();
    // An executor of an earlier version does not tell its wallets.
    if reports.iter().any(|report| report.wallets.is_empty()) || reports.is_empty() {
        return 0;
    }
    let wallets: Vec<_> = wallets.into_iter().collect();
    let counting = timeout(TIMEOUT, app.journal.reports.waiting_for_other_wallets(&wallets));
    counting.await.ok().and_then(Result::ok).unwrap_or_default()
}

impl Executors {
    /// Reads the reports, None if Redis does not answer.
    fn of(reports: Option<&[ExecutorReport]>) -> Self {
        let Some(reports) = reports else { return Self::Unknown };
        let able = reports.iter().filter(|report| report.missing.is_empty()).count();
        if able > 0 {
            return Self::Ok { count: u64::try_from(able).unwrap_or(u64::MAX) };
        }
        let missing: BTreeSet<&str> =
            reports.iter().flat_map(|report| report.missing.iter().map(String::as_str)).collect();
        let error = match missing.is_empty() {
            true => "none has reported: orders wait until one runs, or expire".to_owned(),
            false => {
                let missing: Vec<&str> = missing.into_iter().collect();
                format!("{} run and lack: {}; orders wait, or expire", reports.len(), missing.join(", "))
            }
        };
        Self::Down { error }
    }
}

impl Seen {
    fn status(&self) -> Status {
        if !self.dependencies.postgres.is_ok() {
            Status::Down
        } else if self.problems().is_empty() {
            Status::Ok
        } else {
            Status::Degraded
        }
    }

    /// An order is accepted while NATS and Redis are away, and executed: they cost time only.
    fn accepting(&self) -> bool {
        let Dependencies { postgres, router, .. } = &self.dependencies;
        postgres.is_ok()
            && router.is_ok()
            && !self.halted
            && !matches!(self.executors, Executors::Down { .. })
    }

    fn problems(&self) -> Vec<String> {
        let Dependencies { postgres, nats, redis, router } = &self.dependencies;
        let told = |wrong: bool, problem: &str| wrong.then(|| problem.to_owned());
        let executors = match &self.executors {
            Executors::Down { error } => Some(format!(
                "no executor can work: {error}; see its log, and the answer of its admin port to /readyz"
            )),
            Executors::Ok { .. } | Executors::Unknown => None,
        };
        let undecided = (self.undecided > 0).then(|| {
            format!(
                "the end of {} transactions is not known: settle their orders with `ops order settle`",
                self.undecided
            )
        });
        let waiting = (self.waiting > 0).then(|| {
            format!(
                "{} orders wait for a wallet that no executor has: start one with it in KEYPAIR",
                self.waiting
            )
        });
        [
            told(!postgres.is_ok(), "PostgreSQL is away: no order is accepted or read until it answers"),
            told(!nats.is_ok(), "NATS is away: orders begin up to a second later until it answers"),
            told(!redis.is_ok(), "Redis is away: events arrive later, and quotes cannot be ordered by id"),
            told(!router.is_ok(), "the router cannot quote: orders wait; see its log and its nodes"),
            told(self.halted, "trading is halted: `ops status` tells why, `ops resume` lets it go on"),
            executors,
            undecided,
            waiting,
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

async fn ask<E: std::fmt::Display>(name: &str, check: impl Future<Output = Result<(), E>>) -> Dependency {
    let started = Instant::now();
    let answer = timeout(TIMEOUT, check).await;
    let latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    match answer {
        Ok(Ok(())) => Dependency::Ok { latency_ms },
        Ok(Err(error)) => {
            // Addresses and versions stay in the log.
            tracing::debug!(dependency = name, %error, "dependency down");
            Dependency::Down { latency_ms, error: "is not ready" }
        }
        Err(_) => Dependency::Down { latency_ms, error: "does not answer" },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(sound: bool) -> Dependency {
        if sound { Dependency::Ok { latency_ms: 1 } } else { Dependency::Down { latency_ms: 1, error: "x" } }
    }

    fn seen([postgres, nats, redis, router]: [bool; 4], executors: Executors, halted: bool) -> Seen {
        let dependencies = Dependencies {
            postgres: dependency(postgres),
            nats: dependency(nats),
            redis: dependency(redis),
            router: dependency(router),
        };
        Seen { dependencies, executors, halted, undecided: 0, waiting: 0 }
    }

    fn report(missing: &[&str]) -> ExecutorReport {
        ExecutorReport {
            id: uuid::Uuid::nil(),
            capacity: 10,
            attempts: 3,
            attempt_timeout_seconds: 30,
            active: Vec::new(),
            undecided: 0,
            wallets: Vec::new(),
            missing: missing.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn whoever_would_wait_in_vain_is_told_so() {
        let (all, one) = ([true; 4], || Executors::Ok { count: 1 });
        let none = || Executors::of(Some(&[]));
        for (seen, status, accepting, problems) in [
            (seen(all, one(), false), Status::Ok, true, 0),
            (seen(all, Executors::Unknown, false), Status::Ok, true, 0),
            (seen([true, false, true, true], one(), false), Status::Degraded, true, 1),
            (seen([true, true, false, true], Executors::Unknown, false), Status::Degraded, true, 1),
            (seen([true, true, true, false], one(), false), Status::Degraded, false, 1),
            (seen([false, true, true, true], one(), false), Status::Down, false, 1),
            (seen(all, none(), false), Status::Degraded, false, 1),
            (seen(all, one(), true), Status::Degraded, false, 1),
            (seen([true, false, false, false], none(), true), Status::Degraded, false, 5),
        ] {
            let found = (seen.status(), seen.accepting(), seen.problems().len());
            assert_eq!(found, (status, accepting, problems), "{:?}", seen.problems());
        }
        let undecided = Seen { undecided: 1, ..seen(all, one(), false) };
        assert_eq!((undecided.status(), undecided.accepting()), (Status::Degraded, true));
        let waiting = Seen { waiting: 3, ..seen(all, one(), false) };
        assert!(waiting.problems()[0].contains("3 orders wait for a wallet"));
    }

    #[test]
    fn an_executor_that_lacks_something_does_not_count() {
        assert_eq!(Executors::of(Some(&[report(&[]), report(&["cluster"])])), Executors::Ok { count: 1 });
        let Executors::Down { error } = Executors::of(Some(&[report(&["router", "cluster"])])) else {
            panic!("none of them can work")
        };
        assert!(error.contains("cluster, router"), "{error}");
        assert_eq!(Executors::of(None), Executors::Unknown);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_dependency_is_down() {
        let silent = ask("x", std::future::pending::<Result<(), String>>()).await;
        assert!(matches!(silent, Dependency::Down { latency_ms: 1_000, .. }), "{silent:?}");
        assert_eq!(
            serde_json::to_string(&silent).unwrap(),
            r#"{"status":"down","latencyMs":1000,"error":"does not answer"}"#
        );
        assert_eq!(
            serde_json::to_string(&Dependency::Ok { latency_ms: 3 }).unwrap(),
            r#"{"status":"ok","latencyMs":3}"#
        );
    }
}
