use crate::columns::milliseconds;
use crate::writer::Statement;
use crate::{Error, Fence, Journal, metrics};
use order_core::order;
use sqlx::{FromRow, PgConnection};
use std::time::Duration;
use uuid::Uuid;

/// An order to put on the queue: see [`crate::Queue::republish`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dispatch {
    /// The order.
    pub(crate) id: order::Id,
    /// Its latest claim when it was found.
    pub(crate) fence: Fence,
    /// The W3C trace context of the request that placed it.
    pub(crate) traceparent: Option<String>,
}

impl Journal {
    /// Notes that an accepted order is on the queue. A hint that spares the sweep some work: written
    /// in the background with whatever else waits, and nothing breaks if it is lost.
    pub fn dispatched(&self, id: order::Id) {
        self.marks.post(id);
    }

    /// Finds up to `limit` orders for the sweep, oldest first, and marks them as dispatched.
    pub(crate) async fn undispatched(&self, limit: u32, grace: Duration) -> Result<Vec<Dispatch>, Error> {
        let sweep =
            sqlx::query_as(SWEEP).bind(i64::from(limit)).bind(milliseconds(grace)).fetch_all(&self.pool);
        let mut rows: Vec<Lost> = metrics::statement("sweep", sweep)
            .await
            .map_err(|error| Error::from_statement(SWEEPING, error))?;
        // Ids of version 7 sort by age.
        rows.sort_unstable_by_key(|row| row.id);
        let dispatch = |Lost { id, fence, traceparent }| Dispatch {
            id: order::Id(id),
            fence: Fence(fence),
            traceparent,
        };
        Ok(rows.into_iter().map(dispatch).collect())
    }

    /// Takes the marks back, so that the next sweep finds the orders again.
    pub(crate) async fn not_dispatched(&self, ids: &[order::Id]) -> Result<(), Error> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let unmark =
            metrics::statement("not_dispatched", sqlx::query(UNMARK).bind(ids).execute(&self.pool)).await;
        unmark.map(drop).map_err(|error| Error::from_statement("take marks of dispatch back", error))
    }
}

const SWEEPING: &str = "find undispatched orders";

/// An order became free when its lease ended or its retry fell due. If it was not dispatched since,
/// nothing on the queue need stand for it. What is parked waits for an operator.
const SWEEP: &str = "
WITH lost AS MATERIALIZED (
  SELECT id FROM orders
  WHERE ended_at IS NULL
    AND (lease_until IS NULL OR lease_until <= now())
    AND (next_attempt_at IS NULL OR next_attempt_at <= now())
    AND (coalesce(dispatched_at, '-infinity') < coalesce(greatest(lease_until, next_attempt_at), '-infinity')
      OR coalesce(dispatched_at, created_at) <= now() - $2 * interval '1 millisecond')
    AND NOT EXISTS (SELECT FROM parked_messages WHERE order_id = orders.id)
  ORDER BY id
  LIMIT $1
  FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE orders SET dispatched_at = now()
FROM lost
WHERE orders.id = lost.id
RETURNING orders.id, orders.fence, orders.traceparent";

#[derive(FromRow)]
struct Lost {
    id: Uuid,
    fence: i64,
    traceparent: Option<String>,
}

/// An order that was claimed was dispatched. Rows that are locked are being worked on, so the mark is
/// not worth a wait.
const MARK: &str = "
WITH marked AS MATERIALIZED (
  SELECT id FROM orders
  WHERE id = ANY($1::uuid[]) AND dispatched_at IS NULL AND fence = 0
  FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE orders SET dispatched_at = now() FROM marked WHERE orders.id = marked.id";

/// Rows that are locked are being worked on: they need no dispatch.
const UNMARK: &str = "
WITH unmarked AS MATERIALIZED (
  SELECT id FROM orders
  WHERE id = ANY($1::uuid[]) AND ended_at IS NULL
  FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE orders SET dispatched_at = NULL FROM unmarked WHERE orders.id = unmarked.id";

/// The marks' statement for the writer.
#[derive(Debug)]
pub(crate) enum Marks {}

impl Statement for Marks {
    type Item = order::Id;
    type Outcome = ();
    const NAME: &'static str = "dispatched";
    const DOING: &'static str = "note that an order was dispatched";
    /// A hint is not worth a second try.
    const PATIENCE: Duration = Duration::ZERO;

    async fn write(connection: &mut PgConnection, items: &[order::Id]) -> Result<Vec<()>, sqlx::Error> {
        let ids: Vec<Uuid> = items.iter().map(|id| id.0).collect();
        sqlx::query(MARK).bind(ids).execute(connection).await?;
        Ok(vec![(); items.len()])
    }
}
