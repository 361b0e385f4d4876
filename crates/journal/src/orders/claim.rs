//! Ownership: a claim is a lease that runs out, and a fence that keeps an earlier owner from writing.

use super::{Claimed, Orders};
use crate::database::columns::milliseconds;
use crate::database::{Error, metrics};
use order_core::{Order, Timestamp, order};
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

    /// The number of this claim, for [`Orders::renew`].
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

impl Orders {
    /// Takes an order that nobody owns, for `lease` from now by the database's clock. None if it is
    /// unknown, has ended, is not due yet, is cancelled or expired, or is leased to another.
    ///
    /// # Errors
    /// The database does not answer, or the order's events are corrupt: it is then given back.
    pub async fn claim(&self, id: order::Id, lease: Duration) -> Result<Option<Claim>, Error> {
        match self.claim_some(&[id], 1, lease).await?.pop() {
            None => Ok(None),
            Some(Claimed::Order(claim)) => Ok(Some(*claim)),
            Some(Claimed::Unreadable { id, reason }) => Err(Error::Corrupt { id, reason }),
        }
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
        self.give_back(claim.order.id(), claim.fence).await
    }

    pub(crate) async fn give_back(&self, id: order::Id, fence: Fence) -> Result<(), Error> {
        let release = sqlx::query(RELEASE).bind(id.0).bind(fence.0).execute(&self.pool);
        let released = metrics::statement("release", release).await;
        released.map(drop).map_err(|error| Error::from_statement(RELEASING, error))
    }
}

const RENEWING: &str = "renew leases";
const RELEASING: &str = "release an order";

/// A lease that ran out is renewed all the same, unless somebody else has claimed since. Locked in
/// the order of the ids, as appends are.
const RENEW: &str = "
WITH held AS MATERIALIZED (
  SELECT orders.id
  FROM ONLY orders JOIN unnest($1::uuid[], $2::bigint[]) AS input (id, fence)
    ON orders.id = input.id AND orders.fence = input.fence
  WHERE orders.ended_at IS NULL
  ORDER BY orders.id
  FOR NO KEY UPDATE OF orders
)
UPDATE ONLY orders SET lease_until = clock_timestamp() + $3 * interval '1 millisecond'
FROM held
WHERE orders.id = held.id
RETURNING orders.id";

/// Raising the fence makes the claim worthless to whoever still has it.
const RELEASE: &str = "
UPDATE ONLY orders SET fence = fence + 1, lease_until = now()
WHERE id = $1 AND fence = $2 AND ended_at IS NULL";
