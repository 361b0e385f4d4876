//! The events of orders, in groups of readers that share a connection.

use crate::database::columns::{EventRow, bigint};
use crate::database::writer::{Statement, Writer};
use crate::database::{Error, metrics};
use order_core::AccountId;
use order_core::order::{self, Recorded};
use sqlx::{FromRow, PgConnection, PgPool, Row, postgres::PgRow};
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// A handle on the events of all orders. Clones share one reader.
#[derive(Debug, Clone)]
pub struct History {
    pub(super) pool: PgPool,
    reads: Writer<Reads>,
}

impl History {
    /// Starts the task that reads in groups.
    pub(crate) fn start(pool: PgPool) -> Self {
        Self { reads: Writer::start(pool.clone()), pool }
    }

    /// Ends when the task has died.
    pub(crate) async fn stopped(&self) {
        self.reads.stopped().await;
    }

    /// The events of an order after `after`, in order; all of them after 0. None if there is no
    /// such order. Read together with whatever else waits to be read: however many ask, they need one
    /// connection.
    ///
    /// # Errors
    /// The database does not answer, more is waiting to be read than the bound allows, or an event is
    /// unreadable.
    pub async fn read(&self, id: order::Id, after: u64) -> Result<Option<Vec<Recorded>>, Error> {
        self.read_as(None, id, after).await
    }

    /// As [`History::read`], and None if the order belongs to another account.
    ///
    /// # Errors
    /// As [`History::read`].
    pub async fn read_for(
        &self,
        account: &AccountId,
        id: order::Id,
        after: u64,
    ) -> Result<Option<Vec<Recorded>>, Error> {
        self.read_as(Some(account.clone()), id, after).await
    }

    async fn read_as(
        &self,
        account: Option<AccountId>,
        id: order::Id,
        after: u64,
    ) -> Result<Option<Vec<Recorded>>, Error> {
        let Some(rows) = self.reads.write(Read { account, id, after }).await? else { return Ok(None) };
        rows.iter().map(|row| event(id, row)).collect::<Result<_, _>>().map(Some)
    }

    /// The events of many orders, of each after its own number, in order. Orders without such an
    /// event are absent. An event that is unreadable is left out: [`History::read`] says why.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn read_many(
        &self,
        after: &[(order::Id, u64)],
    ) -> Result<HashMap<order::Id, Vec<Recorded>>, Error> {
        let read = sqlx::query(HISTORIES)
            .bind(after.iter().map(|(id, _)| id.0).collect::<Vec<_>>())
            .bind(after.iter().map(|(_, seq)| bigint(*seq)).collect::<Vec<_>>())
            .fetch_all(&self.pool);
        let rows: Vec<PgRow> = metrics::statement("histories", read)
            .await
            .map_err(|error| Error::from_statement(READING, error))?;
        let mut histories: HashMap<order::Id, Vec<Recorded>> = HashMap::new();
        for row in &rows {
            let id = order_id(row)?;
            // The others' readers must not wait for it.
            if let Ok(recorded) = event(id, row) {
                histories.entry(id).or_default().push(recorded);
            }
        }
        Ok(histories)
    }
}

const READING: &str = "read an order's events";

/// An order without an event after the number has one row, without an event. Each order has a first one, which
/// names its account; before there were accounts, all orders were the operator's.
const HISTORY: &str = "
SELECT input.place, order_events.seq, order_events.attempt, order_events.body, order_events.at
FROM unnest($1::uuid[], $2::bigint[], $3::text[]) WITH ORDINALITY AS input (order_id, after, account, place)
JOIN order_events AS acceptance ON acceptance.order_id = input.order_id AND acceptance.seq = 1
  AND (input.account IS NULL OR input.account = coalesce(acceptance.body ->> 'account', 'operator'))
LEFT JOIN order_events ON order_events.order_id = input.order_id AND order_events.seq > input.after
ORDER BY input.place, order_events.seq";

/// A read of one order's events.
#[derive(Debug)]
pub(crate) struct Read {
    /// The account that must own the order; any if None.
    account: Option<AccountId>,
    id: order::Id,
    after: u64,
}

/// The statement of reads for the writer, which groups them as it does writes.
#[derive(Debug)]
pub(crate) enum Reads {}

impl Statement for Reads {
    type Item = Read;
    /// The events' rows, which the reader makes sense of; None if there is no such order.
    type Outcome = Option<Vec<PgRow>>;
    const NAME: &'static str = "history";
    const DOING: &'static str = READING;
    /// None: a reader can ask again.
    const PATIENCE: Duration = Duration::ZERO;

    async fn write(
        connection: &mut PgConnection,
        items: &[Read],
    ) -> Result<Vec<Option<Vec<PgRow>>>, sqlx::Error> {
        let rows: Vec<PgRow> = sqlx::query(HISTORY)
            .bind(items.iter().map(|item| item.id.0).collect::<Vec<_>>())
            .bind(items.iter().map(|item| bigint(item.after)).collect::<Vec<_>>())
            .bind(items.iter().map(|item| item.account.as_ref().map(AccountId::as_str)).collect::<Vec<_>>())
            .fetch_all(connection)
            .await?;
        let mut outcomes: Vec<Option<Vec<PgRow>>> = items.iter().map(|_| None).collect();
        for row in rows {
            // Counted from one.
            let place = usize::try_from(row.try_get::<i64, _>("place")?).unwrap_or(0);
            let Some(outcome) = place.checked_sub(1).and_then(|place| outcomes.get_mut(place)) else {
                continue;
            };
            let events = outcome.get_or_insert_default();
            if row.try_get::<Option<i64>, _>("seq")?.is_some() {
                events.push(row);
            }
        }
        Ok(outcomes)
    }
}

const HISTORIES: &str = "
SELECT order_events.order_id, order_events.seq, order_events.attempt, order_events.body, order_events.at
FROM unnest($1::uuid[], $2::bigint[]) AS input (order_id, after)
JOIN order_events ON order_events.order_id = input.order_id AND order_events.seq > input.after
ORDER BY order_events.order_id, order_events.seq";

/// Which order an event belongs to.
pub(crate) fn order_id(row: &PgRow) -> Result<order::Id, Error> {
    let id: Uuid = row.try_get("order_id").map_err(|error| Error::from_statement(READING, error))?;
    Ok(order::Id(id))
}

/// The event of a row.
pub(crate) fn event(id: order::Id, row: &PgRow) -> Result<Recorded, Error> {
    EventRow::from_row(row)
        .map(Recorded::from)
        .map_err(|error| Error::Corrupt { id, reason: error.to_string() })
}
