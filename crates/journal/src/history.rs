use crate::columns::{EventRow, bigint};
use crate::{Error, Journal, metrics};
use order_core::order::{self, Recorded};
use sqlx::{FromRow, Row, postgres::PgRow};
use std::collections::HashMap;
use uuid::Uuid;

impl Journal {
    /// The events of an order after `after`, in order; all of them after 0. None if there is no
    /// such order.
    ///
    /// # Errors
    /// The database does not answer, or an event is unreadable.
    pub async fn history(&self, id: order::Id, after: u64) -> Result<Option<Vec<Recorded>>, Error> {
        let read = sqlx::query(HISTORY).bind(id.0).bind(bigint(after)).fetch_all(&self.pool);
        let rows: Vec<PgRow> = metrics::statement("history", read)
            .await
            .map_err(|error| Error::from_statement(READING, error))?;
        if rows.is_empty() {
            return Ok(None);
        }
        let mut history = Vec::with_capacity(rows.len());
        for row in &rows {
            // The one row of an order without an event after this one.
            if row.try_get::<Option<i64>, _>("seq").is_ok_and(|seq| seq.is_none()) {
                continue;
            }
            history.push(event(id, row)?);
        }
        Ok(Some(history))
    }

    /// The events of many orders, of each after its own number, in order. Orders without such an
    /// event are absent. An event that is unreadable is left out: [`Journal::history`] says why.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn histories(
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

const HISTORY: &str = "
SELECT order_events.seq, order_events.attempt, order_events.body, order_events.at
FROM orders LEFT JOIN order_events ON order_events.order_id = orders.id AND order_events.seq > $2
WHERE orders.id = $1
ORDER BY order_events.seq";

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
