//! Pools of connections: their sessions never hang, and never come back inside a transaction.

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, Executor, PgPool};
use std::time::Duration;

/// How long a caller waits for a connection of the pool: longer means too many callers, and the
/// last of them is better told so.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// A connection that came back this recently has answered then, and is not asked again.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// How long a connection that comes back to the pool may take to answer before it is closed.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);

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

/// Ends whatever transaction a cancelled caller may have left open: a connection must not come back
/// to the pool inside one, or the next caller's write is acknowledged and lost. Beginning first
/// keeps the server from warning, each time, that there was none.
const END_ANY_TRANSACTION: &str = "BEGIN; ROLLBACK";

/// The pool that reads and writes orders.
///
/// # Errors
/// The database does not answer.
pub(crate) async fn connect(options: PgConnectOptions, max_connections: u32) -> Result<PgPool, sqlx::Error> {
    let options = options.application_name("journal").options(SESSION);
    pool(max_connections, ACQUIRE_TIMEOUT).connect_with(options).await
}

/// The pool of lists and statistics.
pub(crate) fn reports(options: PgConnectOptions) -> PgPool {
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
