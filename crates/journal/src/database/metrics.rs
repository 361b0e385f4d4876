use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

/// Tells the metrics recorder what the journal's metrics mean.
pub(crate) fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_histogram!("journal_statement_seconds", "How long the database took, by statement.");
    describe_counter!("journal_statement_failures_total", "Statements that failed, by statement.");
    describe_histogram!("journal_group_items", "How many callers one statement wrote for, by statement.");
    describe_counter!("journal_published_total", "Messages put on the queue, by outcome.");
    describe_counter!("journal_delivered_total", "Messages taken from the queue.");
    describe_gauge!(
        "journal_queue_messages",
        "Messages on the queue, each of an order that waits for an executor's look."
    );
    describe_gauge!("journal_parked_messages", "Messages that wait for an operator, over all processes.");
    describe_counter!(
        "journal_parked_messages_total",
        "Messages that nobody could work on, by what became of them: parked or dropped."
    );
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
    metrics::histogram!("journal_statement_seconds", "statement" => name).record(started.elapsed());
    if result.is_err() {
        metrics::counter!("journal_statement_failures_total", "statement" => name).increment(1);
    }
    result
}

/// Counts the callers that one statement writes for.
pub(crate) fn group(name: &'static str, items: usize) {
    let items = u32::try_from(items).unwrap_or(u32::MAX);
    metrics::histogram!("journal_group_items", "statement" => name).record(items);
}

pub(crate) fn published(succeeded: bool) {
    let outcome = if succeeded { "acknowledged" } else { "failed" };
    metrics::counter!("journal_published_total", "outcome" => outcome).increment(1);
}

pub(crate) fn delivered() {
    metrics::counter!("journal_delivered_total").increment(1);
}

pub(crate) fn queued(messages: u64) {
    metrics::gauge!("journal_queue_messages").set(u32::try_from(messages).unwrap_or(u32::MAX));
}

/// Tells how many messages wait for an operator.
pub(crate) fn parked_now(messages: u64) {
    let messages = u32::try_from(messages).unwrap_or(u32::MAX);
    metrics::gauge!("journal_parked_messages").set(messages);
}

pub(crate) fn parked(kept: bool) {
    let outcome = if kept { "parked" } else { "dropped" };
    metrics::counter!("journal_parked_messages_total", "outcome" => outcome).increment(1);
}
