//! Which orders wait for an owner, and taking them.

use super::{Claim, Fence, Orders};
use crate::database::columns::{bigint, milliseconds};
use crate::database::{Error, metrics};
use futures_util::future::join_all;
use order_core::{AccountAddress, AccountId, Order, Timestamp, order};
use sqlx::FromRow;
use std::time::Duration;
use uuid::Uuid;

/// An order that was taken.
#[derive(Debug)]
pub enum Claimed {
    /// The claim of it.
    Order(Box<Claim>),
    /// This version cannot read its events. It was given back at once.
    Unreadable {
        /// The order.
        id: order::Id,
        /// The fault.
        reason: String,
    },
}

impl Orders {
    /// Up to `limit` orders that can be claimed now, the accounts in turn, and of each the oldest
    /// first. An account whose orders the caller works on already, by the counts in `busy`, comes that much
    /// later. Orders in `except`, those whose message is parked, and those that another wallet than the caller's must
    /// sign, are left out, and those by which an account would have more in work than it may. Callers that look at
    /// the same moment may together go beyond that by one order each.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn due(
        &self,
        limit: usize,
        busy: &[(AccountId, u64)],
        wallets: &[AccountAddress],
        except: &[order::Id],
    ) -> Result<Vec<order::Id>, Error> {
        let read = sqlx::query_scalar(DUE)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .bind(busy.iter().map(|(account, _)| account.as_str()).collect::<Vec<_>>())
            .bind(busy.iter().map(|(_, orders)| bigint(*orders)).collect::<Vec<_>>())
            .bind(except.iter().map(|id| id.0).collect::<Vec<_>>())
            .bind(wallets.iter().map(ToString::to_string).collect::<Vec<_>>())
            .fetch_all(&self.pool);
        let ids: Vec<Uuid> = metrics::statement("due", read)
            .await
            .map_err(|error| Error::from_statement("look for orders to work on", error))?;
        Ok(ids.into_iter().map(order::Id).collect())
    }

    /// Takes the first `limit` of these orders that can still be claimed, each for `lease` from now by the
    /// database's clock. What another is just taking is passed over.
    ///
    /// # Errors
    /// The database does not answer. Leases may then have been taken; they run out by themselves.
    pub async fn claim_some(
        &self,
        ids: &[order::Id],
        limit: usize,
        lease: Duration,
    ) -> Result<Vec<Claimed>, Error> {
        let claim = sqlx::query_as(CLAIM)
            .bind(ids.iter().map(|id| id.0).collect::<Vec<_>>())
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .bind(milliseconds(lease))
            .fetch_all(&self.pool);
        let rows: Vec<Row> = metrics::statement("claim", claim)
            .await
            .map_err(|error| Error::from_statement("claim orders", error))?;
        // Read after the claims are committed: from then on nobody else adds an event.
        let claims = join_all(rows.into_iter().map(|row| self.read(row))).await;
        claims.into_iter().collect()
    }

    /// Takes a submitted order away from whoever has it, for an operator who settles it. None if it is not
    /// submitted.
    pub(crate) async fn seize(&self, id: order::Id) -> Result<Option<Claimed>, Error> {
        let seize = sqlx::query_as(SEIZE).bind(id.0).fetch_optional(&self.pool);
        let row: Option<Row> = metrics::statement("seize", seize)
            .await
            .map_err(|error| Error::from_statement("take an order over", error))?;
        match row {
            Some(row) => self.read(row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn read(&self, row: Row) -> Result<Claimed, Error> {
        let (id, fence) = (order::Id(row.id), Fence(row.fence));
        let history = match self.history.read(id, 0).await {
            Err(Error::Corrupt { reason, .. }) => return self.unreadable(id, fence, reason).await,
            history => history?.unwrap_or_default(),
        };
        match Order::replay(id, &history) {
            Ok(order) => Ok(Claimed::Order(Box::new(Claim {
                order,
                fence,
                traceparent: row.traceparent,
                created_at: row.created_at,
            }))),
            Err(invalid) => self.unreadable(id, fence, invalid.to_string()).await,
        }
    }

    /// Another, of a later version, may know what to do with it.
    async fn unreadable(&self, id: order::Id, fence: Fence, reason: String) -> Result<Claimed, Error> {
        self.give_back(id, fence).await?;
        Ok(Claimed::Unreadable { id, reason })
    }
}

/// When an order can be claimed. A lease or a pause that ends later than any can was written by a clock
/// that has been set back since. An order that has expired is only followed to its end.
macro_rules! can_be_claimed {
    () => {
        "orders.ended_at IS NULL
    AND (orders.lease_until IS NULL OR orders.lease_until <= now()
      OR orders.lease_until > now() + interval '11 minutes')
    AND (orders.next_attempt_at IS NULL OR orders.next_attempt_at <= now()
      OR orders.next_attempt_at > now() + interval '2 minutes')
    AND (orders.expires_at IS NULL OR orders.expires_at > now() OR orders.status = 'submitted')
    AND (orders.genesis_hash IS NULL OR orders.genesis_hash = (SELECT genesis_hash FROM cluster))"
    };
}

/// Open orders are read once, from the mark on: an index by owner would lead over the entries of all
/// that has ended since the last vacuum.
pub(crate) const DUE: &str = concat!(
    "
WITH working AS (
  SELECT orders.owner, count(*) AS orders FROM accounts JOIN open_orders AS orders ON orders.owner = accounts.id
  WHERE accounts.max_working IS NOT NULL AND orders.status <> 'submitted' AND orders.lease_until > now()
  GROUP BY orders.owner
), due AS (
  SELECT orders.id,
    coalesce(busy.orders, 0) + row_number() OVER (PARTITION BY orders.owner ORDER BY orders.id) AS turn,
    orders.status = 'submitted' OR accounts.max_working IS NULL
      OR coalesce(working.orders, 0) + count(*) FILTER (WHERE orders.status <> 'submitted')
        OVER (PARTITION BY orders.owner ORDER BY orders.id) <= accounts.max_working AS allowed
  FROM open_orders AS orders
  LEFT JOIN accounts ON accounts.id = orders.owner
  LEFT JOIN working ON working.owner = orders.owner
  LEFT JOIN unnest($2::text[], $3::bigint[]) AS busy (owner, orders) ON busy.owner = orders.owner
  WHERE orders.id <> ALL ($4::uuid[])
    AND (orders.status = 'submitted' OR accounts.wallet IS NULL OR accounts.wallet = ANY ($5::text[])) AND ",
    can_be_claimed!(),
    "
    AND NOT EXISTS (SELECT FROM parked_messages WHERE order_id = orders.id)
)
SELECT id FROM due WHERE allowed ORDER BY turn, id LIMIT $1"
);

/// Rows that are locked are being taken, or written to by their owner. `now()` is when the statement
/// began, so no wait makes a lease look expired.
const CLAIM: &str = concat!(
    "
WITH chosen AS MATERIALIZED (
  SELECT orders.id
  FROM unnest($1::uuid[]) WITH ORDINALITY AS input (id, place) JOIN ONLY orders ON orders.id = input.id
  WHERE ",
    can_be_claimed!(),
    "
  ORDER BY input.place
  LIMIT $2
  FOR NO KEY UPDATE OF orders SKIP LOCKED
)
UPDATE ONLY orders SET
  fence = fence + 1,
  lease_until = clock_timestamp() + $3 * interval '1 millisecond',
  next_attempt_at = NULL
FROM chosen
WHERE orders.id = chosen.id
RETURNING orders.id, orders.fence, orders.traceparent, orders.created_at"
);

/// Raising the fence makes the claim worthless to the executor that has it.
const SEIZE: &str = "
UPDATE ONLY orders SET fence = fence + 1, lease_until = clock_timestamp() + interval '10 seconds'
WHERE id = $1 AND ended_at IS NULL AND status = 'submitted'
RETURNING id, fence, traceparent, created_at";

#[derive(FromRow)]
struct Row {
    id: Uuid,
    fence: i64,
    traceparent: Option<String>,
    created_at: Timestamp,
}
