use crate::{Dependency, Shell};
use anyhow::Context as _;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Prometheus' text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Opens the admin port. It answers until the process ends, so that a drain can be watched.
pub(crate) async fn serve(listen: SocketAddr, shell: Shell, metrics: PrometheusHandle) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("opening the admin port at {listen}; check ADMIN_LISTEN"))?;
    let address = listener.local_addr().context("reading the admin port's address")?;
    tracing::info!(admin = %address, "the admin port is open");
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes(shell, metrics)).await {
            tracing::error!(%error, "the admin port has closed");
        }
    });
    Ok(())
}

fn routes(shell: Shell, metrics: PrometheusHandle) -> Router {
    Router::new()
        .route("/livez", get(async || "alive"))
        .route("/readyz", get(readiness).with_state(shell))
        .route("/metrics", get(exposition).with_state(metrics))
        .layer(axum::middleware::from_fn(crate::site::keep_pages_out))
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    stopping: bool,
    dependencies: Vec<Dependency>,
}

async fn readiness(State(shell): State<Shell>) -> Response {
    let stopping = shell.shutdown().is_cancelled();
    let dependencies = shell.health().await;
    let sound = dependencies.iter().all(|dependency| dependency.error.is_none());
    // Without a check the service is still starting: it has not said what it depends on.
    let ready = sound && !stopping && !dependencies.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, stopping, dependencies })).into_response()
}

async fn exposition(State(metrics): State<PrometheusHandle>) -> Response {
    ([(header::CONTENT_TYPE, METRICS_TYPE)], metrics.render()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use tower::ServiceExt as _;

    async fn ask(shell: &Shell, path: &str) -> (StatusCode, String) {
        ask_as("127.0.0.1:9100", shell, path).await
    }

    async fn ask_as(host: &str, shell: &Shell, path: &str) -> (StatusCode, String) {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || metrics::counter!("things_total").increment(3));
        let request = Request::get(path).header("host", host).body(Body::empty()).unwrap();
        let answer = routes(shell.clone(), recorder.handle()).oneshot(request).await.unwrap();
        let status = answer.status();
        (status, String::from_utf8(to_bytes(answer.into_body(), 65_536).await.unwrap().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn ready_once_every_dependency_answers_until_asked_to_stop() {
        let shell = Shell::default();
        assert_eq!(ask(&shell, "/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
        shell.check("store", || async { Ok(()) });
        assert_eq!(ask(&shell, "/readyz").await.0, StatusCode::OK);
        shell.shutdown().cancel();
        assert_eq!(ask(&shell, "/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(ask(&shell, "/livez").await, (StatusCode::OK, "alive".to_owned()));
    }

    #[tokio::test]
    async fn what_is_down_is_named() {
        let shell = Shell::default();
        shell.check("queue", || async { Err("connection refused".to_owned()) });
        let (status, body) = ask(&shell, "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["dependencies"][0]["name"], "queue");
        assert_eq!(body["dependencies"][0]["error"], "connection refused");
        assert!(body["dependencies"][0]["latencyMs"].is_u64());
    }

    #[tokio::test]
    async fn a_page_whose_name_points_here_reads_nothing() {
        let shell = Shell::default();
        for path in ["/livez", "/readyz", "/metrics"] {
            assert_eq!(
                ask_as("evil.example", &shell, path).await.0,
                StatusCode::MISDIRECTED_REQUEST,
                "{path}"
            );
        }
        assert_eq!(ask_as("executor:9100", &shell, "/livez").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn metrics_are_prometheus_text() {
        let (status, body) = ask(&Shell::default(), "/metrics").await;
        assert_eq!(status, StatusCode::OK);
        assert!(body.contains("things_total 3"), "{body}");
    }
}
