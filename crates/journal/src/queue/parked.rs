//! Messages that nobody can work on: kept for the operator instead of coming again for ever.

use super::{Delivery, Queue, QueueError};
use crate::database::columns::count;
use crate::database::{Error, metrics};
use order_core::Timestamp;
use sqlx::{FromRow, PgPool};

/// Messages that are kept. The oldest are, because they show how it began; later ones are dropped
/// with an alarm. No order is lost by that: the queue only rings.
const PARKED_MAX: i64 = 10_000;

/// A message that nobody could work on.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Parked {
    /// Its id, for operators.
    pub id: i64,
    /// Where it was published.
    pub subject: String,
    /// Its payload, up to 8 KiB.
    pub payload: Vec<u8>,
    /// The W3C trace context that came with it.
    pub traceparent: Option<String>,
    /// The reason of the last time.
    pub reason: String,
    /// How often it came.
    pub times: i64,
    /// When it came first.
    pub first_at: Timestamp,
    /// When it came last.
    pub last_at: Timestamp,
}

/// Why a parked message was not put back on the queue. It is still parked.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The queue did not take it.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The database did not answer; the message may be on the queue as well.
    #[error(transparent)]
    Journal(#[from] Error),
}

/// A handle on the messages that are parked.
#[derive(Debug, Clone)]
pub struct ParkedMessages {
    pool: PgPool,
}

impl ParkedMessages {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Keeps a message that nobody can work on for the operator, and takes it off the queue. An order
    /// that it names is not claimed until it is replayed.
    ///
    /// # Errors
    /// The database does not answer; the message then comes again.
    pub async fn park(&self, delivery: Delivery, reason: &str) -> Result<(), Error> {
        let message = delivery.message();
        let park = sqlx::query_scalar(PARK)
            .bind(message.subject.as_str())
            .bind(message.payload.as_ref())
            .bind(delivery.traceparent.as_deref())
            .bind(delivery.order_id.map(|id| id.0))
            .bind(reason)
            .bind(PARKED_MAX)
            .fetch_optional(&self.pool);
        let parked: Option<i64> = metrics::statement("park", park)
            .await
            .map_err(|error| Error::from_statement("park a message", error))?;
        metrics::parked(parked.is_some());
        match parked {
            Some(id) => {
                tracing::error!(parked = id, reason, "a message was parked: see `ops parked list`")
            }
            None => tracing::error!(reason, "a message was dropped: {PARKED_MAX} are parked already"),
        }
        if let Err(error) = delivery.acknowledge().await {
            tracing::warn!(%error, "a parked message was not taken off the queue, and comes again");
        }
        Ok(())
    }

    /// The messages that are parked, oldest first.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn list(&self) -> Result<Vec<Parked>, Error> {
        let read = sqlx::query_as(PARKED).fetch_all(&self.pool);
        let parked = metrics::statement("parked", read).await;
        parked.map_err(|error| Error::from_statement(READING, error))
    }

    /// How many messages are parked. The metric says so too.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn count(&self) -> Result<u64, Error> {
        let read = sqlx::query_scalar(COUNT_PARKED).fetch_one(&self.pool);
        let parked: i64 = metrics::statement("count_parked", read)
            .await
            .map_err(|error| Error::from_statement(READING, error))?;
        let parked = count(parked);
        metrics::parked_now(parked);
        Ok(parked)
    }

    /// Puts a parked message back on the queue, and deletes it here. If it still cannot be worked on, it is
    /// parked again.
    ///
    /// # Errors
    /// See [`ReplayError`].
    pub async fn replay(&self, queue: &Queue, parked: &Parked) -> Result<(), ReplayError> {
        queue.put_back(parked).await?;
        let forget = sqlx::query(FORGET).bind(parked.id).execute(&self.pool);
        let forgotten = metrics::statement("forget_parked", forget).await;
        Ok(forgotten.map(drop).map_err(|error| Error::from_statement("forget a parked message", error))?)
    }

    /// Deletes a parked message. False if the id is unknown, or the message names an order that has not ended,
    /// because such an order must go on.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn discard(&self, id: i64) -> Result<bool, Error> {
        let discard = sqlx::query(DISCARD).bind(id).execute(&self.pool);
        let discarded = metrics::statement("discard_parked", discard).await;
        discarded
            .map(|done| done.rows_affected() > 0)
            .map_err(|error| Error::from_statement("discard a parked message", error))
    }
}

const READING: &str = "read what is parked";

/// None is returned if the bound is reached.
const PARK: &str = "
INSERT INTO parked_messages AS parked (subject, payload, traceparent, order_id, reason)
SELECT $1, $2, $3, $4, $5 WHERE (SELECT count(*) FROM parked_messages) < $6
ON CONFLICT (subject, sha256(payload)) DO UPDATE
  SET times = parked.times + 1, last_at = now(), reason = excluded.reason
RETURNING id";

const PARKED: &str = "
SELECT id, subject, payload, traceparent, reason, times, first_at, last_at FROM parked_messages ORDER BY id";

const COUNT_PARKED: &str = "SELECT count(*) FROM parked_messages";

const FORGET: &str = "DELETE FROM parked_messages WHERE id = $1";

const DISCARD: &str = "
DELETE FROM parked_messages WHERE id = $1
  AND NOT EXISTS (SELECT FROM ONLY orders WHERE orders.id = order_id AND ended_at IS NULL)";
