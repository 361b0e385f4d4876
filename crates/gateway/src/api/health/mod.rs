//! `GET /health`

mod look;

use crate::api::schema::EnvironmentName;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use order_core::{Environment, Timestamp};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The route of health.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(health))
}

/// Age at which the health is looked at again. All who ask within it get one answer.
const FRESH: Duration = Duration::from_millis(500);

/// The latest health, locked by the task that looks.
#[derive(Debug, Default)]
pub(crate) struct LatestHealth(Mutex<Option<(Instant, Arc<Health>)>>);

/// The health of the service and its dependencies, at most half a second old.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Health {
    status: Status,
    /// True if an order that is placed now is accepted, and somebody is there to execute it.
    accepting: bool,
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
    /// Everything that is wrong and what to do about it, for people. Empty if the status is `ok`.
    problems: Vec<String>,
}

/// `ok`: all dependencies answer, an executor works, and nothing waits for an operator. `degraded`: orders can be
/// read, and something is wrong: see `accepting` and `problems`. `down`: no order can be accepted or read.
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
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "lowercase")]
pub(crate) enum Executors {
    /// There are some that can work.
    Ok {
        /// How many.
        count: u64,
    },
    /// There is none: orders wait, or expire.
    Down {
        /// The reason, for people.
        error: String,
    },
    /// Redis, to which they report, does not answer.
    Unknown,
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
    let health = latest(&app).await;
    let code = match health.status {
        Status::Ok | Status::Degraded => StatusCode::OK,
        Status::Down => StatusCode::SERVICE_UNAVAILABLE,
    };
    (code, Json(&*health)).into_response()
}

async fn latest(app: &App) -> Arc<Health> {
    let mut latest = app.latest_health.0.lock().await;
    if let Some((_, health)) = latest.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
        return Arc::clone(health);
    }
    let health = Arc::new(Box::pin(look::look(app)).await);
    *latest = Some((Instant::now(), Arc::clone(&health)));
    health
}
