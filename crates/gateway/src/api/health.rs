//! `GET /health`

use crate::api::schema::EnvironmentName;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use cache::ExecutorReport;
use http::StatusCode;
use order_core::{Environment, Timestamp};
use serde::Serialize;
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The route of health.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(health))
}

/// Timeout of a dependency. One that has not answered by then is down.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The health of the service and its dependencies.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Health {
    status: Status,
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    version: &'static str,
    #[schema(value_type = EnvironmentName)]
    environment: Environment,
    dependencies: Dependencies,
    executors: Executors,
    /// Transactions whose end no node can tell; absent if there are none. An operator must settle their orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    undecided_transactions: Option<u64>,
}

/// `ok`: all dependencies answer, and an executor works. `degraded`: orders are accepted, but a dependency is down,
/// or no executor works.
/// `down`: no order can be accepted or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = HealthStatus)]
pub(crate) enum Status {
    Ok,
    Degraded,
    Down,
}

/// The dependencies of the service.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Dependencies {
    postgres: Dependency,
    nats: Dependency,
    redis: Dependency,
    router: Dependency,
}

/// The state of one dependency; `latencyMs` is its response time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "lowercase")]
pub(crate) enum Dependency {
    /// It answers.
    Ok {
        #[serde(rename = "latencyMs")]
        latency_ms: u64,
    },
    /// It does not answer, or cannot work.
    Down {
        #[serde(rename = "latencyMs")]
        latency_ms: u64,
        /// The reason, for people.
        error: &'static str,
    },
}

/// The executors that have reported themselves within 15 seconds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "lowercase")]
pub(crate) enum Executors {
    /// There are some.
    Ok {
        /// How many.
        count: u64,
    },
    /// There is none: orders are accepted, and wait.
    Down {
        /// The reason, for people.
        error: &'static str,
    },
    /// Redis, to which they report, does not answer.
    Unknown,
}

impl Executors {
    /// Reads the reports, None if Redis does not answer.
    fn of(reports: Option<&[ExecutorReport]>) -> Self {
        match reports {
            None => Self::Unknown,
            Some([]) => Self::Down { error: "none has reported: orders wait until one runs, or expire" },
            Some(reports) => Self::Ok { count: u64::try_from(reports.len()).unwrap_or(u64::MAX) },
        }
    }
}

impl Dependency {
    const fn is_ok(&self) -> bool {
        matches!(self, Self::Ok { .. })
    }
}

/// Health of the service and its dependencies.
#[utoipa::path(
    get, path = "/health", operation_id = "getHealth", tag = "Service",
    responses(
        (status = 200, description = "The status is `ok` or `degraded`", body = Health),
        (status = 503, description = "The status is `down`", body = Health),
    ),
)]
pub(crate) async fn health(State(app): State<App>) -> Response {
    let (postgres, nats, redis, router) = tokio::join!(
        ask("postgres", app.journal.ping()),
        ask("nats", app.queue.ping()),
        ask("redis", app.cache.ping()),
        ask("router", app.registry.health()),
    );
    let dependencies = Dependencies { postgres, nats, redis, router };
    let reports = tokio::time::timeout(TIMEOUT, app.cache.executors()).await;
    let reports = reports.ok().and_then(Result::ok);
    let told = reports.iter().flatten().map(|report| report.undecided);
    let undecided = told.fold(0, u64::saturating_add);
    let executors = Executors::of(reports.as_deref());
    let status = match dependencies.status() {
        Status::Ok if undecided > 0 || matches!(executors, Executors::Down { .. }) => Status::Degraded,
        status => status,
    };
    let answer = Health {
        status,
        timestamp: crate::http::now(),
        version: env!("CARGO_PKG_VERSION"),
        environment: app.environment(),
        dependencies,
        executors,
        undecided_transactions: (undecided > 0).then_some(undecided),
    };
    let code = match status {
        Status::Ok | Status::Degraded => StatusCode::OK,
        Status::Down => StatusCode::SERVICE_UNAVAILABLE,
    };
    (code, Json(answer)).into_response()
}

impl Dependencies {
    fn status(&self) -> Status {
        if !self.postgres.is_ok() {
            Status::Down
        } else if [&self.nats, &self.redis, &self.router].into_iter().all(Dependency::is_ok) {
            Status::Ok
        } else {
            Status::Degraded
        }
    }
}

async fn ask<E: std::fmt::Display>(name: &str, check: impl Future<Output = Result<(), E>>) -> Dependency {
    let started = Instant::now();
    let answer = tokio::time::timeout(TIMEOUT, check).await;
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

    #[test]
    fn service_is_down_only_without_the_database() {
        let status = |postgres, nats, redis, router| {
            Dependencies {
                postgres: dependency(postgres),
                nats: dependency(nats),
                redis: dependency(redis),
                router: dependency(router),
            }
            .status()
        };
        assert_eq!(status(true, true, true, true), Status::Ok);
        assert_eq!(status(true, false, false, false), Status::Degraded);
        assert_eq!(status(true, true, false, true), Status::Degraded);
        assert_eq!(status(false, true, true, true), Status::Down);
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
