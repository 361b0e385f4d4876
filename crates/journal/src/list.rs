use crate::history::{event, order_id};
use crate::{Error, Journal, metrics};
use order_core::order::{self, Recorded, Status};
use order_core::{Dex, Mint, Timestamp};
use sqlx::postgres::PgRow;

/// Which orders to list; what is None does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Their status.
    pub status: Option<Status>,
    /// The exchange of their latest route.
    pub dex: Option<Dex>,
    /// What they spend.
    pub token_in: Option<Mint>,
    /// What they buy.
    pub token_out: Option<Mint>,
    /// Accepted at this moment or later.
    pub from: Option<Timestamp>,
    /// Accepted before this moment.
    pub to: Option<Timestamp>,
}

/// An order of a list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its name.
    pub id: order::Id,
    /// All its events, in order; the error if one of them is unreadable, which is no reason to hide
    /// the other orders.
    pub history: Result<Vec<Recorded>, Error>,
}

impl Journal {
    /// Up to `limit` orders that match, newest first (by id), those older than `cursor` if given.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn list(
        &self,
        filter: &Filter,
        cursor: Option<order::Id>,
        limit: u32,
    ) -> Result<Vec<Listed>, Error> {
        let read = sqlx::query(LIST)
            .bind(cursor.map(|id| id.0))
            .bind(filter.status.map(Status::name))
            .bind(filter.dex.map(Dex::name))
            .bind(filter.token_in.map(|mint| mint.to_string()))
            .bind(filter.token_out.map(|mint| mint.to_string()))
            .bind(filter.from)
            .bind(filter.to)
            .bind(i64::from(limit))
            .fetch_all(&self.pool);
        let rows: Vec<PgRow> =
            metrics::statement("list", read).await.map_err(|error| Error::from_statement(LISTING, error))?;
        let mut listed: Vec<Listed> = Vec::new();
        for row in &rows {
            let id = order_id(row)?;
            if listed.last().is_none_or(|last| last.id != id) {
                listed.push(Listed { id, history: Ok(Vec::new()) });
            }
            let Some(Listed { history, .. }) = listed.last_mut() else { continue };
            match (event(id, row), history) {
                (Ok(recorded), Ok(history)) => history.push(recorded),
                (Err(error), history @ Ok(_)) => *history = Err(error),
                (Ok(_) | Err(_), Err(_)) => {}
            }
        }
        Ok(listed)
    }
}

const LISTING: &str = "list orders";

/// The page first, then its events: one statement, so that both are of one moment.
const LIST: &str = "
WITH page AS MATERIALIZED (
  SELECT id FROM orders
  WHERE ($1::uuid IS NULL OR id < $1)
    AND ($2::text IS NULL OR status = $2)
    AND ($3::text IS NULL OR dex = $3)
    AND ($4::text IS NULL OR token_in = $4)
    AND ($5::text IS NULL OR token_out = $5)
    AND ($6::timestamptz IS NULL OR created_at >= $6)
    AND ($7::timestamptz IS NULL OR created_at < $7)
  ORDER BY id DESC
  LIMIT $8
)
SELECT order_events.order_id, order_events.seq, order_events.attempt, order_events.body, order_events.at
FROM page JOIN order_events ON order_events.order_id = page.id
ORDER BY order_events.order_id DESC, order_events.seq";
