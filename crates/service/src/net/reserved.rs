use super::{Pace, PacedStream, Seat, Seats};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

/// Connections of the port. Whoever comes when all are taken has the place of the oldest.
const CONNECTIONS: usize = 64;

/// Pause after a failed accept, for example when no file descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Time in which a client sends nothing: longer than scrapers pause.
const SILENCE: Duration = Duration::from_secs(90);

/// Time for a client to read.
const PACE: Pace = Pace { stall: Duration::from_secs(10), flush: Duration::from_secs(60) };

/// A port for probes, with connections that nobody else can take: clients that hold theirs lose them to newcomers.
#[derive(Debug)]
pub(crate) struct Reserved {
    listener: TcpListener,
    seats: Arc<Seats>,
}

impl Reserved {
    pub(crate) fn new(listener: TcpListener) -> Self {
        Self { listener, seats: Seats::new(CONNECTIONS, CONNECTIONS, 1) }
    }

    async fn next(&self) -> io::Result<(ReservedStream, SocketAddr)> {
        let (stream, address) = self.listener.accept().await?;
        // One client may have all: then it loses its oldest, too.
        let seat = self.seats.take_for_proxy(address.ip()).map_err(|_| io::ErrorKind::ConnectionRefused)?;
        stream.set_nodelay(true)?;
        Ok((ReservedStream::new(stream, seat), address))
    }
}

impl axum::serve::Listener for Reserved {
    type Io = ReservedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (ReservedStream, SocketAddr) {
        loop {
            match self.next().await {
                Ok(accepted) => return accepted,
                Err(error) => {
                    tracing::warn!(%error, "connection to the admin port not accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection of such a port.
pub(crate) struct ReservedStream {
    stream: PacedStream<TcpStream>,
    evicted: Pin<Box<WaitForCancellationFutureOwned>>,
    silence: Pin<Box<Sleep>>,
    _seat: Seat,
}

impl ReservedStream {
    fn new(stream: TcpStream, seat: Seat) -> Self {
        let activity = seat.activity();
        Self {
            stream: PacedStream::new(stream, PACE, Arc::clone(activity)),
            evicted: Box::pin(activity.eviction().cancelled_owned()),
            silence: Box::pin(sleep(SILENCE)),
            _seat: seat,
        }
    }
}

impl AsyncRead for ReservedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.evicted.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.silence.as_mut().reset(Instant::now() + SILENCE);
        } else if self.silence.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl AsyncWrite for ReservedStream {
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
    use axum::serve::Listener as _;
    use tokio::io::AsyncReadExt as _;

    #[tokio::test]
    async fn the_oldest_connection_makes_room_for_a_newcomer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut port = Reserved::new(listener);
        let mut held = Vec::new();
        for _ in 0..=CONNECTIONS {
            let client = TcpStream::connect(address).await.unwrap();
            held.push((client, port.accept().await.0));
        }
        let error = held[0].1.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
        let waiting = tokio::time::timeout(Duration::from_millis(1), held[1].1.read_u8()).await;
        assert!(waiting.is_err(), "only one has made room");
    }

    #[tokio::test]
    async fn a_silent_connection_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut stream = Reserved::new(listener).accept().await.0;
        tokio::time::pause();
        assert_eq!(stream.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
