//! Recording of events under a claim, and which of them end the claim.

use super::{Claim, Orders};
use crate::database::Error;
use crate::database::columns::{bigint, numeric};
use crate::database::error::broken_rule;
use crate::database::writer::{Statement, half_done};
use order_core::order::{Event, IllegalTransition, Marker, Observation, Order, Recorded, SignedTransaction};
use order_core::{Atoms, Dex, Quote, Timestamp};
use sqlx::PgConnection;
use sqlx::types::Json;
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// An event that was recorded, and the right to record another.
#[derive(Debug)]
pub enum Appended {
    /// The claim holds.
    Held {
        /// The claim, with the order as the event made it.
        claim: Claim,
        /// The event.
        recorded: Recorded,
    },
    /// The event ended the claim: the order has ended, or it waits for its next attempt.
    Ended {
        /// The order, as the event made it.
        order: Order,
        /// When the order was accepted.
        created_at: Timestamp,
        /// The event.
        recorded: Recorded,
    },
}

/// An event that was not recorded, with its claim if that may still hold: release it, so that another executor
/// can go on at once.
#[derive(Debug, thiserror::Error)]
pub enum Unrecorded {
    /// The event may not happen in the order's state. The claim is as it was.
    #[error("{error}")]
    Illegal {
        /// The claim.
        claim: Box<Claim>,
        /// The fault of the event.
        error: IllegalTransition,
    },
    /// The event is a signature, and trading is halted, or the order is cancelled or has expired. Or an earlier event
    /// of this claim was recorded, and its holder does not know: the answer was lost.
    #[error(
        "trading is halted, or the order is cancelled or has expired, or an earlier event of it was recorded"
    )]
    Stopped {
        /// The claim.
        claim: Box<Claim>,
    },
    /// Another owner has the order, or it has ended.
    #[error("the order has another owner, or has ended")]
    Fenced,
    /// The database is at fault: see the error. The next owner goes on from what was recorded. After
    /// [`Error::Unknown`] the event may be recorded, and the claim ended; nothing may be sent on its strength.
    #[error("{error}")]
    Journal {
        /// The claim. Releasing it does nothing where it has ended.
        claim: Box<Claim>,
        /// The fault of the database.
        error: Error,
    },
}

/// The rules that refuse a signature after the statement has waited for its order.
const STOPPED: [&str; 2] = ["transactions_not_while_halted", "transactions_not_after_expiry"];

impl Orders {
    /// Records an event of a claimed order. Written together with whatever else waits to be appended, in one
    /// statement with the order's row and transaction.
    ///
    /// A caller that stops waiting loses the claim: the event may or may not be recorded, and the next owner
    /// finds out, when the lease has run out.
    ///
    /// # Errors
    /// See [`Unrecorded`].
    pub async fn append(&self, claim: Claim, event: Event) -> Result<Appended, Unrecorded> {
        let mut claim = claim;
        let mut next = claim.order.clone();
        if let Err(error) = next.apply(&event) {
            return Err(Unrecorded::Illegal { claim: Box::new(claim), error });
        }
        let append = Append::new(&claim, &next, event.clone());
        let ends_claim = append.ends_claim();
        let at = match self.appends.write(append).await {
            Ok(Written::Recorded { at }) => at,
            Ok(Written::Stopped) => return Err(Unrecorded::Stopped { claim: Box::new(claim) }),
            Ok(Written::Fenced) => return Err(Unrecorded::Fenced),
            Err(Error::Refused { rule, .. })
                if STOPPED.into_iter().any(|constraint| rule == broken_rule(constraint)) =>
            {
                return Err(Unrecorded::Stopped { claim: Box::new(claim) });
            }
            Err(error) => return Err(Unrecorded::Journal { claim: Box::new(claim), error }),
        };
        claim.order = next;
        let recorded = Recorded { seq: claim.order.seq(), attempt: claim.order.attempt(), event, at };
        if ends_claim {
            return Ok(Appended::Ended { order: claim.order, created_at: claim.created_at, recorded });
        }
        Ok(Appended::Held { claim, recorded })
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
    /// The order has ended with the event.
    ends: bool,
    /// The attempt has failed, and the next begins after this pause.
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
            ends: next.status().is_terminal(),
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

    /// True if the event ends the claim that it is recorded under: nothing more is recorded under the claim, and
    /// its lease is not renewed. [`APPEND`] does so by the same two columns.
    fn ends_claim(&self) -> bool {
        self.ends || self.retry_in_ms.is_some()
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
/// their ids, so that two processes with the same orders do not wait for each other. An order that has ended takes
/// no event; a failed attempt raises the fence. Either ends the claim: see [`Append::ends_claim`].
const APPEND: &str = "
WITH input AS (
  SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::jsonb[], $6::text[],
      $7::bigint[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::boolean[],
      $15::text[], $16::text[], $17::text[], $18::bigint[], $19::boolean[], $20::bigint[],
      $21::boolean[]) WITH ORDINALITY
    AS input (order_id, seq, fence, attempt, body, status, retry_in_ms, dex, quoted_out, executed_out,
      signature, last_valid_block_height, transaction_state, signs, marker, wallet, seed, generation, lands, landed_slot,
      ends, item)
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
), shown AS (
  UPDATE reservations SET landed_slot = owned.landed_slot FROM owned
  WHERE reservations.order_id = owned.order_id AND owned.lands AND owned.landed_slot IS NOT NULL
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
    WHEN owned.ends THEN NULL
    WHEN owned.retry_in_ms IS NOT NULL THEN now()
    ELSE orders.lease_until
  END,
  next_attempt_at = now() + owned.retry_in_ms * interval '1 millisecond',
  dex = coalesce(owned.dex, orders.dex),
  quoted_out = coalesce(owned.quoted_out::numeric, orders.quoted_out),
  executed_out = owned.executed_out::numeric,
  updated_at = now(),
  ended_at = CASE WHEN owned.ends THEN now() END
FROM owned
WHERE orders.id = owned.order_id
RETURNING owned.item, orders.updated_at";

/// Asks about an event that was not recorded just now. An earlier try may have written it, whose answer was
/// lost: the same claim may have tried to write something else under the number, hence the body. Else the claim
/// holds, if its order is open and nobody has claimed it since.
const NOT_APPENDED: &str = "
SELECT
  (SELECT at FROM order_events WHERE order_id = $1 AND seq = $2 AND fence = $3 AND body = $4),
  EXISTS (SELECT FROM ONLY orders WHERE id = $1 AND fence = $3 AND ended_at IS NULL)";

/// The fate of an event.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Written {
    /// It is recorded.
    Recorded {
        /// Since when.
        at: Timestamp,
    },
    /// It is not, although the claim holds.
    Stopped,
    /// It is not: the claim does not hold.
    Fenced,
}

/// The appends' statement for the writer.
#[derive(Debug)]
pub(crate) enum Appends {}

impl Statement for Appends {
    type Item = Append;
    type Outcome = Written;
    const NAME: &'static str = "append";
    const DOING: &'static str = "append an event";
    /// Worth some patience: an order that is let go of waits for its lease to run out.
    const PATIENCE: Duration = Duration::from_secs(10);

    async fn write(connection: &mut PgConnection, items: &[Append]) -> Result<Vec<Written>, sqlx::Error> {
        let recorded = faults::effect!(items[0].event.kind(), append(connection, items).await)?;
        let mut outcomes = Vec::with_capacity(items.len());
        for (number, item) in (1..).zip(items) {
            outcomes.push(match recorded.get(&number) {
                Some(at) => Written::Recorded { at: *at },
                // Rare: the claim is lost, or this is another try after a lost connection.
                None => not_appended(connection, item).await.map_err(half_done)?,
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
        .bind(column(items, |item| item.ends))
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

async fn not_appended(connection: &mut PgConnection, item: &Append) -> Result<Written, sqlx::Error> {
    let (at, held): (Option<Timestamp>, bool) = sqlx::query_as(NOT_APPENDED)
        .bind(item.order)
        .bind(item.seq)
        .bind(item.fence)
        .bind(Json(&item.event))
        .fetch_one(connection)
        .await?;
    Ok(match (at, held) {
        (Some(at), _) => Written::Recorded { at },
        (None, true) => Written::Stopped,
        (None, false) => Written::Fenced,
    })
}
