//! Lists of orders, page by page.

use super::Reports;
use super::history::{event, order_id};
use crate::database::{Error, metrics};
use order_core::order::{self, Recorded, Status};
use order_core::{AccountId, Dex, Mint, Timestamp};
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// Which orders to list; what is None does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Their status.
    pub status: Option<Status>,
    /// The exchange of their latest route.
    pub dex: Option<Dex>,
    /// The token that they spend.
    pub token_in: Option<Mint>,
    /// The token that they buy.
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

impl Filter {
    /// True if there is an index for it: one exchange or one pair, not both.
    pub fn is_indexed(&self) -> bool {
        self.dex.is_none() || (self.token_in.is_none() && self.token_out.is_none())
    }
}

/// How far the clock of a gateway, which makes the ids, may be from the database's, which says when an
/// order was accepted. Beyond that a list by time may lack orders at its bounds.
const CLOCKS_APART_MS: i64 = 60_000;

impl Reports {
    /// Up to `limit` orders of the account that match, newest first (by id), those older than `cursor` if given.
    ///
    /// # Errors
    /// The database does not answer, or too many lists are read at once. [`Error::Refused`] for a filter that
    /// has no index.
    pub async fn list(
        &self,
        account: &AccountId,
        filter: &Filter,
        cursor: Option<order::Id>,
        limit: u32,
    ) -> Result<Vec<Listed>, Error> {
        if !filter.is_indexed() {
            return Err(Error::Refused { doing: LISTING, rule: NOT_INDEXED.to_owned() });
        }
        let (low, high) = bounds(filter, cursor);
        let read = sqlx::query(LIST)
            .bind(low)
            .bind(high)
            .bind(filter.from)
            .bind(filter.to)
            .bind(filter.status.map(Status::name))
            .bind(filter.dex.map(Dex::name))
            .bind(filter.token_in.map(|mint| mint.to_string()))
            .bind(filter.token_out.map(|mint| mint.to_string()))
            .bind(i64::from(limit))
            .bind(account.as_str())
            .persistent(false)
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

const NOT_INDEXED: &str = "a list is of one exchange or of one pair, not of both";

/// The ids from which on, and below which, the orders are: ids of version 7 begin with their time.
fn bounds(filter: &Filter, cursor: Option<order::Id>) -> (Uuid, Uuid) {
    let low = filter.from.map_or(Uuid::nil(), |from| first_id(from, -CLOCKS_APART_MS));
    let high = filter.to.map_or(Uuid::max(), |to| first_id(to, CLOCKS_APART_MS));
    (low, cursor.map_or(high, |cursor| high.min(cursor.0)))
}

/// The least id of the moment that is so many milliseconds later.
fn first_id(at: Timestamp, later_ms: i64) -> Uuid {
    const LAST: u128 = (1 << 48) - 1;
    let milliseconds = at.timestamp_millis().saturating_add(later_ms);
    let milliseconds = u128::try_from(milliseconds).unwrap_or(0).min(LAST);
    Uuid::from_u128(milliseconds << 80)
}

/// The page first, then its events: one statement, so that both are of one moment. Open orders are few and
/// are looked through; for those that have ended, `ended_page` has an index for each filter.
pub(crate) const LIST: &str = "
WITH page AS MATERIALIZED (
  SELECT id FROM (
    (SELECT id FROM open_orders
    WHERE owner = $10 AND id >= $1 AND id < $2
      AND ($3::timestamptz IS NULL OR created_at >= $3)
      AND ($4::timestamptz IS NULL OR created_at < $4)
      AND ($5::text IS NULL OR status = $5)
      AND ($6::text IS NULL OR dex = $6)
      AND ($7::text IS NULL OR token_in = $7)
      AND ($8::text IS NULL OR token_out = $8)
    ORDER BY id DESC LIMIT $9)
    UNION ALL
    SELECT id FROM ended_page($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS ended (id)
  ) AS found
  ORDER BY id DESC
  LIMIT $9
)
SELECT order_events.order_id, order_events.seq, order_events.attempt, order_events.body, order_events.at
FROM page JOIN order_events ON order_events.order_id = page.id
ORDER BY order_events.order_id DESC, order_events.seq";
