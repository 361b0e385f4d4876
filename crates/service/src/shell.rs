use futures_util::future::{BoxFuture, FutureExt, join_all};
use serde::Serialize;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A dependency that has not answered by then counts as down.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// The shell of a service: its name, health and shutdown. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub struct Shell {
    shutdown: CancellationToken,
    tasks: TaskTracker,
    checks: Arc<Mutex<Vec<(&'static str, Check)>>>,
    /// The dependencies that did not answer when they were looked at last.
    missing: Arc<Mutex<Vec<&'static str>>>,
    /// The first vital task that ended too early.
    lost: Arc<OnceLock<&'static str>>,
}

/// How one dependency answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dependency {
    /// Its name.
    pub name: &'static str,
    /// Its fault; None if it is well.
    pub error: Option<String>,
    /// How long the answer took.
    pub latency_ms: u64,
}

impl Shell {
    /// Cancelled when the process is asked to stop.
    pub fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Spawn on it what must come to its end before the process does: it is waited for, up to
    /// [`crate::DRAIN`] after the request to stop.
    pub fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Spawns what the service is worthless without. If it ends or panics before a stop was asked
    /// for, the process stops, and its exit code says failure. Nobody waits for it at shutdown.
    pub fn vital(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let shell = self.clone();
        tokio::spawn(async move {
            // The panic hook has logged why; the task's state is gone with it.
            let panicked = AssertUnwindSafe(task).catch_unwind().await.is_err();
            if shell.shutdown.is_cancelled() {
                return;
            }
            tracing::error!(task = name, panicked, "stopping: a task has ended that must not");
            // Before the token, so that whoever sees it cancelled knows why. Only the first counts.
            let _ = shell.lost.set(name);
            shell.shutdown.cancel();
        });
    }

    /// The vital task whose end stopped the process, if one did.
    pub(crate) fn lost(&self) -> Option<&'static str> {
        self.lost.get().copied()
    }

    /// Registers what the service cannot do without. The service is ready when every check
    /// succeeds, and never before the first is registered.
    pub fn check<F, Fut>(&self, name: &'static str, check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        let check: Check = Arc::new(move || check().boxed());
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).push((name, check));
    }

    /// The dependencies that did not answer when the process looked at them last, at most some seconds ago.
    pub fn missing(&self) -> Vec<&'static str> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes the dependencies that do not answer.
    pub(crate) fn note_missing(&self, missing: Vec<&'static str>) {
        *self.missing.lock().unwrap_or_else(PoisonError::into_inner) = missing;
    }

    /// Asks all dependencies at once; each has a second to answer. In the order of registration.
    pub async fn health(&self) -> Vec<Dependency> {
        let checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        join_all(checks.into_iter().map(|(name, check)| ask(name, check))).await
    }
}

async fn ask(name: &'static str, check: Check) -> Dependency {
    let started = Instant::now();
    let error = match timeout(CHECK_TIMEOUT, check()).await {
        Ok(answer) => answer.err(),
        Err(_) => Some(format!("did not answer within {} ms", CHECK_TIMEOUT.as_millis())),
    };
    let latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Dependency { name, error, latency_ms }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn dependencies_are_asked_at_once_and_a_silent_one_is_down() {
        let shell = Shell::default();
        shell.check("silent", std::future::pending);
        shell.check("mute", std::future::pending);
        shell.check("broken", || async { Err("refused".to_owned()) });
        shell.check("sound", || async { Ok(()) });
        let started = Instant::now();
        let health = shell.health().await;
        assert_eq!(started.elapsed(), CHECK_TIMEOUT);
        let seen: Vec<_> = health.iter().map(|d| (d.name, d.error.as_deref())).collect();
        let silence = Some("did not answer within 1000 ms");
        assert_eq!(
            seen,
            [("silent", silence), ("mute", silence), ("broken", Some("refused")), ("sound", None)]
        );
    }

    #[tokio::test]
    async fn a_vital_task_that_panics_or_ends_stops_the_process() {
        let panicking = Shell::default();
        panicking.vital("watch", async { panic!("out of bounds") });
        panicking.shutdown().cancelled().await;
        assert_eq!(panicking.lost(), Some("watch"));
        let ending = Shell::default();
        ending.vital("sweep", async {});
        ending.shutdown().cancelled().await;
        assert_eq!(ending.lost(), Some("sweep"));
    }

    #[tokio::test]
    async fn a_vital_task_may_end_once_a_stop_was_asked_for() {
        let shell = Shell::default();
        let (shutdown, (seen, ended)) = (shell.shutdown(), tokio::sync::oneshot::channel::<()>());
        shell.vital("watch", async move {
            shutdown.cancelled().await;
            drop(seen);
        });
        shell.shutdown().cancel();
        assert!(ended.await.is_err());
        // On this one thread the task has run to its end by now.
        assert_eq!(shell.lost(), None);
    }
}
