//! Group commit: one task a statement writes whatever has accumulated while the write before it was
//! in flight. No timer: an item that finds the writer idle is written at once. Reads that many make at
//! once are grouped by the same means.

use super::error::{Error, Fate};
use super::metrics;
use sqlx::{PgConnection, PgPool};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep};

/// Items that may wait for the writer. Some seconds of work: whoever comes later is better refused.
const WAITING_MAX: usize = 4_096;
/// Items in one statement: enough that the commit's cost no longer shows, few enough that the
/// statement stays well below the database's time limit.
const GROUP_MAX: usize = 256;
/// The pause before a write is tried again, which doubles up to the second figure: a restart of the
/// database is over in about a second.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// A statement that writes many items at once. Writing an item again must find the first writing:
/// an unknown outcome is resolved by writing once more.
pub(crate) trait Statement: Send + Sync + 'static {
    /// The item of one caller.
    type Item: Send + Sync;
    /// The outcome for one caller.
    type Outcome: Send;
    /// Its name in metrics.
    const NAME: &'static str;
    /// Its work, as error messages name it.
    const DOING: &'static str;
    /// How long an unreachable database is tried again.
    const PATIENCE: Duration;

    /// Writes the items in one transaction; the outcomes are in the items' order.
    fn write(
        connection: &mut PgConnection,
        items: &[Self::Item],
    ) -> impl Future<Output = Result<Vec<Self::Outcome>, sqlx::Error>> + Send;
}

/// The error of a statement that follows one that has been committed: the outcome of both is unknown.
pub(crate) fn half_done(error: sqlx::Error) -> sqlx::Error {
    sqlx::Error::Protocol(error.to_string())
}

type Answer<S> = oneshot::Sender<Result<<S as Statement>::Outcome, Error>>;

struct Job<S: Statement> {
    item: S::Item,
    answer: Answer<S>,
    /// When it was handed over: patience counts from there, not from when its turn comes.
    since: Instant,
}

/// The callers' end of a writing task, which ends with the last of them.
#[derive(Debug)]
pub(crate) struct Writer<S: Statement> {
    jobs: mpsc::Sender<Job<S>>,
}

impl<S: Statement> Clone for Writer<S> {
    fn clone(&self) -> Self {
        Self { jobs: self.jobs.clone() }
    }
}

impl<S: Statement> std::fmt::Debug for Job<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(S::NAME)
    }
}

impl<S: Statement> Writer<S> {
    /// Starts the writing task.
    pub(crate) fn start(pool: PgPool) -> Self {
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        tokio::spawn(run::<S>(pool, waiting));
        Self { jobs }
    }

    /// Ends when the task has died: it lives as long as there is a writer.
    pub(crate) async fn stopped(&self) {
        self.jobs.closed().await;
    }

    /// Has an item written, and waits for its outcome. A caller that stops waiting may or may not
    /// have had its item written.
    pub(crate) async fn write(&self, item: S::Item) -> Result<S::Outcome, Error> {
        let (answer, outcome) = oneshot::channel();
        let job = Job { item, answer, since: Instant::now() };
        let crashed = || Arc::new(sqlx::Error::WorkerCrashed);
        self.jobs.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => Error::Overloaded { doing: S::DOING },
            TrySendError::Closed(_) => Error::Unavailable { doing: S::DOING, cause: crashed() },
        })?;
        match outcome.await {
            Ok(result) => result,
            // The task has died, or was dropped with the runtime it ran on.
            Err(_) => Err(Error::Unknown { doing: S::DOING, cause: crashed() }),
        }
    }
}

async fn run<S: Statement>(pool: PgPool, mut waiting: mpsc::Receiver<Job<S>>) {
    let mut jobs = Vec::with_capacity(GROUP_MAX);
    while waiting.recv_many(&mut jobs, GROUP_MAX).await > 0 {
        // Nobody relies on what nobody waits for any more.
        jobs.retain(|job| !job.answer.is_closed());
        let Some(oldest) = jobs.iter().map(|job| job.since).min() else { continue };
        let (items, answers): (Vec<_>, Vec<_>) = jobs.drain(..).map(|job| (job.item, job.answer)).unzip();
        metrics::group(S::NAME, items.len());
        write_group::<S>(&pool, items, answers, oldest + S::PATIENCE).await;
    }
}

async fn write_group<S: Statement>(
    pool: &PgPool,
    items: Vec<S::Item>,
    answers: Vec<Answer<S>>,
    deadline: Instant,
) {
    match write_patiently::<S>(pool, &items, deadline).await {
        Ok(outcomes) => {
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                tell::<S>(answer, Ok(outcome));
            }
        }
        // One item spoils the statement for all: alone, each gets what it deserves.
        Err(Error::Refused { .. }) if items.len() > 1 => {
            write_singly::<S>(pool, &items, answers, deadline).await
        }
        Err(error) => {
            for answer in answers {
                tell::<S>(answer, Err(error.clone()));
            }
        }
    }
}

async fn write_singly<S: Statement>(
    pool: &PgPool,
    items: &[S::Item],
    answers: Vec<Answer<S>>,
    deadline: Instant,
) {
    let mut lost: Option<Error> = None;
    for (answer, item) in answers.into_iter().zip(items) {
        let result = match &lost {
            // The database went away in the middle: the rest need not find that out one by one.
            Some(error) => Err(error.clone()),
            None => write_patiently::<S>(pool, std::slice::from_ref(item), deadline).await.and_then(only),
        };
        if let Err(error @ (Error::Unavailable { .. } | Error::Unknown { .. })) = &result {
            lost = Some(error.clone());
        }
        tell::<S>(answer, result);
    }
}

fn only<T>(outcomes: Vec<T>) -> Result<T, Error> {
    let lost = || Error::Unknown { doing: "write one item", cause: Arc::new(sqlx::Error::RowNotFound) };
    outcomes.into_iter().next().ok_or_else(lost)
}

fn tell<S: Statement>(answer: Answer<S>, result: Result<S::Outcome, Error>) {
    // The caller may have gone.
    let _ = answer.send(result);
}

/// Writes the items, again and again until the database has said what became of them or the
/// deadline has passed.
async fn write_patiently<S: Statement>(
    pool: &PgPool,
    items: &[S::Item],
    deadline: Instant,
) -> Result<Vec<S::Outcome>, Error> {
    let mut recorded_perhaps = false;
    let mut pause = PAUSE_MIN;
    loop {
        let error = match write_once::<S>(pool, items).await {
            Ok(outcomes) => return Ok(outcomes),
            Err(Attempted::NotSent(error)) => error,
            Err(Attempted::Sent(error)) => match Fate::of(&error) {
                Fate::Refused { rule } => return Err(Error::Refused { doing: S::DOING, rule }),
                Fate::NotRecorded => error,
                Fate::Unknown => {
                    recorded_perhaps = true;
                    error
                }
            },
        };
        if Instant::now() + pause >= deadline {
            let cause = Arc::new(error);
            return Err(if recorded_perhaps {
                Error::Unknown { doing: S::DOING, cause }
            } else {
                Error::Unavailable { doing: S::DOING, cause }
            });
        }
        tracing::warn!(%error, "the journal could not {}, and tries again", S::DOING);
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

enum Attempted {
    /// There was no connection.
    NotSent(sqlx::Error),
    /// The statement was on its way.
    Sent(sqlx::Error),
}

async fn write_once<S: Statement>(pool: &PgPool, items: &[S::Item]) -> Result<Vec<S::Outcome>, Attempted> {
    let mut connection = pool.acquire().await.map_err(Attempted::NotSent)?;
    match metrics::statement(S::NAME, S::write(&mut connection, items)).await {
        Ok(outcomes) => Ok(outcomes),
        Err(error) => {
            if Fate::of(&error) == Fate::Unknown {
                connection.close_on_drop();
            }
            Err(Attempted::Sent(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A statement that panics instead of writing.
    enum Panics {}

    impl Statement for Panics {
        type Item = ();
        type Outcome = ();
        const NAME: &'static str = "panic";
        const DOING: &'static str = "panic";
        const PATIENCE: Duration = Duration::ZERO;

        async fn write(_: &mut PgConnection, _: &[()]) -> Result<Vec<()>, sqlx::Error> {
            panic!("out of bounds")
        }
    }

    #[tokio::test]
    async fn a_writer_that_panics_is_seen_to_stop_and_is_not_taken_for_busy() {
        let url = std::env::var("TEST_DATABASE_URL").unwrap();
        let writer = Writer::<Panics>::start(PgPool::connect_lazy(&url).unwrap());
        let stopped = tokio::spawn({
            let writer = writer.clone();
            async move { writer.stopped().await }
        });
        assert!(matches!(writer.write(()).await, Err(Error::Unknown { .. })));
        stopped.await.unwrap();
        assert!(matches!(writer.write(()).await, Err(Error::Unavailable { .. })));
    }
}
