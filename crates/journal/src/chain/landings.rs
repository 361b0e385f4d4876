//! Landings that are followed until they are finalized.

use crate::database::columns::{bigint, milliseconds, numeric};
use crate::database::{Error, metrics};
use crate::orders::observed;
use crate::reading::History;
use order_core::order::{self, Event, Order, Recorded};
use order_core::{Signature, Timestamp};
use sqlx::PgPool;
use sqlx::types::Json;
use std::time::Duration;
use uuid::Uuid;

/// A landing that is not known to be finalized yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landing {
    /// The order that ended with it.
    pub order_id: order::Id,
    /// Its transaction.
    pub signature: Signature,
    /// The slot that it was in, if nodes said.
    pub slot: Option<u64>,
    /// Time since it was recorded.
    pub age: Duration,
}

/// A handle on the landings.
#[derive(Debug, Clone)]
pub struct Landings {
    pub(super) pool: PgPool,
    history: History,
}

impl Landings {
    pub(crate) fn new(pool: PgPool, history: History) -> Self {
        Self { pool, history }
    }

    /// Up to `limit` landings of at least this age: first those that were not asked for yet, or longest ago. Each
    /// is given to one caller, and again after `pause`.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn take(&self, age: Duration, pause: Duration, limit: u32) -> Result<Vec<Landing>, Error> {
        let take = sqlx::query_as(TAKE)
            .bind(milliseconds(age))
            .bind(milliseconds(pause))
            .bind(i64::from(limit))
            .fetch_all(&self.pool);
        let rows: Vec<(Uuid, String, Option<i64>, i64)> = metrics::statement("landings", take)
            .await
            .map_err(|error| Error::from_statement("read landings", error))?;
        let landing = |(id, signature, slot, age): (Uuid, String, Option<i64>, i64)| {
            Some(Landing {
                order_id: order::Id(id),
                signature: signature.parse().ok()?,
                slot: slot.and_then(|slot| u64::try_from(slot).ok()),
                age: Duration::from_millis(u64::try_from(age).unwrap_or(0)),
            })
        };
        // What is no signature was not written by this program.
        Ok(rows.into_iter().filter_map(landing).collect())
    }

    /// Ends the following of landings that are finalized.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn finalized(&self, orders: &[order::Id]) -> Result<(), Error> {
        let ids: Vec<Uuid> = orders.iter().map(|id| id.0).collect();
        let forget = sqlx::query(FINALIZED).bind(ids).execute(&self.pool);
        let forgotten = metrics::statement("finalized", forget).await;
        forgotten.map(drop).map_err(|error| Error::from_statement("end the following of landings", error))
    }

    /// Records that the landing of an order that has ended was dropped, and what the finalized chain says instead.
    /// None if the order is not confirmed, or its landing is no longer followed: somebody else was first.
    ///
    /// # Errors
    /// The database does not answer, or the order's events are corrupt.
    pub async fn roll_back(
        &self,
        id: order::Id,
        observation: order::Observation,
    ) -> Result<Option<Recorded>, Error> {
        let corrupt = |reason: String| Error::Corrupt { id, reason };
        let history = self.history.read(id, 0).await?.unwrap_or_default();
        let mut order = Order::replay(id, &history).map_err(|error| corrupt(error.to_string()))?;
        let (state, executed_out) = observed(&observation);
        let event = Event::RolledBack { observation };
        if order.apply(&event).is_err() {
            return Ok(None);
        }
        let write = async {
            let mut transaction = self.pool.begin().await?;
            let told: Option<Timestamp> = sqlx::query_scalar(TELL)
                .bind(id.0)
                .bind(bigint(order.seq()))
                .bind(Json(&event))
                .fetch_optional(&mut *transaction)
                .await?;
            if told.is_some() {
                sqlx::query(CORRECT_TRANSACTION).bind(id.0).bind(state).execute(&mut *transaction).await?;
                sqlx::query(CORRECT_ORDER)
                    .bind(id.0)
                    .bind(order.status().name())
                    .bind(executed_out.map(|atoms| numeric(atoms.get())))
                    .execute(&mut *transaction)
                    .await?;
                sqlx::query(FINALIZED).bind(vec![id.0]).execute(&mut *transaction).await?;
            }
            transaction.commit().await.map(|()| told)
        };
        let at = metrics::statement("roll_back", write)
            .await
            .map_err(|error| Error::from_statement("record that a landing was rolled back", error))?;
        Ok(at.map(|at| Recorded { seq: order.seq(), attempt: order.attempt(), event, at }))
    }
}

const TAKE: &str = "
WITH due AS MATERIALIZED (
  SELECT order_id FROM landings
  WHERE landed_at <= now() - $1 * interval '1 millisecond'
    AND (looked_at IS NULL OR looked_at <= now() - $2 * interval '1 millisecond')
  -- One that stays undecided must not keep younger ones from being asked for.
  ORDER BY looked_at NULLS FIRST, landed_at
  LIMIT $3
  FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE landings SET looked_at = now() FROM due, transactions
WHERE landings.order_id = due.order_id
  AND transactions.order_id = due.order_id AND transactions.state = 'landed'
RETURNING landings.order_id, transactions.signature, landings.slot,
  (extract(epoch FROM now() - landings.landed_at) * 1000)::bigint";

/// Balances show what is finalized.
const FINALIZED: &str = "
WITH shown AS (DELETE FROM reservations WHERE order_id = ANY($1))
DELETE FROM landings WHERE order_id = ANY($1)";

/// Comes first: the triggers of the schema let what has ended be changed only after this event.
const TELL: &str = "
WITH owned AS MATERIALIZED (
  SELECT id, attempt, fence FROM orders
  WHERE id = $1 AND seq = $2 - 1 AND status = 'confirmed'
    AND EXISTS (SELECT FROM landings WHERE order_id = $1)
  FOR NO KEY UPDATE
)
INSERT INTO order_events (order_id, seq, attempt, fence, body, at)
SELECT id, $2, attempt, fence, $3, now() FROM owned
RETURNING at";

const CORRECT_TRANSACTION: &str = "
UPDATE transactions SET state = $2, observed_at = now()
WHERE order_id = $1 AND state = 'landed' AND $2 <> 'landed'";

const CORRECT_ORDER: &str = "
UPDATE orders SET seq = seq + 1, status = $2, executed_out = $3::numeric, updated_at = now() WHERE id = $1";
