//! Acceptance: an order is durable before its client is answered, and once for each idempotency key.

use super::Orders;
use crate::database::columns::bigint;
use crate::database::writer::{Statement, half_done};
use crate::database::{Error, metrics};
use order_core::order::{self, Event, Expiry, Intent};
use order_core::{AccountId, Timestamp};
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use uuid::Uuid;

/// An order to take on.
#[derive(Debug, Clone)]
pub struct Acceptance {
    /// The order's name: a fresh UUID of version 7.
    pub id: order::Id,
    /// The order's intent.
    pub intent: Intent,
    /// The account that owns the order.
    pub account: AccountId,
    /// The key and the hash that identify a repeated request.
    pub idempotency: Option<Idempotency>,
    /// The W3C trace context of the request; at most 255 bytes.
    pub traceparent: Option<String>,
}

/// The identity of a request among those of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The caller's key, of 1 to 255 bytes.
    pub key: String,
    /// SHA-256 of the request, which tells a repetition from another request with the same key.
    pub request_hash: [u8; 32],
}

/// The outcome of an acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// The order is new and durable.
    New,
    /// The same request was accepted before.
    Replayed {
        /// As this order.
        id: order::Id,
    },
    /// Another request was accepted under the same key before. Nothing was recorded.
    Conflict {
        /// As this order.
        id: order::Id,
    },
    /// Trading is halted. Nothing was recorded.
    Halted,
}

impl Orders {
    /// Takes an order on: it is durable when this returns. Written together with whatever else
    /// waits to be accepted. Publish it afterwards, so that an executor looks at once.
    ///
    /// # Errors
    /// See [`Error`]. After [`Error::Unknown`] the same acceptance, with the same id or key, tells
    /// what happened.
    pub async fn accept(&self, acceptance: Acceptance) -> Result<Accepted, Error> {
        self.accepts.write(acceptance).await
    }

    /// The outcome of the request that the account made under this key before; None if there was none.
    /// For a request that would be refused by now: [`Orders::accept`] looks by itself.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn accepted(
        &self,
        account: &AccountId,
        idempotency: &Idempotency,
    ) -> Result<Option<Accepted>, Error> {
        let read = sqlx::query_as(ACCEPTED_UNDER)
            .bind(account.as_str())
            .bind(&idempotency.key)
            .bind(idempotency.request_hash.as_slice())
            .fetch_optional(&self.pool);
        let found: Option<(Uuid, Option<bool>)> = metrics::statement("accepted", read)
            .await
            .map_err(|error| Error::from_statement("look for an order by its key", error))?;
        Ok(found.map(|(id, same_request)| match same_request {
            Some(true) => Accepted::Replayed { id: order::Id(id) },
            Some(false) | None => Accepted::Conflict { id: order::Id(id) },
        }))
    }

    /// Those of these orders that there are. One whose message is on the queue was accepted before.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn known(&self, ids: &[order::Id]) -> Result<HashSet<order::Id>, Error> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let read = sqlx::query_scalar(KNOWN).bind(ids).fetch_all(&self.pool);
        let known: Vec<Uuid> = metrics::statement("known", read)
            .await
            .map_err(|error| Error::from_statement("look for orders", error))?;
        Ok(known.into_iter().map(order::Id).collect())
    }
}

const KNOWN: &str = "SELECT order_id FROM order_events WHERE order_id = ANY ($1::uuid[]) AND seq = 1";

const ACCEPTED_UNDER: &str = "
SELECT order_id, request_hash = $3 AS same_request FROM idempotency_keys
WHERE owner = $1 AND idempotency_key = $2";

/// Writes the orders and their first events, unless trading is halted. An order whose key is taken is not written: a
/// trigger of the schema sees to that. In the order of the keys, so that two processes with the same keys do not wait for each other.
const ACCEPT: &str = "
WITH input AS (
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::text[], $6::jsonb[], $7::text[],
      $8::text[], $9::text[], $10::timestamptz[], $11::bigint[])
    AS input (id, owner, idempotency_key, request_hash, traceparent, body, token_in, token_out, amount_in,
      expires_at, expires_after_ms)
), halted AS (
  SELECT FROM halts WHERE resumed_at IS NULL
), accepted AS (
  INSERT INTO orders (id, owner, idempotency_key, request_hash, traceparent, intent, status, seq, attempt,
    token_in, token_out, amount_in, expires_at, genesis_hash)
  SELECT id, owner, idempotency_key, request_hash, traceparent, body -> 'intent', 'pending', 1, 0,
    token_in, token_out, amount_in::numeric,
    coalesce(expires_at, now() + expires_after_ms * interval '1 millisecond'),
    (SELECT genesis_hash FROM cluster)
  FROM input WHERE NOT EXISTS (SELECT FROM halted) ORDER BY owner, idempotency_key, id
  ON CONFLICT DO NOTHING
  RETURNING id, created_at
), event AS (
  INSERT INTO order_events (order_id, seq, attempt, fence, body, at)
  SELECT accepted.id, 1, 0, 0, input.body, accepted.created_at FROM accepted JOIN input ON input.id = accepted.id
)
SELECT id, false AS halted FROM accepted UNION ALL SELECT id, true FROM input WHERE EXISTS (SELECT FROM halted)";

/// The orders that stand in the way of acceptances: a statement of its own, because the one above
/// does not see what was committed while it waited. Neither events nor keys move when an order ends.
const ACCEPTED_BEFORE: &str = "
SELECT input.id AS wanted, coalesce(acceptance.order_id, keys.order_id) AS found,
  keys.request_hash = input.request_hash AS same_request
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[])
  AS input (id, owner, idempotency_key, request_hash)
LEFT JOIN order_events AS acceptance ON acceptance.order_id = input.id AND acceptance.seq = 1
LEFT JOIN idempotency_keys AS keys
  ON keys.owner = input.owner AND keys.idempotency_key = input.idempotency_key
WHERE acceptance.order_id IS NOT NULL OR keys.order_id IS NOT NULL";

/// The acceptances' statement for the writer.
#[derive(Debug)]
pub(crate) enum Accepts {}

impl Statement for Accepts {
    type Item = Acceptance;
    type Outcome = Accepted;
    const NAME: &'static str = "accept";
    const DOING: &'static str = "accept an order";
    /// Somebody waits for the answer, and can ask again.
    const PATIENCE: Duration = Duration::from_secs(3);

    async fn write(
        connection: &mut PgConnection,
        items: &[Acceptance],
    ) -> Result<Vec<Accepted>, sqlx::Error> {
        let halted_of = insert(connection, items).await?;
        let new = |item: &Acceptance| halted_of.get(&item.id.0) == Some(&false);
        let rest: Vec<&Acceptance> = items.iter().filter(|item| !new(item)).collect();
        let before = match rest.as_slice() {
            [] => HashMap::new(),
            // The others are recorded by now, so a failure here must not pass for one of theirs.
            rest => accepted_before(connection, rest).await.map_err(half_done)?,
        };
        items
            .iter()
            .map(|item| {
                if new(item) {
                    return Ok(Accepted::New);
                }
                let halted = halted_of.contains_key(&item.id.0).then_some(Accepted::Halted);
                // What stood in the way cannot be gone, as nothing is ever deleted.
                before.get(&item.id.0).copied().or(halted).ok_or(sqlx::Error::RowNotFound)
            })
            .collect()
    }
}

/// The orders that were written, by false, and those that were not because trading is halted, by true.
async fn insert(
    connection: &mut PgConnection,
    items: &[Acceptance],
) -> Result<HashMap<Uuid, bool>, sqlx::Error> {
    let bodies = items
        .iter()
        .map(|item| Json(Event::Accepted { account: item.account.clone(), intent: item.intent.clone() }));
    let text = |column: fn(&Intent) -> String| -> Vec<String> {
        items.iter().map(|item| column(&item.intent)).collect()
    };
    let rows: Vec<(Uuid, bool)> = sqlx::query_as(ACCEPT)
        .bind(items.iter().map(|item| item.id.0).collect::<Vec<_>>())
        .bind(items.iter().map(|item| item.account.as_str()).collect::<Vec<_>>())
        .bind(items.iter().map(key).collect::<Vec<_>>())
        .bind(items.iter().map(request_hash).collect::<Vec<_>>())
        .bind(items.iter().map(|item| item.traceparent.as_deref()).collect::<Vec<_>>())
        .bind(bodies.collect::<Vec<_>>())
        .bind(text(|intent| intent.token_in().mint.to_string()))
        .bind(text(|intent| intent.token_out().mint.to_string()))
        .bind(text(|intent| intent.amount_in().get().to_string()))
        .bind(items.iter().map(expires_at).collect::<Vec<_>>())
        .bind(items.iter().map(expires_after_ms).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().collect())
}

#[derive(FromRow)]
struct Before {
    wanted: Uuid,
    found: Uuid,
    same_request: Option<bool>,
}

async fn accepted_before(
    connection: &mut PgConnection,
    items: &[&Acceptance],
) -> Result<HashMap<Uuid, Accepted>, sqlx::Error> {
    let rows: Vec<Before> = sqlx::query_as(ACCEPTED_BEFORE)
        .bind(items.iter().map(|item| item.id.0).collect::<Vec<_>>())
        .bind(items.iter().map(|item| item.account.as_str()).collect::<Vec<_>>())
        .bind(items.iter().map(|item| key(item)).collect::<Vec<_>>())
        .bind(items.iter().map(|item| request_hash(item)).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    let mut before = HashMap::new();
    for Before { wanted, found, same_request } in rows {
        let id = order::Id(found);
        let accepted = match same_request {
            // This very acceptance, written by an earlier try whose answer was lost.
            _ if wanted == found => Accepted::New,
            Some(true) => Accepted::Replayed { id },
            Some(false) | None => Accepted::Conflict { id },
        };
        before.insert(wanted, accepted);
    }
    Ok(before)
}

fn expires_at(item: &Acceptance) -> Option<Timestamp> {
    match item.intent.expiry()? {
        Expiry::At(moment) => Some(moment),
        Expiry::AfterMs(_) => None,
    }
}

fn expires_after_ms(item: &Acceptance) -> Option<i64> {
    match item.intent.expiry()? {
        Expiry::At(_) => None,
        Expiry::AfterMs(milliseconds) => Some(bigint(milliseconds)),
    }
}

fn key(item: &Acceptance) -> Option<&str> {
    item.idempotency.as_ref().map(|idempotency| idempotency.key.as_str())
}

fn request_hash(item: &Acceptance) -> Option<&[u8]> {
    item.idempotency.as_ref().map(|idempotency| idempotency.request_hash.as_slice())
}
