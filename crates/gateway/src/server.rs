//! The HTTP server: accepts connections, gives each client its share of them, and drains them at shutdown.

mod accept;
pub(crate) mod connection;
mod exchange;
mod forwarded;
mod unparsed;

use crate::config::Configuration;
use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use crate::state::App;
use crate::{api, metrics};
use ::metrics::Counter;
use anyhow::Context as _;
use axum::Router;
use connection::{Connection, Peer};
use forwarded::Proxies;
use service::net::{NoSeat, Seats, Tls, open_files_limit};
use service::{Shell, TaskTracker};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tower_http::compression::predicate::SizeAbove;
use tower_http::compression::{CompressionLayer, CompressionLevel};

/// Most open connections, WebSockets apart: each costs a file descriptor and some kilobytes.
const MAX_CONNECTIONS: usize = 8_192;

/// Most open WebSockets: each costs a file descriptor and some tens of kilobytes.
const MAX_SOCKETS: usize = 5_000;

/// Part of the connections, and of the WebSockets, that one client may have unless configured otherwise.
const SHARE: usize = 8;

/// Requests of one client that are worked on at once, for each processor. Further ones wait for their turn, so that
/// a flood takes little more of the processors than a client that asks for little.
const TURNS_PER_PROCESSOR: usize = 4;

/// Open files for everything else: the stores, the router, the admin port, and refusals.
const RESERVED_FILES: usize = 256;

/// Refused connections that are answered in one [`REFUSAL_INTERVAL`]. Further ones are closed without an answer:
/// an answer costs as much as a request, and a greedy client comes again and again.
const MAX_REFUSALS: usize = 32;

/// Interval in which refusals are counted.
const REFUSAL_INTERVAL: Duration = Duration::from_secs(1);

/// Time for a refused client to send its request and to take the answer.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(2);

/// Connections that the kernel keeps until they are accepted.
const LISTEN_QUEUE: u32 = 4_096;

/// Bytes of answers, and of requests, that the kernel keeps for a connection; it takes twice as much memory. By
/// itself it would keep megabytes, and slow down every connection of the machine once it has too many.
const SEND_BUFFER: u32 = 32 * 1024;
const RECEIVE_BUFFER: u32 = 16 * 1024;

/// Smallest answer that is compressed, in bytes.
const MIN_COMPRESSED: u16 = 1_024;

/// Time for running requests to finish after the shell asked to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Sizes of the port, from the limit of open files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Capacity {
    pub(crate) connections: usize,
    pub(crate) sockets: usize,
}

impl Capacity {
    /// The sizes where this many files may be open.
    fn of(open_files: usize) -> Self {
        let free = open_files.saturating_sub(RESERVED_FILES).max(2);
        let wanted = MAX_CONNECTIONS + MAX_SOCKETS;
        if free >= wanted {
            return Self { connections: MAX_CONNECTIONS, sockets: MAX_SOCKETS };
        }
        let sockets = (free * MAX_SOCKETS / wanted).max(1);
        Self { connections: free - sockets, sockets }
    }

    /// The sizes for this process.
    pub(crate) fn of_this_process() -> Self {
        Self::of(open_files_limit())
    }

    /// The most of `total` that one client may have.
    pub(crate) fn share(total: usize, configured: Option<usize>) -> usize {
        configured.unwrap_or(total / SHARE).clamp(1, total)
    }
}

/// A gateway with an open port.
pub struct Server {
    listener: TcpListener,
    port: Port,
}

/// The admission of connections.
#[derive(Clone)]
struct Port {
    router: Router,
    seats: Arc<Seats>,
    refused: Refused,
    refusals: Arc<Semaphore>,
    proxies: Arc<Proxies>,
    tls: Option<Arc<Tls>>,
    connections: TaskTracker,
    shell: Shell,
}

impl Server {
    /// Connects to the servers and opens the port.
    ///
    /// # Errors
    /// The database lacks migrations, an address is not valid, or the port is taken.
    pub async fn bind(configuration: Configuration, shell: Shell) -> anyhow::Result<Self> {
        Self::bind_with(configuration, shell, Capacity::of_this_process()).await
    }

    /// As [`Server::bind`], with this many connections.
    pub(crate) async fn bind_with(
        configuration: Configuration,
        shell: Shell,
        capacity: Capacity,
    ) -> anyhow::Result<Self> {
        metrics::describe();
        metrics::backlog_limit(configuration.max_backlog);
        let listen = configuration.listen;
        let proxies = Arc::new(Proxies::new(configuration.trusted_proxies.clone()));
        let tls = Tls::read(&configuration.tls)?.map(Arc::new);
        let total = capacity.connections;
        let share = Capacity::share(total, configuration.max_connections_per_client);
        let app = App::connect(configuration, shell.clone()).await?;
        let listener = open(listen).with_context(|| format!("opening the port at {listen}; check LISTEN"))?;
        let router = api::router(app).layer(
            CompressionLayer::new()
                .quality(CompressionLevel::Fastest)
                .compress_when(SizeAbove::new(MIN_COMPRESSED)),
        );
        let port = Port {
            router,
            seats: Seats::new(total, share, turns()),
            refused: Refused::new(),
            refusals: Arc::new(Semaphore::new(MAX_REFUSALS)),
            proxies,
            tls,
            connections: TaskTracker::new(),
            shell,
        };
        let server = Self { listener, port };
        tracing::info!(address = %server.address()?, connections = total, per_client = share, "listening");
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
    /// The thread that accepts connections cannot be started.
    pub async fn serve(self) -> anyhow::Result<()> {
        let Self { listener, port } = self;
        if let Some(tls) = port.tls.clone() {
            let shutdown = port.shell.shutdown();
            port.shell.tasks().spawn(async move { shutdown.run_until_cancelled(tls.follow()).await });
        }
        let (connections, runtime) = (port.connections.clone(), Handle::current());
        let closed = accept::start(listener, port.shell.shutdown(), move |stream, address| {
            port.admit(stream, address, &runtime);
        })?;
        // It fails if the thread has panicked; then the port is closed, too.
        let _ = closed.await;
        connections.close();
        if tokio::time::timeout(DRAIN, connections.wait()).await.is_err() {
            tracing::warn!(connections = connections.len(), "requests were still running at shutdown");
        }
        Ok(())
    }
}

impl Port {
    /// Serves a connection on `runtime`, or refuses it.
    fn admit(&self, stream: TcpStream, address: SocketAddr, runtime: &Handle) {
        let peer = Peer { address: address.ip().to_canonical(), proxies: Arc::clone(&self.proxies) };
        let seat = if self.proxies.trusts(peer.address) {
            self.seats.take_for_proxy(peer.address)
        } else {
            self.seats.take(peer.address)
        };
        let seat = match seat {
            Ok(seat) => seat,
            Err(reason) => return self.refuse(stream, peer, reason, runtime),
        };
        let connection = Connection {
            peer,
            router: self.router.clone(),
            activity: Arc::clone(seat.activity()),
            turns: Arc::clone(seat.turns()),
            arrivals: Arc::clone(seat.arrivals()),
            refusal: None,
        };
        let (tls, shutdown) = (self.tls.clone(), self.shell.shutdown());
        let serving = async move {
            metrics::connections().increment(1);
            if let Some(stream) = prepared(stream) {
                Box::pin(connection::serve(stream, tls, connection, shutdown)).await;
            }
            metrics::connections().decrement(1);
            drop(seat);
        };
        self.connections.spawn_on(serving, runtime);
    }

    /// Answers one request of a connection with the reason for its refusal, or closes it if too many are
    /// being refused.
    fn refuse(&self, stream: TcpStream, peer: Peer, reason: NoSeat, runtime: &Handle) {
        self.refused.count(reason);
        let Ok(permit) = Arc::clone(&self.refusals).try_acquire_owned() else { return };
        let problem = match reason {
            NoSeat::ClientHasItsShare => self.share_taken(),
            NoSeat::AllTaken => Problem::new(Code::Overloaded, "all connections are in use; try again later"),
        };
        let connection = Connection {
            peer,
            router: self.router.clone(),
            activity: Arc::default(),
            turns: Arc::new(Semaphore::new(1)),
            arrivals: Arc::new(Semaphore::new(1)),
            refusal: Some(problem),
        };
        let (tls, shutdown) = (self.tls.clone(), self.shell.shutdown());
        let refusing = async move {
            let next = Instant::now() + REFUSAL_INTERVAL;
            if let Some(stream) = prepared(stream) {
                let serving = Box::pin(connection::serve(stream, tls, connection, shutdown.clone()));
                let _ = tokio::time::timeout(REFUSAL_TIMEOUT, serving).await;
            }
            shutdown.run_until_cancelled(tokio::time::sleep_until(next)).await;
            drop(permit);
        };
        self.connections.spawn_on(refusing, runtime);
    }

    fn share_taken(&self) -> Problem {
        let detail =
            format!("more than {} connections of one client; close some first", self.seats.per_client());
        Problem::new(Code::TooManyConnections, detail)
    }
}

/// The requests of one client that are worked on at once.
fn turns() -> usize {
    TURNS_PER_PROCESSOR * std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Counters of refused connections. They are looked up once: refusals are to cost little.
#[derive(Clone)]
struct Refused {
    client: Counter,
    all: Counter,
}

impl Refused {
    fn new() -> Self {
        Self { client: metrics::connections_refused("client"), all: metrics::connections_refused("all") }
    }

    fn count(&self, reason: NoSeat) {
        match reason {
            NoSeat::ClientHasItsShare => self.client.increment(1),
            NoSeat::AllTaken => self.all.increment(1),
        }
    }
}

/// The connection for the runtime; None if it is lost before its first request.
fn prepared(stream: TcpStream) -> Option<tokio::net::TcpStream> {
    let ready = || {
        // Small responses are sent at once.
        stream.set_nodelay(true)?;
        tokio::net::TcpStream::from_std(stream)
    };
    ready().inspect_err(|error| tracing::debug!(%error, "connection lost before its first request")).ok()
}

/// Opens the port. Connections inherit its buffers.
fn open(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restarted gateway takes the port of the one before.
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.bind(address)?;
    socket.listen(LISTEN_QUEUE)?.into_std()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_leave_files_for_everything_else() {
        assert_eq!(Capacity::of(1 << 20), Capacity { connections: MAX_CONNECTIONS, sockets: MAX_SOCKETS });
        for open_files in [0, 300, 1_024, 4_096, 13_000] {
            let Capacity { connections, sockets } = Capacity::of(open_files);
            assert!(connections > 0 && sockets > 0, "{open_files}");
            assert!(
                connections + sockets <= open_files.saturating_sub(RESERVED_FILES).max(2),
                "{open_files}"
            );
        }
    }

    #[test]
    fn a_share_is_far_below_the_whole_unless_configured() {
        assert_eq!(Capacity::share(8_192, None), 1_024);
        assert_eq!(Capacity::share(8_192, Some(5)), 5);
        assert_eq!(Capacity::share(10, Some(50)), 10);
        assert_eq!(Capacity::share(3, None), 1);
    }
}
