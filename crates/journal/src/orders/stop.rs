//! The ends that an order comes to without a swap and without a fault: cancelled, and expired.

use super::Orders;
use crate::database::columns::count;
use crate::database::{Error, metrics};
use order_core::order::{self, Event, Recorded, Status};
use order_core::{AccountId, Timestamp, UnknownName};
use uuid::Uuid;

/// The outcome of a cancel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancellation {
    /// This call has ended the order.
    Now(Box<Recorded>),
    /// An earlier call has.
    Before,
    /// A transaction may land, or the order has ended otherwise. The cancel of an open order is kept: if
    /// its transaction comes to nothing, no other follows.
    TooLate(Status),
}

impl Orders {
    /// Cancels an order of the account, or keeps the cancel for when its transaction comes to nothing. None if the
    /// account has no such order.
    ///
    /// # Errors
    /// The database does not answer. After [`Error::Unknown`] the same call tells what happened.
    pub async fn cancel(&self, account: &AccountId, id: order::Id) -> Result<Option<Cancellation>, Error> {
        let cancel = sqlx::query_as(CANCEL).bind(id.0).bind(account.as_str()).fetch_optional(&self.pool);
        let found: Option<Found> = metrics::statement("cancel", cancel)
            .await
            .map_err(|error| Error::from_statement(CANCELLING, error))?;
        let Some((status, seq, attempt, at)) = found else { return self.cancelled_before(account, id).await };
        if let (Some(seq), Some(attempt), Some(at)) = (seq, attempt, at) {
            return Ok(Some(Cancellation::Now(Box::new(recorded(Event::Cancelled, seq, attempt, at)))));
        }
        kept(&status).map(Some)
    }

    async fn cancelled_before(
        &self,
        account: &AccountId,
        id: order::Id,
    ) -> Result<Option<Cancellation>, Error> {
        let read = sqlx::query_scalar(ENDED_AS).bind(id.0).bind(account.as_str()).fetch_optional(&self.pool);
        let status: Option<String> = metrics::statement("ended_as", read)
            .await
            .map_err(|error| Error::from_statement(CANCELLING, error))?;
        status.as_deref().map(kept).transpose()
    }

    /// Ends up to `limit` orders whose expiry has passed, or that were cancelled, and of which no
    /// transaction may land; the events that ended them. Several processes may do so at once.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn end_expired(&self, limit: u32) -> Result<Vec<(order::Id, Recorded)>, Error> {
        let expire = sqlx::query_as(EXPIRE).bind(i64::from(limit)).fetch_all(&self.pool);
        let ended: Vec<(Uuid, String, i64, i64, Timestamp)> = metrics::statement("expire", expire)
            .await
            .map_err(|error| Error::from_statement(EXPIRING, error))?;
        let event = |(id, status, seq, attempt, at): (Uuid, String, i64, i64, Timestamp)| {
            let event = if status == "cancelled" { Event::Cancelled } else { Event::Expired };
            (order::Id(id), recorded(event, seq, attempt, at))
        };
        Ok(ended.into_iter().map(event).collect())
    }
}

/// The status that the order had, and the event that has ended it, if this call recorded one.
type Found = (String, Option<i64>, Option<i64>, Option<Timestamp>);

fn recorded(event: Event, seq: i64, attempt: i64, at: Timestamp) -> Recorded {
    Recorded { seq: count(seq), attempt: u32::try_from(attempt).unwrap_or(u32::MAX), event, at }
}

/// Outcome of a cancel that ends nothing.
fn kept(status: &str) -> Result<Cancellation, Error> {
    match status.parse() {
        Ok(Status::Cancelled) => Ok(Cancellation::Before),
        Ok(status) => Ok(Cancellation::TooLate(status)),
        Err(error) => Err(unreadable(error)),
    }
}

const CANCELLING: &str = "cancel an order";
const EXPIRING: &str = "end orders that have expired";

fn unreadable(error: UnknownName) -> Error {
    Error::from_statement(CANCELLING, sqlx::Error::Decode(Box::new(error)))
}

/// The row is locked first, so the status is that of the moment of the cancel. Raising the fence ends
/// the claim of whoever works on the order.
const CANCEL: &str = "
WITH found AS MATERIALIZED (
  SELECT id, seq, attempt, fence, status, status IN ('pending', 'routing', 'building') AS unsigned
  FROM ONLY orders WHERE id = $1 AND owner = $2
  FOR NO KEY UPDATE
), event AS (
  INSERT INTO order_events (order_id, seq, attempt, fence, body, at)
  SELECT id, seq + 1, attempt, fence + 1, '{\"kind\": \"cancelled\"}', now() FROM found WHERE unsigned
), ended AS (
  UPDATE ONLY orders SET
    seq = orders.seq + 1, fence = orders.fence + 1, status = 'cancelled', lease_until = NULL,
    next_attempt_at = NULL, cancel_requested_at = coalesce(cancel_requested_at, now()),
    updated_at = now(), ended_at = now()
  FROM found
  WHERE orders.id = found.id AND found.unsigned
  RETURNING orders.seq, orders.attempt, orders.ended_at
), kept AS (
  UPDATE ONLY orders SET
    expires_at = '-infinity', cancel_requested_at = coalesce(cancel_requested_at, now())
  FROM found
  WHERE orders.id = found.id AND found.status = 'submitted'
)
SELECT found.status, ended.seq, ended.attempt, ended.ended_at FROM found LEFT JOIN ended ON true";

/// The end of an order that is not open. A statement of its own: the one above may have waited for the order
/// to end, and then finds it gone.
const ENDED_AS: &str = "SELECT status FROM ended_orders WHERE id = $1 AND owner = $2";

/// Rows that are locked are being written to: the next call finds them.
const EXPIRE: &str = "
WITH expired AS MATERIALIZED (
  SELECT id FROM open_orders
  WHERE expires_at <= now() AND status IN ('pending', 'routing', 'building')
  ORDER BY id
  LIMIT $1
), stopped AS MATERIALIZED (
  SELECT id, seq + 1 AS seq, attempt, fence + 1 AS fence,
    CASE WHEN cancel_requested_at IS NULL THEN 'expired' ELSE 'cancelled' END AS status
  FROM ONLY orders
  WHERE id = ANY (ARRAY(SELECT expired.id FROM expired)) AND ended_at IS NULL AND expires_at <= now()
    AND status IN ('pending', 'routing', 'building')
  ORDER BY id
  FOR NO KEY UPDATE SKIP LOCKED
), event AS (
  INSERT INTO order_events (order_id, seq, attempt, fence, body, at)
  SELECT id, seq, attempt, fence, jsonb_build_object('kind', status), now() FROM stopped
)
UPDATE ONLY orders SET
  seq = stopped.seq, fence = stopped.fence, status = stopped.status, lease_until = NULL,
  next_attempt_at = NULL, updated_at = now(), ended_at = now()
FROM stopped
WHERE orders.id = stopped.id
RETURNING orders.id, orders.status, orders.seq, orders.attempt, orders.ended_at";
