use super::{Finding, PATIENCE};
use crate::Configuration;
use cache::Cache;
use journal::{Journal, Queue};
use order_core::Timestamp;
use std::time::Duration;
use tokio::time::timeout;

const DATABASE: &str = "database";

/// Difference of two clocks, in seconds, that is worth a word: an order's expiry is a moment by the client's clock, and
/// is kept by the database's.
const CLOCK_SLACK_SECONDS: u64 = 2;

/// Interval of looking for a connection that is being made.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// Asks the three stores. The database belongs to the cluster of `genesis`, or to none yet.
pub(super) async fn check(configuration: &Configuration, genesis: Option<String>) -> Vec<Finding> {
    let mut findings = match timeout(PATIENCE, Journal::connect(&configuration.database_url, 1)).await {
        Ok(Ok(journal)) => match timeout(PATIENCE, database(&journal, genesis)).await {
            Ok(Ok(findings)) => findings,
            Ok(Err(error)) => vec![Finding::fault(DATABASE, error.to_string())],
            Err(_) => vec![Finding::fault(DATABASE, "PostgreSQL is too slow to answer")],
        },
        Ok(Err(error)) => vec![Finding::fault(DATABASE, format!("{error}; check DATABASE_URL"))],
        Err(_) => vec![Finding::fault(DATABASE, "PostgreSQL does not answer; check DATABASE_URL")],
    };
    findings.push(queue(configuration).await);
    findings.push(redis(configuration).await);
    findings
}

async fn database(journal: &Journal, genesis: Option<String>) -> Result<Vec<Finding>, journal::Error> {
    let mut findings = Vec::new();
    let bound = journal.cluster().await?;
    let open = journal.reports.backlog().await?;
    findings.push(match (bound, genesis) {
        (Some(bound), Some(genesis)) if bound != genesis => Finding::fault(
            DATABASE,
            format!(
                "it belongs to the cluster with the genesis hash {bound}: use an empty one, or that cluster"
            ),
        ),
        (None, _) => Finding::fine(DATABASE, "it belongs to no cluster yet"),
        (Some(_), _) if open > 0 => Finding::warning(
            DATABASE,
            format!("{open} orders of before are open: executors go on with those that have not expired"),
        ),
        (Some(_), _) => Finding::fine(DATABASE, "it belongs to this cluster, and no order is open"),
    });
    if journal.is_owner().await? {
        let told = "DATABASE_URL is the owner's: give services the logins that `ops database login` makes";
        findings.push(Finding::warning(DATABASE, told));
    }
    if let Some(halt) = journal.trading.halted().await? {
        let told =
            format!("trading is halted since {}: {}; `ops resume` lets it go on", halt.at, halt.reason);
        findings.push(Finding::warning("trading", told));
    }
    findings.push(clock(journal.reports.clock().await?, service::now()));
    Ok(findings)
}

/// Compares the database's clock with this machine's.
pub(super) fn clock(database: Timestamp, here: Timestamp) -> Finding {
    const SUBJECT: &str = "clock";
    let apart = (database - here).num_seconds().unsigned_abs();
    if apart <= CLOCK_SLACK_SECONDS {
        return Finding::fine(SUBJECT, "this machine's and PostgreSQL's agree");
    }
    let told = format!("this machine's and PostgreSQL's differ by {apart} s: run NTP on both");
    Finding::warning(SUBJECT, told)
}

async fn queue(configuration: &Configuration) -> Finding {
    const SUBJECT: &str = "queue";
    let queue = match Queue::connect(&configuration.nats_url).await {
        Ok(queue) => queue,
        Err(error) => return Finding::fault(SUBJECT, format!("{error}; check NATS_URL")),
    };
    // It connects beside us.
    let connected = async {
        while queue.ping().await.is_err() {
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        }
    };
    match timeout(PATIENCE, connected).await {
        Ok(()) => Finding::fine(SUBJECT, "NATS answers"),
        Err(_) => Finding::fault(SUBJECT, "NATS does not answer, or refuses the login; check NATS_URL"),
    }
}

async fn redis(configuration: &Configuration) -> Finding {
    const SUBJECT: &str = "redis";
    let cache = match Cache::connect(&configuration.redis_url) {
        Ok(cache) => cache,
        Err(error) => return Finding::fault(SUBJECT, format!("{error}; check REDIS_URL")),
    };
    let mut answer = cache.ping().await;
    // A busy machine may need more than one command's time.
    let asking = async {
        while answer.is_err() {
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
            answer = cache.ping().await;
        }
    };
    let _ = timeout(PATIENCE, asking).await;
    match answer {
        Ok(()) => Finding::fine(SUBJECT, "Redis answers"),
        Err(error) => Finding::fault(SUBJECT, format!("{error}; check REDIS_URL")),
    }
}
