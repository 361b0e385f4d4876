//! The thread that accepts connections.
//!
//! The kernel hands connections out in the order in which they came. So everybody waits as long as it takes to
//! accept, and to refuse, those that came before. On a thread of its own that takes microseconds, whatever the
//! accepted ones keep the runtime busy with.

use anyhow::Context as _;
use service::CancellationToken;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;
use tokio::sync::oneshot;

/// Pause after a failed accept, for example when no file descriptor is free.
const PAUSE: Duration = Duration::from_millis(100);

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
        match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => accept(&listener, &stop, admit).await,
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

async fn accept(
    listener: &tokio::net::TcpListener,
    stop: &CancellationToken,
    admit: impl Fn(TcpStream, SocketAddr),
) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        // It is served on another runtime than this one.
        match accepted.and_then(|(stream, address)| Ok((stream.into_std()?, address))) {
            Ok((stream, address)) => admit(stream, address),
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
