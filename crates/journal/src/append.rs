use crate::columns::{bigint, numeric};
use crate::error::broken_rule;
use crate::writer::{Statement, half_done};
use crate::{Claim, Error, Journal};
use order_core::order::{Event, IllegalTransition, Marker, Observation, Order, Recorded, SignedTransaction};
use order_core::{Atoms, Dex, Quote, Timestamp};
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, query::QueryScalar};
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// Why an event was not recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The event may not happen in the order's state. The claim still holds.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// Another owner has the order, or it has ended, or an earlier append of this claim was cancelled, or it
    /// is a signature and trading is halted, or the order is cancelled or expired: let go of the order.
    #[error("the order has another owner, went on without this claim, or must not be signed: let go of it")]
    Fenced,
    /// The database is at fault: see the error. Let go of the order; its next owner goes on from
    /// what was recorded. After [`Error::Unknown`] nothing may be sent on the event's strength.
    #[error(transparent)]
    Journal(#[from] Error),
}

/// The rules that refuse a signature after the statement has waited for its order.
const STOPPED: [&str; 2] = ["transactions_not_while_halted", "transactions_not_after_expiry"];

impl Journal {
    /// Records an event of a claimed order; `claim.order()` moves on with it. Written together with
    /// whatever else waits to be appended, in one statement with the order's row and transaction.
    ///
    /// A failed attempt gives the claim up: the order can be claimed again once its pause is over,
    /// and whatever is appended to this claim is refused. So does an event that ends the order.
    ///
    /// # Errors
    /// See [`AppendError`]; `claim.order()` is then as it was.
    pub async fn append(&self, claim: &mut Claim, event: Event) -> Result<Recorded, AppendError> {
        let mut next = claim.order.clone();
        next.apply(&event)?;
        let append = Append::new(claim, &next, event.clone());
        let written = self.appends.write(append).await;
        if let Err(Error::Refused { rule, .. }) = &written
            && STOPPED.into_iter().any(|constraint| rule == broken_rule(constraint))
        {
            return Err(AppendError::Fenced);
        }
        let at = written?.ok_or(AppendError::Fenced)?;
        claim.order = next;
        Ok(Recorded { seq: claim.order.seq(), attempt: claim.order.attempt(), event, at })
    }
}

/// An event on its way to the database, with what changes in the rows besides.
pub(crate) struct Append {
    order: Uuid,
    /// The event's own number.
    seq: i64,
    fence: i64,
    attempt: i64,
    event: Event,
    status: &'static str,
    retry_in_ms: Option<i64>,
    dex: Option<&'static str>,
    quoted_out: Option<String>,
    executed_out: Option<String>,
    /// A transaction that is on record from here on.
    transaction: Option<SignedTransaction>,
    /// It was signed just now, and so may still be kept from being sent.
    signs: bool,
    /// The end of the open transaction.
    transaction_state: Option<&'static str>,
    /// It has landed by the word of nodes, which is followed until it is finalized.
    lands: bool,
    /// The slot in which it landed, if that is known.
    landed_slot: Option<i64>,
}

impl Append {
    /// `next` is the order as the event makes it.
    fn new(claim: &Claim, next: &Order, event: Event) -> Self {
        let quote = next.state().quote();
        let mut append = Self {
            order: next.id().0,
            seq: bigint(next.seq()),
            fence: claim.fence.0,
            attempt: i64::from(next.attempt()),
            event,
            status: next.status().name(),
            retry_in_ms: None,
            dex: quote.and_then(Quote::dex).map(Dex::name),
            quoted_out: quote.map(|quote| numeric(quote.amount_out().get())),
            executed_out: None,
            transaction: None,
            signs: false,
            transaction_state: None,
            lands: false,
            landed_slot: None,
        };
        match &append.event {
            Event::TransactionSigned { transaction } => {
                append.transaction = Some(transaction.clone());
                append.signs = true;
            }
            Event::TransactionFound { transaction } => append.transaction = Some(transaction.clone()),
            Event::Settled { landed, .. } => {
                append.transaction_state = Some(if *landed { "landed" } else { "expired" });
            }
            Event::Observed { observation } => {
                let (state, executed_out) = observed(observation);
                append.transaction_state = Some(state);
                if let Observation::Landed { fill } = observation {
                    append.lands = true;
                    append.landed_slot = fill.as_ref().map(|fill| bigint(fill.slot));
                }
                append.executed_out = executed_out.map(|atoms| numeric(atoms.get()));
            }
            Event::AttemptFailed { retry_in_ms, .. } => append.retry_in_ms = Some(bigint(*retry_in_ms)),
            Event::Accepted { .. }
            | Event::RoutingStarted { .. }
            | Event::RouteChosen { .. }
            | Event::RolledBack { .. }
            | Event::Failed { .. }
            | Event::Cancelled
            | Event::Expired => {}
        }
        append
    }
}

pub(crate) fn observed(observation: &Observation) -> (&'static str, Option<Atoms>) {
    match observation {
        Observation::Landed { fill } => ("landed", fill.as_ref().map(|fill| fill.amount_out)),
        Observation::Reverted { .. } => ("reverted", None),
        Observation::Expired => ("expired", None),
    }
}

/// Writes the events whose claims still hold, with their orders' rows and transactions; the others
/// write nothing, and nor does a signature while trading is halted, or after its order's expiry: its executor
/// asked before it signed. What changes while this waits for a row, a trigger of the schema sees. A transaction
/// that was found is on record already, unless the database was restored. The orders are locked in the order of
/// their ids, so that two processes with the same orders do not wait for each other. A failed attempt raises the fence, which ends the claim.
const APPEND: &str = "
WITH input AS (
  SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::jsonb[], $6::text[],
      $7::bigint[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::boolean[],
      $15::text[], $16::text[], $17::text[], $18::bigint[], $19::boolean[], $20::bigint[]) WITH ORDINALITY
    AS input (order_id, seq, fence, attempt, body, status, retry_in_ms, dex, quoted_out, executed_out,
      signature, last_valid_block_height, transaction_state, signs, marker, wallet, seed, generation, lands, landed_slot,
      item)
), owned AS MATERIALIZED (
  SELECT input.* FROM ONLY orders JOIN input ON input.order_id = orders.id
  WHERE orders.seq = input.seq - 1 AND orders.fence = input.fence AND orders.ended_at IS NULL
    AND (NOT input.signs
      OR orders.expires_at > now() IS NOT FALSE AND NOT EXISTS (SELECT FROM halts WHERE resumed_at IS NULL))
  ORDER BY orders.id
  FOR NO KEY UPDATE OF orders
), event AS (
  INSERT INTO order_events (order_id, seq, attempt, fence, body, at)
  SELECT order_id, seq, attempt, fence, body, now() FROM owned
), signed AS (
  INSERT INTO transactions (signature, order_id, attempt, last_valid_block_height, state, signed_at)
  SELECT signature, order_id, attempt, last_valid_block_height::numeric, 'open', now()
  FROM owned WHERE signs
), found AS (
  INSERT INTO transactions (signature, order_id, attempt, last_valid_block_height, state, signed_at, found)
  SELECT signature, order_id, attempt, last_valid_block_height::numeric, 'open', now(), true
  FROM owned WHERE signature IS NOT NULL AND NOT signs
  ON CONFLICT (signature) DO UPDATE SET state = 'open', observed_at = NULL
), marked AS (
  INSERT INTO order_markers AS known
    (address, order_id, wallet, seed, generation, last_valid_block_height, signed_at)
  SELECT marker, order_id, wallet, seed, generation, last_valid_block_height::numeric, now()
  FROM owned WHERE marker IS NOT NULL
  ON CONFLICT (address) DO UPDATE SET signed_at = now(),
    last_valid_block_height = greatest(known.last_valid_block_height, excluded.last_valid_block_height)
), landed AS (
  INSERT INTO landings (order_id, slot) SELECT order_id, landed_slot FROM owned WHERE lands
), observed AS (
  UPDATE transactions SET state = owned.transaction_state, observed_at = now()
  FROM owned
  WHERE transactions.order_id = owned.order_id AND transactions.state = 'open'
    AND owned.transaction_state IS NOT NULL
)
UPDATE ONLY orders SET
  seq = owned.seq,
  attempt = owned.attempt,
  status = owned.status,
  fence = orders.fence + CASE WHEN owned.retry_in_ms IS NULL THEN 0 ELSE 1 END,
  lease_until = CASE
    WHEN owned.status IN ('confirmed', 'failed', 'cancelled', 'expired') THEN NULL
    WHEN owned.retry_in_ms IS NOT NULL THEN now()
    ELSE orders.lease_until
  END,
  next_attempt_at = now() + owned.retry_in_ms * interval '1 millisecond',
  dex = coalesce(owned.dex, orders.dex),
  quoted_out = coalesce(owned.quoted_out::numeric, orders.quoted_out),
  executed_out = owned.executed_out::numeric,
  updated_at = now(),
  ended_at = CASE WHEN owned.status IN ('confirmed', 'failed', 'cancelled', 'expired') THEN now() END
FROM owned
WHERE orders.id = owned.order_id
RETURNING owned.item, orders.updated_at";

/// When events were recorded that an earlier try wrote, whose answer was lost. The same claim may
/// have tried to write something else under the number, hence the body.
const APPENDED_BEFORE: &str = "
SELECT order_events.at
FROM order_events
WHERE order_id = $1 AND seq = $2 AND fence = $3 AND body = $4";

/// The appends' statement for the writer.
#[derive(Debug)]
pub(crate) enum Appends {}

impl Statement for Appends {
    type Item = Append;
    /// When it was recorded; None if the claim no longer holds.
    type Outcome = Option<Timestamp>;
    const NAME: &'static str = "append";
    const DOING: &'static str = "append an event";
    /// Worth some patience: an order that is let go of waits for its lease to run out.
    const PATIENCE: Duration = Duration::from_secs(10);

    async fn write(
        connection: &mut PgConnection,
        items: &[Append],
    ) -> Result<Vec<Option<Timestamp>>, sqlx::Error> {
        let recorded = faults::effect!(items[0].event.kind(), append(connection, items).await)?;
        let mut outcomes = Vec::with_capacity(items.len());
        for (number, item) in (1..).zip(items) {
            outcomes.push(match recorded.get(&number) {
                Some(at) => Some(*at),
                // Rare: the claim is lost, or this is another try after a lost connection.
                None => appended_before(item).fetch_optional(&mut *connection).await.map_err(half_done)?,
            });
        }
        Ok(outcomes)
    }
}

/// When items were recorded, by their number in the group, from 1. An order is not enough: an owner and the one
/// that took its order over may be in the same group.
async fn append(
    connection: &mut PgConnection,
    items: &[Append],
) -> Result<HashMap<i64, Timestamp>, sqlx::Error> {
    let rows: Vec<(i64, Timestamp)> = sqlx::query_as(APPEND)
        .bind(column(items, |item| item.order))
        .bind(column(items, |item| item.seq))
        .bind(column(items, |item| item.fence))
        .bind(column(items, |item| item.attempt))
        .bind(items.iter().map(|item| Json(&item.event)).collect::<Vec<_>>())
        .bind(column(items, |item| item.status))
        .bind(column(items, |item| item.retry_in_ms))
        .bind(column(items, |item| item.dex))
        .bind(column(items, |item| item.quoted_out.clone()))
        .bind(column(items, |item| item.executed_out.clone()))
        .bind(of_transaction(items, |transaction| transaction.signature.to_string()))
        .bind(of_transaction(items, |transaction| numeric(transaction.last_valid_block_height)))
        .bind(column(items, |item| item.transaction_state))
        .bind(column(items, |item| item.signs))
        .bind(of_marker(items, |marker| marker.address.to_string()))
        .bind(of_marker(items, |marker| marker.wallet.to_string()))
        .bind(of_marker(items, |marker| marker.seed.clone()))
        .bind(of_marker(items, |marker| i64::from(marker.generation)))
        .bind(column(items, |item| item.lands))
        .bind(column(items, |item| item.landed_slot))
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().collect())
}

fn column<T>(items: &[Append], value: fn(&Append) -> T) -> Vec<T> {
    items.iter().map(value).collect()
}

fn of_transaction<T>(items: &[Append], value: fn(&SignedTransaction) -> T) -> Vec<Option<T>> {
    items.iter().map(|item| item.transaction.as_ref().map(value)).collect()
}

fn of_marker<T>(items: &[Append], value: fn(&Marker) -> T) -> Vec<Option<T>> {
    let markers = items.iter().map(|item| item.transaction.as_ref()?.marker.as_ref());
    markers.map(|marker| marker.map(value)).collect()
}

fn appended_before(item: &Append) -> QueryScalar<'_, Postgres, Timestamp, sqlx::postgres::PgArguments> {
    sqlx::query_scalar(APPENDED_BEFORE)
        .bind(item.order)
        .bind(item.seq)
        .bind(item.fence)
        .bind(Json(&item.event))
}
