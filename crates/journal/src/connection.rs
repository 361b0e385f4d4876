use crate::accept::Accepts;
use crate::append::Appends;
use crate::history::Reads;
use crate::writer::Writer;
use crate::{Error, metrics, months};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, Executor, PgConnection, PgPool};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// How long a caller waits for a connection of the pool: longer means too many callers, and the
/// last of them is better told so.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// A connection that came back this recently has answered then, and is not asked again.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// How long a connection that comes back to the pool may take to answer before it is closed.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);
/// The pause before a database that was not there at the start is asked again, which doubles up to the
/// second figure.
const CONNECT_PAUSE_MIN: Duration = Duration::from_millis(100);
const CONNECT_PAUSE_MAX: Duration = Duration::from_secs(2);
/// How long the database may take to say that it is there.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// The settings of each session. No statement of ours takes long, and none of them leaves a
/// transaction open; an answer means that the write is on the disk.
const SESSION: [(&str, &str); 5] = [
    ("statement_timeout", "5s"),
    ("lock_timeout", "2s"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("synchronous_commit", "on"),
    JIT_OFF,
];

/// Connections that lists and statistics share: they wait for one another, never for those that write.
pub(crate) const REPORT_CONNECTIONS: u32 = 2;

/// How long a list waits for one of them before its caller is told that the database is busy.
const REPORT_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);

/// Settings of their sessions. They write nothing, and give up early.
const REPORT_SESSION: [(&str, &str); 5] = [
    ("default_transaction_read_only", "on"),
    ("statement_timeout", "2s"),
    ("lock_timeout", "1s"),
    ("idle_in_transaction_session_timeout", "10s"),
    JIT_OFF,
];

/// Compiling a statement takes longer than any of ours runs.
const JIT_OFF: (&str, &str) = ("jit", "off");

/// A migration waits half a second for a lock that it needs alone, so that those behind it wait no longer. Then
/// it is tried again, so often and after such a pause.
const MIGRATE_TRIES_MAX: u32 = 60;
const MIGRATE_PAUSE: Duration = Duration::from_secs(1);

/// PostgreSQL's codes of a lock that was waited for in vain, and of one that would be waited for for ever.
const LOCK_REFUSED: [&str; 2] = ["55P03", "40P01"];

/// Ends whatever transaction a cancelled caller may have left open: a connection must not come back
/// to the pool inside one, or the next caller's write is acknowledged and lost. Beginning first
/// keeps the server from warning, each time, that there was none.
const END_ANY_TRANSACTION: &str = "BEGIN; ROLLBACK";

const PING: &str = "SELECT 1";

const APPLIED: &str = "SELECT version FROM _sqlx_migrations WHERE success";

/// PostgreSQL's error code for a table that does not exist.
const UNDEFINED_TABLE: &str = "42P01";

/// A handle on the durable record. Clones share its pools and one writer of each kind.
#[derive(Debug, Clone)]
pub struct Journal {
    pub(crate) pool: PgPool,
    /// For lists and statistics.
    pub(crate) reports: PgPool,
    pub(crate) accepts: Writer<Accepts>,
    pub(crate) appends: Writer<Appends>,
    pub(crate) reads: Writer<Reads>,
}

impl Journal {
    /// Connects, and starts the tasks that write in groups. Needs a running tokio runtime.
    ///
    /// # Errors
    /// The database does not answer, or lacks a migration of this version.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, Error> {
        metrics::describe();
        let connecting = unavailable("connect to the database");
        let options: PgConnectOptions = url.parse().map_err(&connecting)?;
        let pool = pool(max_connections, ACQUIRE_TIMEOUT)
            .connect_with(options.clone().application_name("journal").options(SESSION))
            .await
            .map_err(&connecting)?;
        require_migrations(&pool).await?;
        let reports = pool_of_reports(options);
        Ok(Self {
            accepts: Writer::start(pool.clone()),
            appends: Writer::start(pool.clone()),
            reads: Writer::start(pool.clone()),
            reports,
            pool,
        })
    }

    /// As [`Journal::connect`], but waits for a database that does not answer, for ever.
    ///
    /// # Errors
    /// The URL is not one, or the database lacks a migration of this version.
    pub async fn connect_patiently(url: &str, max_connections: u32) -> Result<Self, Error> {
        let mut pause = CONNECT_PAUSE_MIN;
        loop {
            match Self::connect(url, max_connections).await {
                Err(Error::Unavailable { cause, .. }) if !matches!(*cause, sqlx::Error::Configuration(_)) => {
                    tracing::warn!(error = %cause, "waiting for the database; check DATABASE_URL");
                }
                outcome => return outcome,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(CONNECT_PAUSE_MAX);
        }
    }

    /// Ends when one of the tasks that write has died, which is a fault of ours: what it writes is
    /// refused from then on, so end the process.
    pub async fn stopped(&self) {
        tokio::select! {
            () = self.accepts.stopped() => {}
            () = self.appends.stopped() => {}
            () = self.reads.stopped() => {}
        }
    }

    /// Brings the database's schema up to this version.
    ///
    /// # Errors
    /// The database does not answer, or a migration fails; those before it stay applied.
    pub async fn migrate(url: &str) -> Result<(), Error> {
        const DOING: &str = "migrate the database";
        let mut connection = PgConnection::connect(url).await.map_err(unavailable(DOING))?;
        run_migrations(&mut connection)
            .await
            .map_err(|error| unavailable(DOING)(sqlx::Error::Migrate(Box::new(error))))?;
        months::finish(&mut connection).await.map_err(unavailable(DOING))?;
        connection.close().await.map_err(unavailable(DOING))
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), Error> {
        const DOING: &str = "reach the database";
        let ping = metrics::statement("ping", sqlx::query(PING).execute(&self.pool));
        match tokio::time::timeout(PING_TIMEOUT, ping).await {
            Ok(result) => result.map(drop).map_err(unavailable(DOING)),
            Err(_) => Err(unavailable(DOING)(sqlx::Error::PoolTimedOut)),
        }
    }
}

fn unavailable(doing: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |error| Error::Unavailable { doing, cause: Arc::new(error) }
}

async fn run_migrations(connection: &mut PgConnection) -> Result<(), MigrateError> {
    for tried in 1.. {
        match MIGRATIONS.run(&mut *connection).await {
            Err(MigrateError::ExecuteMigration(sqlx::Error::Database(error), version))
                if error.code().is_some_and(|code| LOCK_REFUSED.contains(&&*code))
                    && tried < MIGRATE_TRIES_MAX =>
            {
                tracing::warn!(version, "a migration waits for a lock; a backup may hold it");
                tokio::time::sleep(MIGRATE_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
    Ok(())
}

fn pool_of_reports(options: PgConnectOptions) -> PgPool {
    let options = options.application_name("journal reports").options(REPORT_SESSION);
    // None is opened before it is needed.
    pool(REPORT_CONNECTIONS, REPORT_ACQUIRE_TIMEOUT).connect_lazy_with(options)
}

fn pool(max_connections: u32, acquire_timeout: Duration) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for < TRUSTED_FOR {
                    return Ok(true);
                }
                Ok(connection.ping().await.is_ok())
            })
        })
        .after_release(|connection, _| {
            Box::pin(async move {
                let ended = tokio::time::timeout(
                    RELEASE_TIMEOUT,
                    connection.execute(sqlx::raw_sql(END_ANY_TRANSACTION)),
                );
                // One that does not answer, or refuses, is closed.
                Ok(matches!(ended.await, Ok(Ok(_))))
            })
        })
}

async fn require_migrations(pool: &PgPool) -> Result<(), Error> {
    let applied: HashSet<i64> = match sqlx::query_scalar(APPLIED).fetch_all(pool).await {
        Ok(versions) => versions.into_iter().collect(),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_TABLE) => {
            HashSet::new()
        }
        Err(error) => return Err(unavailable("read which migrations are applied")(error)),
    };
    match MIGRATIONS.iter().find(|migration| !applied.contains(&migration.version)) {
        Some(missing) => Err(Error::NotMigrated { version: missing.version }),
        None => Ok(()),
    }
}
