//! Incoming connections of gRPC: a share for each caller, and the end of those that are silent or do not read.

use futures_util::stream::{self, Stream};
use service::net::{Pace, PacedStream, Seat, Seats, Tls, TlsStream};
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Sleep, sleep};
use tokio_util::either::Either;
use tonic::transport::server::{Connected, TcpConnectInfo};

/// Most connections at once. Gateways and executors have one each.
const CONNECTIONS: usize = 1_024;

/// Most connections of one caller, which may be a machine with many processes.
const CONNECTIONS_PER_CALLER: usize = 128;

/// Pause after a failed accept, for example when no file descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Time for a caller to begin with HTTP/2. Afterwards the server's keep-alive finds the silent ones.
const PREFACE_TIMEOUT: Duration = Duration::from_secs(10);

/// Length of the first words of HTTP/2, in bytes.
const PREFACE: usize = 24;

/// Time for a caller to read.
const PACE: Pace = Pace { stall: Duration::from_secs(10), flush: Duration::from_secs(60) };

/// Connections that are accepted and wait for the server.
const WAITING: usize = 16;

/// The connections of `listener`, over TLS where there is one, without those that find no seat.
pub(crate) fn incoming(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
) -> impl Stream<Item = io::Result<CallerStream>> {
    let (admitted, connections) = mpsc::channel(WAITING);
    tokio::spawn(accept(listener, tls, admitted));
    stream::unfold(connections, async |mut connections| Some((connections.recv().await?, connections)))
}

/// Accepts connections as long as the server takes them.
async fn accept(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    admitted: mpsc::Sender<io::Result<CallerStream>>,
) {
    let seats = Seats::new(CONNECTIONS, CONNECTIONS_PER_CALLER, 1);
    loop {
        let accepted = tokio::select! {
            biased;
            () = admitted.closed() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, caller)) => match seats.take(caller.ip()) {
                Ok(seat) => admit(stream, seat, tls.clone(), &admitted).await,
                Err(reason) => tracing::warn!(%caller, ?reason, "connection refused"),
            },
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Hands a connection to the server, after the handshake where there is one. Nobody else waits for a handshake.
async fn admit(
    stream: TcpStream,
    seat: Seat,
    tls: Option<Arc<Tls>>,
    admitted: &mpsc::Sender<io::Result<CallerStream>>,
) {
    // An error is one of a connection that is gone already.
    let Ok(()) = stream.set_nodelay(true) else { return };
    let caller = stream.connect_info();
    let stream = PacedStream::new(stream, PACE, Arc::clone(seat.activity()));
    let Some(tls) = tls else {
        // The server takes no more if it has stopped.
        let _ = admitted.send(Ok(CallerStream::new(Either::Left(stream), caller, seat))).await;
        return;
    };
    let admitted = admitted.clone();
    tokio::spawn(async move {
        match tls.accept(stream).await {
            Ok(stream) => {
                let stream = Either::Right(Box::new(stream));
                let _ = admitted.send(Ok(CallerStream::new(stream, caller, seat))).await;
            }
            Err(error) => tracing::debug!(%error, "connection ended before its first call"),
        }
    });
}

/// A connection of a caller, with its seat.
#[derive(Debug)]
pub(crate) struct CallerStream {
    stream: Wire,
    caller: TcpConnectInfo,
    /// Bytes of the preface that have not come yet.
    unread: usize,
    /// The end of the time for them.
    silence: Option<Pin<Box<Sleep>>>,
    _seat: Seat,
}

/// A connection without or with TLS.
type Wire = Either<PacedStream<TcpStream>, Box<TlsStream<PacedStream<TcpStream>>>>;

impl CallerStream {
    fn new(stream: Wire, caller: TcpConnectInfo, seat: Seat) -> Self {
        let silence = Some(Box::pin(sleep(PREFACE_TIMEOUT)));
        Self { stream, caller, unread: PREFACE, silence, _seat: seat }
    }
}

impl Connected for CallerStream {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.caller.clone()
    }
}

impl AsyncRead for CallerStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let Some(silence) = self.silence.as_mut() else { return read };
        if read.is_pending() && silence.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the caller is silent")));
        }
        self.unread = self.unread.saturating_sub(buffer.filled().len().saturating_sub(before));
        if self.unread == 0 {
            self.silence = None;
        }
        read
    }
}

impl AsyncWrite for CallerStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn a_caller_has_its_share_of_the_connections() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut incoming = Box::pin(incoming(listener, None));
        let mut open = Vec::new();
        for _ in 0..CONNECTIONS_PER_CALLER {
            let caller = TcpStream::connect(address).await.unwrap();
            open.push((caller, incoming.next().await.unwrap().unwrap()));
        }
        let mut refused = TcpStream::connect(address).await.unwrap();
        let other = tokio::net::TcpSocket::new_v4().unwrap();
        other.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let _other = other.connect(address).await.unwrap();
        let admitted = incoming.next().await.unwrap().unwrap();
        assert_eq!(admitted.connect_info().remote_addr().unwrap().ip().to_string(), "127.0.0.2");
        assert_eq!(refused.read(&mut [0]).await.unwrap_or(0), 0, "it is closed");
    }

    #[tokio::test]
    async fn a_caller_that_begins_and_goes_silent_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut incoming = Box::pin(incoming(listener, None));
        let mut caller = TcpStream::connect(address).await.unwrap();
        caller.write_all(b"PRI * HTTP/2.0").await.unwrap();
        let mut stream = incoming.next().await.unwrap().unwrap();
        tokio::time::pause();
        let error = stream.read_to_end(&mut Vec::new()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
