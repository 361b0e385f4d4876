//! The HTTP server: accepts connections, limits them, and drains them at shutdown.

use crate::config::Configuration;
use crate::http::rate_limit::Client;
use crate::state::App;
use crate::{api, metrics as numbers};
use anyhow::Context as _;
use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use service::{CancellationToken, Shell, TaskTracker};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Service as _;

/// Open connections: each costs a file descriptor and some kilobytes. Further ones wait in the kernel.
const MAX_CONNECTIONS: usize = 8_192;

/// Time for the head of a request to arrive, and for a connection to be idle. Slow or silent clients lose
/// their connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Time for running requests to finish after the shell asked to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Pause after a failed accept, for example when no file descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A gateway with an open port.
pub struct Server {
    listener: TcpListener,
    router: Router,
    shell: Shell,
}

impl Server {
    /// Connects to the servers and opens the port.
    ///
    /// # Errors
    /// The database lacks migrations, an address is not valid, or the port is taken.
    pub async fn bind(configuration: Configuration, shell: Shell) -> anyhow::Result<Self> {
        numbers::describe();
        let listen = configuration.listen;
        let app = App::connect(configuration, shell.clone()).await?;
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("opening the port at {listen}; check LISTEN"))?;
        let server = Self { listener, router: api::router(app), shell };
        tracing::info!(address = %server.address()?, "listening");
        Ok(server)
    }

    /// The address of the open port.
    ///
    /// # Errors
    /// The operating system does not return it.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        self.listener.local_addr().context("reading the port's address")
    }

    /// Serves until the shell stops it, then lets running requests finish.
    ///
    /// # Errors
    /// None at present.
    pub async fn serve(self) -> anyhow::Result<()> {
        let (shutdown, connections) = (self.shell.shutdown(), TaskTracker::new());
        let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let accepted = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                accepted = accept(&self.listener, &permits) => accepted,
            };
            match accepted {
                Ok((stream, client, permit)) => {
                    let serving = answer(stream, client, self.router.clone(), shutdown.clone());
                    connections.spawn(async move {
                        metrics::gauge!("gateway_connections").increment(1.0);
                        serving.await;
                        metrics::gauge!("gateway_connections").decrement(1.0);
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "connection not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        connections.close();
        if tokio::time::timeout(DRAIN, connections.wait()).await.is_err() {
            tracing::warn!(connections = connections.len(), "requests were still running at shutdown");
        }
        Ok(())
    }
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, client) = listener.accept().await?;
    Ok((stream, client, permit))
}

/// Answers the requests of one connection.
async fn answer(stream: TcpStream, client: SocketAddr, router: Router, shutdown: CancellationToken) {
    // Small responses are sent at once.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "connection lost before its first request");
        return;
    }
    let handler = service_fn(move |mut request: http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Client(client.ip().to_canonical()));
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), handler)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let mut stopping = false;
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended early");
                }
                return;
            }
        }
    }
}
