use crate::net::Reserved;
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
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Handle;

/// Prometheus' text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Time for the workers to answer what is asked of the dependencies: longer than each of these has.
const WORKERS_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens the admin port, and returns its address. It answers until the process ends, so that a drain can be watched,
/// from a thread of its own, so that it answers while all workers are busy.
pub(crate) async fn serve(
    listen: SocketAddr,
    shell: Shell,
    metrics: PrometheusHandle,
) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("opening the admin port at {listen}; check ADMIN_LISTEN"))?;
    let address = listener.local_addr().context("reading the admin port's address")?;
    let listener = listener.into_std().context("handing over the admin port")?;
    let routes = routes(Health { shell, workers: Handle::current() }, metrics);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime of the admin port")?;
    let serving = async move {
        let listener = Reserved::new(TcpListener::from_std(listener)?);
        axum::serve(listener, routes).await
    };
    std::thread::Builder::new()
        .name("admin".to_owned())
        .spawn(move || {
            if let Err(error) = runtime.block_on(serving) {
                tracing::error!(%error, "the admin port has closed");
            }
        })
        .context("starting the thread of the admin port")?;
    tracing::info!(admin = %address, "the admin port is open");
    Ok(address)
}

/// The health of the service, and the workers that ask for it.
#[derive(Clone)]
struct Health {
    shell: Shell,
    workers: Handle,
}

impl Health {
    /// The dependencies. The workers ask, because connections belong to whoever opens them. If they are too busy,
    /// that is the answer.
    async fn ask(&self) -> Vec<Dependency> {
        let shell = self.shell.clone();
        let asking = self.workers.spawn(async move { shell.health().await });
        match tokio::time::timeout(WORKERS_TIMEOUT, asking).await {
            Ok(Ok(dependencies)) => dependencies,
            Ok(Err(_)) | Err(_) => vec![Dependency {
                name: "workers",
                error: Some(format!("did not answer within {} ms", WORKERS_TIMEOUT.as_millis())),
                latency_ms: u64::try_from(WORKERS_TIMEOUT.as_millis()).unwrap_or(u64::MAX),
            }],
        }
    }
}

fn routes(health: Health, metrics: PrometheusHandle) -> Router {
    Router::new()
        .route("/livez", get(async || "alive"))
        .route("/readyz", get(readiness).with_state(health))
        .route("/metrics", get(exposition).with_state(metrics))
        .layer(axum::middleware::from_fn(crate::site::keep_pages_out))
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    stopping: bool,
    dependencies: Vec<Dependency>,
}

async fn readiness(State(health): State<Health>) -> Response {
    let stopping = health.shell.shutdown().is_cancelled();
    let dependencies = health.ask().await;
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
    use std::io::{Read as _, Write as _};
    use tower::ServiceExt as _;

    async fn ask(shell: &Shell, path: &str) -> (StatusCode, String) {
        ask_as("127.0.0.1:9100", shell, path).await
    }

    async fn ask_as(host: &str, shell: &Shell, path: &str) -> (StatusCode, String) {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || metrics::counter!("things_total").increment(3));
        let request = Request::get(path).header("host", host).body(Body::empty()).unwrap();
        let health = Health { shell: shell.clone(), workers: Handle::current() };
        let answer = routes(health, recorder.handle()).oneshot(request).await.unwrap();
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

    /// Asks over the wire, and keeps the test's only worker busy until the answer is there.
    fn ask_while_busy(address: SocketAddr, path: &str) -> String {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[tokio::test]
    async fn it_answers_while_all_workers_are_busy() {
        let (shell, recorder) = (Shell::default(), PrometheusBuilder::new().build_recorder());
        shell.check("store", || async { Ok(()) });
        let listen = "127.0.0.1:0".parse().unwrap();
        let address = serve(listen, shell, recorder.handle()).await.unwrap();
        assert!(ask_while_busy(address, "/livez").ends_with("alive"));
        let busy = ask_while_busy(address, "/readyz");
        assert!(busy.starts_with("HTTP/1.1 503") && busy.contains("\"workers\""), "{busy}");
    }
}
