use crate::{Configuration, Shell, admin, net, options, signal, telemetry, watchdog};
use anyhow::Context as _;
use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

/// How long a process may take to come to its end once it is asked to. Orchestrators kill after
/// thirty seconds or so; ending before that keeps the last logs and spans.
pub const DRAIN: Duration = Duration::from_secs(20);

/// How long threads that block may hold up the end of the process.
const THREADS: Duration = Duration::from_millis(500);

/// A process from its first line to its last: reads the configuration, installs telemetry, opens
/// the admin port, and runs `start` until it returns. `start` should return soon after the shell's
/// shutdown token is cancelled; then the shell's tasks are waited for. Both together may take
/// [`DRAIN`]. When `start` returns for any other reason the process stops as well. The exit code is
/// a failure if `start` returns an error or a task of [`Shell::vital`] ended too early.
pub fn run<C, F, Fut>(name: &'static str, start: F) -> ExitCode
where
    C: Configuration,
    F: FnOnce(C, Shell) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let configuration = options::read::<C>();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(name, &anyhow::Error::new(error).context("starting the runtime")),
    };
    let ended = runtime.block_on(Box::pin(live(name, configuration, start)));
    runtime.shutdown_timeout(THREADS);
    match ended {
        Ok(code) => code,
        Err(error) => fail(name, &error),
    }
}

async fn live<C, F, Fut>(name: &'static str, configuration: C, start: F) -> anyhow::Result<ExitCode>
where
    C: Configuration,
    F: FnOnce(C, Shell) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let options = configuration.options().clone();
    let telemetry = telemetry::install(name, &options).context("installing telemetry")?;
    let shell = Shell::default();
    tracing::info!(service = name, version = env!("CARGO_PKG_VERSION"), "starting");
    net::raise_open_files_limit();
    tokio::spawn(crate::metrics::watch_dependencies(shell.clone()));
    let work = async {
        signal::watch(shell.shutdown())?;
        watchdog::start(name)?;
        admin::serve(options.admin_listen, shell.clone(), telemetry.metrics.clone()).await?;
        until_drained(&shell, start(configuration, shell.clone())).await
    };
    let code = match Box::pin(work).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("stopped: {error:#}");
            ExitCode::FAILURE
        }
    };
    telemetry.flush().await;
    Ok(code)
}

/// Runs `service` to its end, then the shell's tasks to theirs.
async fn until_drained(
    shell: &Shell,
    service: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let shutdown = shell.shutdown();
    let overdue = async {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    let ended = async {
        let outcome = service.await;
        shutdown.cancel();
        shell.tasks().close();
        shell.tasks().wait().await;
        outcome
    };
    let outcome = tokio::select! {
        biased;
        outcome = ended => {
            tracing::info!("stopped");
            outcome
        }
        () = overdue => {
            tracing::warn!(tasks = shell.tasks().len(), "stopped before everything came to its end");
            Ok(())
        }
    };
    outcome.and_then(|()| match shell.lost() {
        Some(task) => Err(anyhow::anyhow!("the task `{task}` ended, and nothing works without it")),
        None => Ok(()),
    })
}

/// For what goes wrong before there is a logger.
fn fail(name: &str, error: &anyhow::Error) -> ExitCode {
    eprintln!("{name}: {error:#}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_task_is_waited_for_after_the_service_has_returned() {
        let shell = Shell::default();
        let done = Arc::new(AtomicBool::new(false));
        let (shutdown, seen) = (shell.shutdown(), done.clone());
        shell.tasks().spawn(async move {
            shutdown.cancelled().await;
            tokio::time::sleep(DRAIN / 2).await;
            seen.store(true, Ordering::SeqCst);
        });
        until_drained(&shell, async { Ok(()) }).await.unwrap();
        assert!(done.load(Ordering::SeqCst));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_holds_the_process_for_longer_than_the_drain() {
        let shell = Shell::default();
        shell.tasks().spawn(std::future::pending::<()>());
        let started = Instant::now();
        shell.shutdown().cancel();
        until_drained(&shell, std::future::pending()).await.unwrap();
        assert_eq!(started.elapsed(), DRAIN);
    }

    #[tokio::test]
    async fn an_error_of_the_service_stops_its_tasks_and_comes_out() {
        let shell = Shell::default();
        let shutdown = shell.shutdown();
        shell.tasks().spawn(async move { shutdown.cancelled().await });
        let error = until_drained(&shell, async { anyhow::bail!("no database") }).await.unwrap_err();
        assert_eq!(error.to_string(), "no database");
    }

    #[tokio::test(start_paused = true)]
    async fn a_vital_task_that_panics_is_a_failure_however_the_service_takes_it() {
        for stuck in [false, true] {
            let shell = Shell::default();
            let shutdown = shell.shutdown();
            shell.vital("watch", async { panic!("out of bounds") });
            let service = async {
                shutdown.cancelled().await;
                if stuck {
                    std::future::pending::<()>().await;
                }
                Ok(())
            };
            let error = until_drained(&shell, service).await.unwrap_err();
            assert_eq!(error.to_string(), "the task `watch` ended, and nothing works without it");
        }
    }
}
