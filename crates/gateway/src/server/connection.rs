//! One connection: HTTP/1.1 or HTTP/2, with a bounded time and bounded buffers for everything.

use super::exchange::Exchanged;
use super::forwarded::Proxies;
use super::unparsed::Explaining;
use crate::http::host;
use crate::http::problem::Problem;
use crate::http::rate_limit::Client;
use crate::http::turn::Turn;
use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use service::CancellationToken;
use service::net::{Activity, Pace, PacedStream, Times, Tls};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tower::Service as _;

/// The longest times of a connection.
const TIMES: Times = Times {
    // Slow or silent clients lose their connection.
    head: Duration::from_secs(10),
    // Longer than clients and load balancers keep an idle connection, most of them 60 or 90 seconds: a request that
    // is sent just when the gateway ends its connection fails. Whoever needs an idle one's seat gets it before.
    idle: Duration::from_secs(100),
    // Handlers give up after 20 seconds, and the rest is for the client to take the answer.
    exchange: Duration::from_secs(60),
};

/// Time between two pings of an HTTP/2 connection, and for the answer to one.
const PING: Duration = Duration::from_secs(10);

/// Time for a client to read. Sockets are closed with a reason a little before.
pub(crate) const PACE: Pace = Pace { stall: Duration::from_secs(10), flush: Duration::from_secs(60) };

/// Most header fields of a request.
const MAX_HEADERS: usize = 64;

/// Largest head of a request, and most bytes of answers that wait for an HTTP/1.1 client, each.
const MAX_BUFFER: usize = 32 * 1024;

/// Most requests at once on an HTTP/2 connection.
const MAX_STREAMS: u32 = 32;

/// Bytes that an HTTP/2 client may send ahead, in one stream: more than any body.
const STREAM_WINDOW: u32 = 32 * 1024;

/// Bytes that an HTTP/2 client may send ahead, in all streams.
const CONNECTION_WINDOW: u32 = 256 * 1024;

/// Most streams that an HTTP/2 client may reset before the gateway has seen them.
const MAX_RESETS: usize = 32;

/// Longest time for which a new connection has a turn to arrive. It gives it back before if its first request is
/// answered.
const ARRIVAL: Duration = Duration::from_millis(50);

/// Time for the goodbye to an idle client.
const GOODBYE: Duration = Duration::from_secs(1);

/// The other side of a connection, and whom it speaks for.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) address: IpAddr,
    pub(super) proxies: Arc<Proxies>,
}

/// A connection that is served.
pub(super) struct Connection {
    pub(super) peer: Peer,
    pub(super) router: Router,
    pub(super) activity: Arc<Activity>,
    /// The turns that all connections of the client share.
    pub(super) turns: Arc<Semaphore>,
    /// The turns to arrive that all connections of the client share.
    pub(super) arrivals: Arc<Semaphore>,
    /// The answer to every request, if the connection is refused.
    pub(super) refusal: Option<Problem>,
}

/// Answers the requests of one connection, over TLS where the port has it. Waits for its turn to arrive.
pub(super) async fn serve(
    stream: TcpStream,
    tls: Option<Arc<Tls>>,
    connection: Connection,
    shutdown: CancellationToken,
) {
    let activity = Arc::clone(&connection.activity);
    let arrival = tokio::select! {
        biased;
        () = activity.evicted() => return,
        arrival = Turn::take(Arc::clone(&connection.arrivals)) => arrival,
    };
    let arrived = async {
        tokio::time::sleep(ARRIVAL).await;
        arrival.give_back();
        std::future::pending().await
    };
    tokio::select! {
        () = shake_hands(stream, tls, connection, arrival.clone(), shutdown) => {}
        () = arrived => {}
    }
}

async fn shake_hands(
    stream: TcpStream,
    tls: Option<Arc<Tls>>,
    connection: Connection,
    arrival: Turn,
    shutdown: CancellationToken,
) {
    let stream = PacedStream::new(stream, PACE, Arc::clone(&connection.activity));
    let Some(tls) = tls else { return speak(stream, connection, arrival, shutdown).await };
    let activity = Arc::clone(&connection.activity);
    let shaken = tokio::select! {
        biased;
        () = activity.evicted() => return,
        () = shutdown.cancelled() => return,
        shaken = tls.accept(stream) => shaken,
    };
    match shaken {
        Ok(stream) => speak(stream, connection, arrival, shutdown).await,
        Err(error) => tracing::debug!(%error, "connection ended before its first request"),
    }
}

async fn speak<S>(stream: S, connection: Connection, arrival: Turn, shutdown: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Connection { peer, router, activity, turns, refusal, .. } = connection;
    let refused = refusal.is_some();
    let handler = service_fn(|request: Request<Incoming>| {
        if request.version() == http::Version::HTTP_2 {
            activity.set_framed();
        }
        let exchange = activity.begin();
        let mut request = prepared(request, &peer, refusal.clone());
        let (mut router, turns, arrival) = (router.clone(), Arc::clone(&turns), arrival.clone());
        async move {
            let turn = Turn::take(turns).await;
            request.extensions_mut().insert(turn.clone());
            let response = router.call(request).await;
            turn.give_back();
            arrival.give_back();
            response.map(|response| response.map(|body| Exchanged::new(body, exchange)))
        }
    });
    let builder = builder(refused);
    let mut connection = std::pin::pin!(
        builder.serve_connection_with_upgrades(TokioIo::new(Explaining::new(stream)), handler)
    );
    let mut stopping = false;
    loop {
        tokio::select! {
            biased;
            () = activity.evicted() => return,
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
            () = activity.overdue(&TIMES) => break,
        }
    }
    connection.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(GOODBYE, connection).await;
}

/// The limits of a connection. A refused one has a single request.
fn builder(refused: bool) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .keep_alive(!refused)
        // The times above tell a slow head from an idle connection.
        .header_read_timeout(None)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_RESETS)
        .max_local_error_reset_streams(MAX_RESETS)
        .max_header_list_size(u32::try_from(MAX_BUFFER).unwrap_or(u32::MAX))
        .max_send_buf_size(MAX_BUFFER)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    builder
}

/// A request with its client, and with the reason if it is to be refused.
fn prepared(mut request: Request<Incoming>, peer: &Peer, refusal: Option<Problem>) -> Request<Incoming> {
    let refusal = refusal.or_else(|| host::check(&mut request).err());
    if let Some(refusal) = refusal {
        request.extensions_mut().insert(refusal);
    }
    let client = peer.proxies.client(peer.address, request.headers());
    request.extensions_mut().insert(Client(client));
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::{Instant, sleep};

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

    /// Longer than reqwest and Go keep an idle connection, 90 seconds; load balancers keep theirs for less.
    const CLIENTS_PATIENCE: Duration = Duration::from_secs(90);

    /// A connection that is served, and its client's end.
    fn connected() -> DuplexStream {
        let (client, stream) = duplex(MAX_BUFFER);
        let activity = Arc::new(Activity::default());
        let connection = Connection {
            peer: Peer { address: IpAddr::from([127, 0, 0, 1]), proxies: Arc::default() },
            router: Router::new().route("/", axum::routing::get(|| async { "here" })),
            activity: Arc::clone(&activity),
            turns: Arc::new(Semaphore::new(1)),
            arrivals: Arc::new(Semaphore::new(1)),
            refusal: None,
        };
        tokio::spawn(async move {
            let arrival = Turn::take(Arc::clone(&connection.arrivals)).await;
            let stream = PacedStream::new(stream, PACE, activity);
            speak(stream, connection, arrival, CancellationToken::new()).await;
        });
        client
    }

    async fn exchange(client: &mut DuplexStream) {
        client.write_all(REQUEST).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"here") {
            let byte = client.read_u8().await.unwrap_or_else(|_| {
                panic!("the connection ended after {:?}", String::from_utf8_lossy(&answer))
            });
            answer.push(byte);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_kept_for_as_long_as_clients_keep_theirs() {
        let mut client = connected();
        exchange(&mut client).await;
        sleep(CLIENTS_PATIENCE).await;
        exchange(&mut client).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_further_head_that_trickles_ends_the_connection() {
        let mut client = connected();
        exchange(&mut client).await;
        let started = Instant::now();
        let mut bytes = REQUEST.iter().cycle();
        while client.write_u8(*bytes.next().unwrap()).await.is_ok() && started.elapsed() < CLIENTS_PATIENCE {
            sleep(Duration::from_secs(1)).await;
        }
        let seconds = started.elapsed().as_secs();
        assert!((10..=22).contains(&seconds), "{seconds}");
    }
}
