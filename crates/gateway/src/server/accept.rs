//! The thread that accepts connections.
//!
//! The kernel hands connections out in the order in which they came, and drops further ones when its queue is full:
//! then their clients try again a second later. So everybody waits as long as it takes to accept, and to refuse,
//! those that came before. On a thread of its own that takes microseconds, whatever the accepted ones keep the
//! runtime busy with.

use anyhow::Context as _;
use service::CancellationToken;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;
use tokio::sync::oneshot;

/// Pause after a failed accept, for example when no file descriptor is free.
const PAUSE: Duration = Duration::from_millis(100);

/// Most connections of a crowd before the thread looks whether it is to stop.
const CROWD: usize = 256;

/// Accepts connections until `stop`, and hands each to `admit`. The receiver hears when the port is closed.
///
/// # Errors
/// The thread cannot be started.
pub(super) fn start(
    listener: TcpListener,
    stop: CancellationToken,
    admit: impl Fn(TcpStream, SocketAddr) + Send + 'static,
) -> anyhow::Result<oneshot::Receiver<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime that accepts connections")?;
    let (closed, receiver) = oneshot::channel();
    let accepting = async move {
        match Waiting::new(listener) {
            Ok(waiting) => accept(&waiting, stop, admit).await,
            Err(error) => tracing::error!(%error, "connections cannot be accepted"),
        }
    };
    std::thread::Builder::new()
        .name("accept".to_owned())
        .spawn(move || {
            runtime.block_on(accepting);
            // Nobody listens if the process ends.
            let _ = closed.send(());
        })
        .context("starting the thread that accepts connections")?;
    Ok(receiver)
}

/// The connections that wait at the port.
struct Waiting {
    /// Waits for the first one.
    first: tokio::net::TcpListener,
    /// The same port. What is accepted here is not registered with this thread's runtime: it is served on another,
    /// and most of a crowd are refused.
    further: TcpListener,
}

impl Waiting {
    fn new(listener: TcpListener) -> io::Result<Self> {
        Ok(Self { further: listener.try_clone()?, first: tokio::net::TcpListener::from_std(listener)? })
    }

    async fn first(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, address) = self.first.accept().await?;
        Ok((stream.into_std()?, address))
    }

    /// Another one, if it is there already. An error is the next wait's, too.
    fn further(&self) -> Option<(TcpStream, SocketAddr)> {
        let (stream, address) = self.further.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some((stream, address))
    }
}

async fn accept(waiting: &Waiting, stop: CancellationToken, admit: impl Fn(TcpStream, SocketAddr)) {
    let mut stopped = std::pin::pin!(stop.cancelled_owned());
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopped.as_mut() => return,
            accepted = waiting.first() => accepted,
        };
        match accepted {
            Ok((stream, address)) => admit(stream, address),
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
        let further = std::iter::from_fn(|| waiting.further());
        further.take(CROWD).for_each(|(stream, address)| admit(stream, address));
    }
}
