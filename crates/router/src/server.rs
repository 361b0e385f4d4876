use crate::book::Book;
use crate::follow::{Follower, Limits};
use crate::grpc::Service;
use crate::incoming::incoming;
use crate::{Configuration, metrics};
use anyhow::{Context as _, ensure};
use proto::wire;
use proto::wire::router_service_server::{RouterServiceServer, SERVICE_NAME};
use service::net::Tls;
use service::{CancellationToken, Shell};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// Largest request: two addresses and a number need a hundred bytes.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// A decision takes microseconds; a request that takes this long is waiting for nothing.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Most requests at once over one connection; more are refused, not queued.
const CONCURRENCY: usize = 256;

/// Most requests and streams at once that one connection may have open.
const CONNECTION_STREAMS_MAX: u32 = 1024;

/// Most streams that a peer may reset before the server has seen them.
const RESETS_MAX: usize = 64;

/// Largest head of a request.
const HEADER_BYTES_MAX: u32 = 16 * 1024;

/// A peer that is silent this long is asked for a sign of life.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// And is gone if it gives none for this long.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// How often health and gauges follow the book.
const HEALTH_INTERVAL: Duration = Duration::from_millis(250);

/// A router that has its address, and does not serve yet.
pub struct Router {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
    follower: Follower,
    books: watch::Receiver<Book>,
    max_age: Duration,
    shell: Shell,
}

impl Router {
    /// Takes the address and checks the configuration. Speaks to no node yet.
    ///
    /// # Errors
    /// The address is taken, or a URL or a file for TLS cannot be used.
    pub async fn bind(configuration: Configuration, shell: Shell) -> anyhow::Result<Self> {
        metrics::describe();
        let websocket_urls = configuration.websocket_urls();
        ensure!(
            !websocket_urls.is_empty(),
            "SOLANA_RPC_URL does not begin with http:// or https://; set SOLANA_WS_URL as well"
        );
        let tls = Tls::read(&configuration.tls)?.map(Arc::new);
        let max_age = configuration.max_state_age();
        let client = chain::Client::new(&configuration.solana_rpc_url).context("reading SOLANA_RPC_URL")?;
        let listener = TcpListener::bind(configuration.listen).await.with_context(|| {
            format!("listening on {}; choose another address with LISTEN", configuration.listen)
        })?;
        let address = listener.local_addr().context("reading the address that is listened on")?;
        let (sender, books) = watch::channel(Book::default());
        let pools = configuration.named_pools();
        pools.read().context("reading which pools to follow")?;
        let tokens = configuration.tokens().context("reading which tokens to trade")?;
        let allowed = configuration.formats();
        let follower = Follower {
            client,
            websocket_urls,
            pools,
            tokens,
            allowed,
            tipped: configuration.max_tip_lamports > 0,
            formats: watch::Sender::default(),
            limits: Limits { max_age, max_transfer_fee: configuration.max_transfer_fee },
            books: sender,
        };
        Ok(Self { listener, address, tls, follower, books, max_age, shell })
    }

    /// Where gRPC is served.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Follows the pools and serves until the process is asked to stop.
    ///
    /// # Errors
    /// The server cannot go on.
    pub async fn serve(self) -> anyhow::Result<()> {
        let shutdown = self.shell.shutdown();
        let (reporter, health) = tonic_health::server::health_reporter();
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(wire::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let described = "describing the service for reflection";
        let service = Service::new(self.books.clone(), self.max_age, shutdown.clone());
        let service = RouterServiceServer::new(service).max_decoding_message_size(REQUEST_BYTES_MAX);
        let (books, max_age) = (self.books.clone(), self.max_age);
        self.shell.check("cluster", move || std::future::ready(fresh(&books.borrow(), max_age)));
        // Told before anybody can ask: the service is there, and has no state yet.
        tell(&reporter, ServingStatus::NotServing).await;
        self.shell.tasks().spawn(self.follower.run(shutdown.clone()));
        self.shell.tasks().spawn(report(reporter, self.books, self.max_age, shutdown.clone()));
        if let Some(tls) = self.tls.clone() {
            let shutdown = shutdown.clone();
            self.shell.tasks().spawn(async move { shutdown.run_until_cancelled(tls.follow()).await });
        }
        tracing::info!(address = %self.address, tls = self.tls.is_some(), "listening");
        tonic::transport::Server::builder()
            .timeout(REQUEST_TIMEOUT)
            .concurrency_limit_per_connection(CONCURRENCY)
            .load_shed(true)
            .max_concurrent_streams(CONNECTION_STREAMS_MAX)
            .http2_max_pending_accept_reset_streams(Some(RESETS_MAX))
            .http2_max_header_list_size(HEADER_BYTES_MAX)
            .http2_keepalive_interval(Some(KEEP_ALIVE))
            .http2_keepalive_timeout(Some(KEEP_ALIVE_TIMEOUT))
            .add_service(service)
            .add_service(health)
            .add_service(reflection().build_v1().context(described)?)
            // Most tools of today speak the older one.
            .add_service(reflection().build_v1alpha().context(described)?)
            .serve_with_incoming_shutdown(incoming(self.listener, self.tls), shutdown.cancelled_owned())
            .await
            .context("serving gRPC")
    }
}

/// Checks that some pool can be quoted, as far as age goes.
fn fresh(book: &Book, max_age: Duration) -> Result<(), String> {
    match book.ages(Instant::now()) {
        None => Err("no pool has been read from the cluster yet".to_owned()),
        Some((freshest, _)) if freshest > max_age => {
            Err(format!("the latest state of the cluster is {} ms old", freshest.as_millis()))
        }
        Some(_) => Ok(()),
    }
}

/// Keeps the standard health service and the gauges true.
async fn report(
    reporter: HealthReporter,
    books: watch::Receiver<Book>,
    max_age: Duration,
    shutdown: CancellationToken,
) {
    let mut ticks = interval(HEALTH_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let book = books.borrow().clone();
        metrics::book(&book, Instant::now());
        let status = match fresh(&book, max_age) {
            Ok(()) => ServingStatus::Serving,
            Err(_) => ServingStatus::NotServing,
        };
        tell(&reporter, status).await;
    }
}

/// Sets the status of the process and of its service.
async fn tell(reporter: &HealthReporter, status: ServingStatus) {
    for service in ["", SERVICE_NAME] {
        reporter.set_service_status(service, status).await;
    }
}

#[cfg(test)]
mod tests;
