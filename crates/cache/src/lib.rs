//! The Redis store of what may be lost: fan-out of events, quotes by id, rate limits, and who is at work.
//!
//! Architecture invariants: everything here is a hint. Redis may be slow, down or emptied at any
//! moment; then things get slower, and nothing is lost, doubled or wrong. No call takes longer than
//! [`COMMAND_TIMEOUT`] twice over. This is the only crate that knows Redis.

mod fanout;
mod metrics;
mod presence;
mod quotes;
mod rate;

pub use fanout::Notice;
pub use presence::ExecutorReport;
pub use quotes::{QuoteKey, Quoted};
pub use rate::Decision;

use deadpool_redis::redis;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::time::Instant;

/// Time for one command, or one connection attempt. A later answer would be of no use.
pub const COMMAND_TIMEOUT: Duration = Duration::from_millis(200);

/// Pause after Redis did not answer, so that its silence costs one caller a time-out and not every one.
const REST: Duration = Duration::from_secs(1);

/// Connections of each use. A command takes well under a millisecond.
const MAX_CONNECTIONS: usize = 8;

/// Commands of one use that wait for a connection. Further ones would not get one in time.
const MAX_WAITING: usize = 1_024;

/// The beginning of every key and channel.
const PREFIX: &str = "orders:";

/// Why Redis was of no help. Callers go on without it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is no Redis URL.
    #[error("the Redis URL is not valid: {0}")]
    Url(String),
    /// All connections of this use are busy. That is no fault of Redis.
    #[error("all connections to Redis are busy")]
    Busy,
    /// It did not answer a moment ago and is left alone for a second.
    #[error("Redis did not answer within the last second")]
    Resting,
    /// No connection, or no answer in time.
    #[error("Redis does not answer: {0}")]
    Unreachable(String),
    /// It answered with an error, or with what was not expected.
    #[error("Redis answered {0}")]
    Refused(String),
}

/// A handle on the store. Clones share the connections.
#[derive(Clone)]
pub struct Cache {
    shared: Arc<Shared>,
}

struct Shared {
    client: redis::Client,
    /// Connections for rate limits, which every request of a flood needs.
    limits: Connections,
    /// Connections for everything else.
    others: Connections,
    prefix: String,
    notices: broadcast::Sender<Notice>,
    following: AtomicBool,
    buckets: rate::Buckets,
}

/// The connections of one use, which another use cannot take away.
struct Connections {
    pool: deadpool_redis::Pool,
    resting_until: std::sync::Mutex<Option<Instant>>,
}

impl Cache {
    /// Prepares connections; the first is made when it is needed.
    ///
    /// # Errors
    /// The URL is none of Redis.
    pub fn connect(url: &str) -> Result<Self, Error> {
        Self::with_prefix(url, PREFIX.to_owned())
    }

    fn with_prefix(url: &str, prefix: String) -> Result<Self, Error> {
        metrics::describe();
        // The message of the driver does not repeat the URL, which may hold a password.
        let invalid = |error: redis::RedisError| Error::Url(error.to_string());
        let client = redis::Client::open(url).map_err(invalid)?;
        Ok(Self {
            shared: Arc::new(Shared {
                client,
                limits: Connections::prepare(url)?,
                others: Connections::prepare(url)?,
                prefix,
                notices: broadcast::Sender::new(fanout::BUFFER),
                following: AtomicBool::new(false),
                buckets: rate::Buckets::default(),
            }),
        })
    }

    /// Checks that Redis answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), Error> {
        let _: String = self.command(&redis::cmd("PING")).await?;
        Ok(())
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.shared.prefix)
    }

    async fn command<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, Error> {
        self.shared.others.command(command).await
    }
}

impl Connections {
    fn prepare(url: &str) -> Result<Self, Error> {
        let timeouts = redis::AsyncConnectionConfig::new()
            .set_connection_timeout(Some(COMMAND_TIMEOUT))
            .set_response_timeout(Some(COMMAND_TIMEOUT));
        let manager = deadpool_redis::Manager::new_with_config(url, timeouts)
            .map_err(|error| Error::Url(error.to_string()))?;
        let pool = deadpool_redis::Pool::builder(manager)
            .max_size(MAX_CONNECTIONS)
            .wait_timeout(Some(COMMAND_TIMEOUT))
            .create_timeout(Some(COMMAND_TIMEOUT))
            .recycle_timeout(Some(COMMAND_TIMEOUT))
            .runtime(deadpool_redis::Runtime::Tokio1)
            .build()
            .map_err(|error| Error::Unreachable(error.to_string()))?;
        Ok(Self { pool, resting_until: std::sync::Mutex::new(None) })
    }

    async fn command<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, Error> {
        self.rested()?;
        if self.pool.status().waiting >= MAX_WAITING {
            return Err(Error::Busy);
        }
        let answer = tokio::time::timeout(COMMAND_TIMEOUT.saturating_mul(2), async {
            let mut connection = self.pool.get().await.map_err(Error::from_pool)?;
            command.query_async(&mut connection).await.map_err(Error::from_driver)
        })
        .await
        .unwrap_or_else(|_| Err(Error::Unreachable("no answer in time".to_owned())));
        if let Err(Error::Unreachable(_)) = &answer {
            self.rest();
        }
        answer
    }

    fn rested(&self) -> Result<(), Error> {
        let resting_until = *self.resting_until.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match resting_until {
            Some(until) if Instant::now() < until => Err(Error::Resting),
            Some(_) | None => Ok(()),
        }
    }

    fn rest(&self) {
        let mut resting_until = self.resting_until.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *resting_until = Some(Instant::now() + REST);
        metrics::unreachable();
    }
}

impl Error {
    fn from_pool(error: deadpool_redis::PoolError) -> Self {
        match error {
            deadpool_redis::PoolError::Timeout(deadpool_redis::TimeoutType::Wait) => Self::Busy,
            error => Self::Unreachable(error.to_string()),
        }
    }

    fn from_driver(error: redis::RedisError) -> Self {
        if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() {
            Self::Unreachable(error.to_string())
        } else {
            Self::Refused(error.to_string())
        }
    }
}

#[cfg(test)]
mod testing {
    use super::Cache;

    /// A cache of its own in the Redis of the tests.
    pub(crate) fn cache() -> Cache {
        Cache::with_prefix(&url(), format!("test:{}:", uuid::Uuid::now_v7())).unwrap()
    }

    /// The same cache, as another process sees it.
    pub(crate) fn sharing(cache: &Cache) -> Cache {
        Cache::with_prefix(&url(), cache.shared.prefix.clone()).unwrap()
    }

    fn url() -> String {
        std::env::var("TEST_REDIS_URL").expect("set TEST_REDIS_URL, or run `cargo xtask test`")
    }

    /// A cache whose Redis is not there: nothing listens on this port.
    pub(crate) fn without_redis() -> Cache {
        Cache::with_prefix("redis://127.0.0.1:1", "test:".to_owned()).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_redis_that_is_there_answers() {
        testing::cache().ping().await.unwrap();
    }

    #[tokio::test]
    async fn a_redis_that_is_not_there_costs_one_attempt_a_second() {
        let cache = testing::without_redis();
        assert!(matches!(cache.ping().await, Err(Error::Unreachable(_))));
        assert!(matches!(cache.ping().await, Err(Error::Resting)));
    }

    #[test]
    fn an_address_of_something_else_is_refused_without_repeating_it() {
        let error = Cache::connect("http://user:secret@localhost").err().unwrap();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
