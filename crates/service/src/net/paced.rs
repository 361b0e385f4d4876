use super::Activity;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// The times that a reader has to take bytes.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Longest time in which no byte is taken.
    pub stall: Duration,
    /// Longest time for everything that is buffered to be taken, from the first byte that had to wait.
    pub flush: Duration,
}

/// A stream whose writes fail with `TimedOut` if the other side does not read. HTTP servers wait for ever for
/// such a client; it would hold its connection as long as it wants.
#[derive(Debug)]
pub struct PacedStream<S> {
    stream: S,
    pace: Pace,
    activity: Arc<Activity>,
    waiting: Option<Waiting>,
    /// The moment since which some byte has been waiting to be flushed.
    unflushed_since: Option<Instant>,
}

/// A write that waits for the other side to read.
#[derive(Debug)]
struct Waiting {
    timer: Pin<Box<Sleep>>,
}

impl<S> PacedStream<S> {
    /// Paces `stream`, and tells `activity` while it is blocked.
    pub fn new(stream: S, pace: Pace, activity: Arc<Activity>) -> Self {
        Self { stream, pace, activity, waiting: None, unflushed_since: None }
    }

    /// The stream without its pace.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The result of a write, or the end of the patience with it.
    fn paced(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.unblock();
            return written;
        }
        let now = Instant::now();
        let unflushed_since = *self.unflushed_since.get_or_insert(now);
        let waiting = self.waiting.get_or_insert_with(|| {
            self.activity.set_blocked(true);
            let deadline = (now + self.pace.stall).min(unflushed_since + self.pace.flush);
            Waiting { timer: Box::pin(sleep_until(deadline)) }
        });
        ready!(waiting.timer.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the other side does not read")))
    }

    fn unblock(&mut self) {
        if self.waiting.take().is_some() {
            self.activity.set_blocked(false);
        }
    }
}

impl<S> Drop for PacedStream<S> {
    fn drop(&mut self) {
        self.unblock();
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PacedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.activity.heard();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PacedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.paced(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.paced(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Servers flush when all that they had buffered is written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.unflushed_since = None;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    const PACE: Pace = Pace { stall: Duration::from_secs(10), flush: Duration::from_secs(60) };

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_is_given_up() {
        let (here, _there) = duplex(16);
        let started = Instant::now();
        let mut paced = PacedStream::new(here, PACE, Arc::new(Activity::default()));
        let error = paced.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!((error.kind(), started.elapsed()), (io::ErrorKind::TimedOut, PACE.stall));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_trickles_is_given_up_too() {
        let (here, mut there) = duplex(16);
        let started = Instant::now();
        let mut paced = PacedStream::new(here, PACE, Arc::new(Activity::default()));
        let trickle = async {
            loop {
                tokio::time::sleep(Duration::from_secs(9)).await;
                if there.read_u8().await.is_err() {
                    break;
                }
            }
        };
        let write = async { paced.write_all(&[0; 64]).await };
        let error =
            tokio::select! { error = write => error.unwrap_err(), () = trickle => panic!("it ended") };
        assert_eq!((error.kind(), started.elapsed()), (io::ErrorKind::TimedOut, PACE.flush));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_of_little_is_served() {
        let (here, mut there) = duplex(16);
        let activity = Arc::new(Activity::default());
        let mut paced = PacedStream::new(here, PACE, Arc::clone(&activity));
        let read = async {
            let mut received = [0; 64];
            for part in received.chunks_mut(16) {
                tokio::time::sleep(Duration::from_secs(9)).await;
                there.read_exact(part).await.unwrap();
            }
        };
        let write = async {
            paced.write_all(&[0; 64]).await.unwrap();
            paced.flush().await.unwrap();
        };
        tokio::join!(read, write);
        assert!(activity.idle_since().is_some(), "nothing is blocked");
    }
}
