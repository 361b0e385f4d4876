use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The shell's exit code for a process ended by a signal.
const EXIT_BY_SIGNAL: i32 = 130;

/// The first SIGTERM or SIGINT cancels `shutdown`; the second ends the process at once, which is
/// as safe as any crash.
pub(crate) fn watch(shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    tokio::spawn(async move {
        next(&mut terminate, &mut interrupt).await;
        tracing::info!("stopping: asked to");
        shutdown.cancel();
        next(&mut terminate, &mut interrupt).await;
        tracing::warn!("stopping at once: asked twice");
        std::process::exit(EXIT_BY_SIGNAL);
    });
    Ok(())
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        biased;
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
