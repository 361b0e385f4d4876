//! The port: taking connections, bounding them, and letting them come to their end.

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

/// Connections at once: each costs a file and some kilobytes. Further ones wait in the kernel.
const MAX_CONNECTIONS: usize = 8_192;

/// How long the head of a request may take to arrive, and how long a connection may idle: whoever
/// dribbles or says nothing does not keep a connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long requests may go on after the request to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// The pause after a connection could not be taken, such as for want of files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A gateway whose port is open.
pub struct Server {
    listener: TcpListener,
    router: Router,
    shell: Shell,
}

impl Server {
    /// Connects to everything and opens the port.
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

    /// Where clients are answered.
    ///
    /// # Errors
    /// The operating system does not say.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        self.listener.local_addr().context("reading the port's address")
    }

    /// Answers until the shell says to stop, then lets requests come to their end.
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
                    tracing::warn!(%error, "a connection was not taken");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        connections.close();
        if tokio::time::timeout(DRAIN, connections.wait()).await.is_err() {
            tracing::warn!(connections = connections.len(), "requests were still being answered at the end");
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
    // Small answers go out at once.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was lost at once");
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
                    tracing::debug!(%error, "a connection ended early");
                }
                return;
            }
        }
    }
}
