use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

const STATEMENT_SECONDS: &str = "journal_statement_seconds";
const STATEMENT_FAILURES: &str = "journal_statement_failures_total";
const GROUP_ITEMS: &str = "journal_group_items";
const PUBLISHED: &str = "journal_published_total";
const DELIVERED: &str = "journal_delivered_total";
const UNREADABLE: &str = "journal_unreadable_messages_total";

/// Tells the metrics recorder what the journal's metrics mean.
pub(crate) fn describe() {
    use metrics::{Unit, describe_counter, describe_histogram};
    describe_histogram!(STATEMENT_SECONDS, Unit::Seconds, "How long the database took, by statement");
    describe_counter!(STATEMENT_FAILURES, "Statements that failed, by statement");
    describe_histogram!(GROUP_ITEMS, "How many callers one statement wrote for, by statement");
    describe_counter!(PUBLISHED, "Messages put on the queue, by outcome");
    describe_counter!(DELIVERED, "Messages taken from the queue");
    describe_counter!(UNREADABLE, "Messages of the queue that name no order");
}

/// A statement may take this long, the way to the server and back included. It is more than the
/// server's own limit, so that the server's answer usually comes first.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(6);

/// Runs a statement, but not for ever, and measures it.
pub(crate) async fn statement<T>(
    name: &'static str,
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let started = Instant::now();
    let result = match tokio::time::timeout(STATEMENT_TIMEOUT, statement).await {
        Ok(result) => result,
        Err(_) => Err(sqlx::Error::Io(std::io::Error::new(
            std::io::ErrorKind::TimedOut,
            "the database did not answer in time",
        ))),
    };
    metrics::histogram!(STATEMENT_SECONDS, "statement" => name).record(started.elapsed());
    if result.is_err() {
        metrics::counter!(STATEMENT_FAILURES, "statement" => name).increment(1);
    }
    result
}

/// Counts the callers that one statement writes for.
pub(crate) fn group(name: &'static str, items: usize) {
    let items = u32::try_from(items).unwrap_or(u32::MAX);
    metrics::histogram!(GROUP_ITEMS, "statement" => name).record(items);
}

pub(crate) fn published(succeeded: bool) {
    let outcome = if succeeded { "acknowledged" } else { "failed" };
    metrics::counter!(PUBLISHED, "outcome" => outcome).increment(1);
}

pub(crate) fn delivered() {
    metrics::counter!(DELIVERED).increment(1);
}

pub(crate) fn unreadable() {
    metrics::counter!(UNREADABLE).increment(1);
}
