use crate::columns::milliseconds;
use crate::{Error, Journal, metrics};
use order_core::{Order, Timestamp, order};
use sqlx::FromRow;
use std::time::Duration;
use uuid::Uuid;

/// Which claim of an order this is. Each claim has a higher one than all before it; the journal
/// refuses writes that carry an older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub(crate) i64);

/// The right to move one order on, as long as nobody else claims it.
#[derive(Debug)]
pub struct Claim {
    pub(crate) order: Order,
    pub(crate) fence: Fence,
    pub(crate) traceparent: Option<String>,
    pub(crate) created_at: Timestamp,
}

impl Claim {
    /// The order, as its recorded events make it.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// The number of this claim, for [`Journal::renew`].
    pub fn fence(&self) -> Fence {
        self.fence
    }

    /// The W3C trace context of the request that placed the order.
    pub fn traceparent(&self) -> Option<&str> {
        self.traceparent.as_deref()
    }

    /// When the order was accepted.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

impl Journal {
    /// Takes an order that nobody owns, for `lease` from now by the database's clock. None if it is
    /// unknown, has ended, is not due yet, or is leased to another.
    ///
    /// # Errors
    /// The database does not answer, or the order's events are corrupt. The lease may then have
    /// been taken all the same; it runs out by itself.
    pub async fn claim(&self, id: order::Id, lease: Duration) -> Result<Option<Claim>, Error> {
        let claim = sqlx::query_as(CLAIM).bind(id.0).bind(milliseconds(lease)).fetch_optional(&self.pool);
        let claimed: Option<Claimed> = metrics::statement("claim", claim)
            .await
            .map_err(|error| Error::from_statement(CLAIMING, error))?;
        let Some(Claimed { fence, traceparent, created_at }) = claimed else { return Ok(None) };
        // Read after the claim is committed: from then on nobody else adds an event.
        let history = self.history(id, 0).await?.unwrap_or_default();
        let order = Order::replay(id, &history)
            .map_err(|invalid| Error::Corrupt { id, reason: invalid.to_string() })?;
        Ok(Some(Claim { order, fence: Fence(fence), traceparent, created_at }))
    }

    /// Extends leases to `lease` from now, and returns the orders that are still held. Whoever is
    /// not among them has lost the order and must stop.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn renew(&self, held: &[(order::Id, Fence)], lease: Duration) -> Result<Vec<order::Id>, Error> {
        let renew = sqlx::query_scalar(RENEW)
            .bind(held.iter().map(|(id, _)| id.0).collect::<Vec<_>>())
            .bind(held.iter().map(|(_, fence)| fence.0).collect::<Vec<_>>())
            .bind(milliseconds(lease))
            .fetch_all(&self.pool);
        let renewed: Vec<Uuid> = metrics::statement("renew", renew)
            .await
            .map_err(|error| Error::from_statement(RENEWING, error))?;
        Ok(renewed.into_iter().map(order::Id).collect())
    }

    /// Gives an order back before it has ended, so that another can claim it at once. Does nothing
    /// if the claim is no longer the latest.
    ///
    /// # Errors
    /// The database does not answer; the lease then runs out by itself.
    pub async fn release(&self, claim: Claim) -> Result<(), Error> {
        let release = sqlx::query(RELEASE).bind(claim.order.id().0).bind(claim.fence.0).execute(&self.pool);
        let released = metrics::statement("release", release).await;
        released.map(drop).map_err(|error| Error::from_statement(RELEASING, error))
    }
}

const CLAIMING: &str = "claim an order";
const RENEWING: &str = "renew leases";
const RELEASING: &str = "release an order";

/// An order of another cluster than the database's is never claimed. Whoever comes second waits for the row, and then finds it leased: `now()` is when the statement
/// began, so a wait never makes a lease look expired.
const CLAIM: &str = "
UPDATE orders SET
  fence = fence + 1,
  lease_until = clock_timestamp() + $2 * interval '1 millisecond',
  next_attempt_at = NULL
WHERE id = $1 AND ended_at IS NULL
  AND (lease_until IS NULL OR lease_until <= now())
  AND (next_attempt_at IS NULL OR next_attempt_at <= now())
  AND (genesis_hash IS NULL OR genesis_hash = (SELECT genesis_hash FROM cluster))
RETURNING fence, traceparent, created_at";

#[derive(FromRow)]
struct Claimed {
    fence: i64,
    traceparent: Option<String>,
    created_at: Timestamp,
}

/// A lease that ran out is renewed all the same, unless somebody else has claimed since. Locked in
/// the order of the ids, as appends are.
const RENEW: &str = "
WITH held AS MATERIALIZED (
  SELECT orders.id
  FROM orders JOIN unnest($1::uuid[], $2::bigint[]) AS input (id, fence)
    ON orders.id = input.id AND orders.fence = input.fence
  WHERE orders.ended_at IS NULL
  ORDER BY orders.id
  FOR NO KEY UPDATE OF orders
)
UPDATE orders SET lease_until = clock_timestamp() + $3 * interval '1 millisecond'
FROM held
WHERE orders.id = held.id
RETURNING orders.id";

/// Raising the fence makes the claim worthless to whoever still has it.
const RELEASE: &str = "
UPDATE orders SET fence = fence + 1, lease_until = now()
WHERE id = $1 AND fence = $2 AND ended_at IS NULL";
