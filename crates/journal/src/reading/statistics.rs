//! Counts of orders, and those that ended last.

use super::Reports;
use crate::database::columns::{atoms, count};
use crate::database::{Error, metrics};
use order_core::order::Status;
use order_core::{AccountAddress, AccountId, Atoms, Dex, InvalidAccountId, Timestamp, Token, UnknownName};
use sqlx::FromRow;
use sqlx::types::Json;
use std::collections::HashMap;

/// How many orders are where. `waiting`, `active` and `delayed` together are all that have not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueStats {
    /// Could be claimed now, and nothing of them may be on its way to the chain.
    pub waiting: u64,
    /// Being worked on, or submitted.
    pub active: u64,
    /// Ended with a swap, ever.
    pub completed: u64,
    /// Ended without one, ever.
    pub failed: u64,
    /// Waiting for a retry that is not due yet.
    pub delayed: u64,
    /// How long the one that waits longest has waited, in whole seconds; 0 if none waits.
    pub oldest_waiting_seconds: u64,
}

/// An order that has ended, as statistics need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Confirmed or failed.
    pub status: Status,
    /// The exchange of its latest route; None if it never had one.
    pub dex: Option<Dex>,
    /// The input that it spent, or would have.
    pub token_in: Token,
    /// How much was to be spent, in input atoms.
    pub amount_in: Atoms,
    /// The output that its latest quote promised, in base units.
    pub quoted_out: Option<Atoms>,
    /// The output that reached the wallet, in base units.
    pub executed_out: Option<Atoms>,
    /// When it ended.
    pub at: Timestamp,
}

impl Reports {
    /// How many orders are where, over all processes, at one moment.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn queue_stats(&self) -> Result<QueueStats, Error> {
        let read = sqlx::query_as(QUEUE_STATS).fetch_one(&self.pool);
        let row: QueueRow = metrics::statement("queue_stats", read)
            .await
            .map_err(|error| Error::from_statement(COUNTING, error))?;
        Ok(QueueStats {
            waiting: count(row.waiting),
            active: count(row.active),
            completed: count(row.completed),
            failed: count(row.failed),
            delayed: count(row.delayed),
            oldest_waiting_seconds: count(row.oldest_waiting_seconds),
        })
    }

    /// The orders of the account that ended last, up to `limit`, latest first.
    ///
    /// # Errors
    /// The database does not answer, or a row is unreadable.
    pub async fn ended(&self, account: &AccountId, limit: u32) -> Result<Vec<Ended>, Error> {
        let read = sqlx::query_as(ENDED).bind(i64::from(limit)).bind(account.as_str()).fetch_all(&self.pool);
        let rows: Vec<EndedRow> =
            metrics::statement("ended", read).await.map_err(|error| Error::from_statement(READING, error))?;
        let ended: Result<_, sqlx::Error> = rows.into_iter().map(Ended::try_from).collect();
        ended.map_err(|error| Error::from_statement(READING, error))
    }

    /// How many orders have not ended.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn backlog(&self) -> Result<u64, Error> {
        let read = sqlx::query_scalar(BACKLOG).fetch_one(&self.main);
        let open: i64 = metrics::statement("backlog", read)
            .await
            .map_err(|error| Error::from_statement(COUNTING, error))?;
        Ok(count(open))
    }
}

impl Reports {
    /// How many orders of each account have not ended. Accounts without one are absent.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn backlog_by_account(&self) -> Result<HashMap<AccountId, u64>, Error> {
        let read = sqlx::query_as(BACKLOG_BY_ACCOUNT).fetch_all(&self.main);
        let rows: Vec<(String, i64)> = metrics::statement("backlog_by_account", read)
            .await
            .map_err(|error| Error::from_statement(COUNTING, error))?;
        let account = |(owner, open): (String, i64)| match owner.parse() {
            Ok(account) => Ok((account, count(open))),
            Err(invalid) => {
                let invalid: InvalidAccountId = invalid;
                Err(Error::from_statement(COUNTING, sqlx::Error::Decode(Box::new(invalid))))
            }
        };
        rows.into_iter().map(account).collect()
    }

    /// How many orders wait for a wallet that is none of these.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn waiting_for_other_wallets(&self, wallets: &[AccountAddress]) -> Result<u64, Error> {
        let read = sqlx::query_scalar(WAITING_FOR_OTHER_WALLETS)
            .bind(wallets.iter().map(ToString::to_string).collect::<Vec<_>>())
            .fetch_one(&self.pool);
        let waiting: i64 = metrics::statement("waiting_for_other_wallets", read)
            .await
            .map_err(|error| Error::from_statement(COUNTING, error))?;
        Ok(count(waiting))
    }
}

const COUNTING: &str = "count orders";
const READING: &str = "read the orders that ended";

/// Ended orders are in the counters, or not counted yet: see [`crate::Upkeep::tend`].
pub(crate) const QUEUE_STATS: &str = "
WITH open AS (
  SELECT coalesce(next_attempt_at, created_at) AS since,
    status = 'pending' AND next_attempt_at > now() AS delayed,
    status <> 'pending' OR lease_until > now() AS held
  FROM open_orders
), ended AS (
  SELECT
    (ended_counts.confirmed + coalesce(sum(uncounted.confirmed), 0))::bigint AS confirmed,
    (ended_counts.failed + coalesce(sum(uncounted.failed), 0))::bigint AS failed
  FROM ended_counts LEFT JOIN ended_uncounted AS uncounted ON uncounted.by >= ended_counts.counted
  GROUP BY ended_counts.only_one
), counted AS (
  SELECT
    count(*) FILTER (WHERE delayed IS TRUE) AS delayed,
    count(*) FILTER (WHERE delayed IS NOT TRUE AND held IS TRUE) AS active,
    count(*) FILTER (WHERE delayed IS NOT TRUE AND held IS NOT TRUE) AS waiting,
    min(since) FILTER (WHERE delayed IS NOT TRUE AND held IS NOT TRUE) AS since
  FROM open
)
SELECT counted.waiting, counted.active, counted.delayed, ended.confirmed AS completed, ended.failed,
  coalesce(floor(extract(epoch FROM now() - counted.since)), 0)::bigint AS oldest_waiting_seconds
FROM counted, ended";

#[derive(FromRow)]
struct QueueRow {
    waiting: i64,
    active: i64,
    delayed: i64,
    completed: i64,
    failed: i64,
    oldest_waiting_seconds: i64,
}

const ENDED: &str = "
SELECT status, dex, intent -> 'token_in' AS token_in, amount_in::text AS amount_in,
  quoted_out::text AS quoted_out, executed_out::text AS executed_out, ended_at
FROM ended_orders
WHERE owner = $2
ORDER BY ended_at DESC
LIMIT $1";

#[derive(FromRow)]
struct EndedRow {
    status: String,
    dex: Option<String>,
    token_in: Json<Token>,
    amount_in: String,
    quoted_out: Option<String>,
    executed_out: Option<String>,
    ended_at: Timestamp,
}

impl TryFrom<EndedRow> for Ended {
    type Error = sqlx::Error;

    fn try_from(row: EndedRow) -> Result<Self, sqlx::Error> {
        let unknown = |error: UnknownName| sqlx::Error::Decode(Box::new(error));
        Ok(Self {
            status: row.status.parse().map_err(unknown)?,
            dex: row.dex.map(|name| name.parse()).transpose().map_err(unknown)?,
            token_in: row.token_in.0,
            amount_in: atoms(&row.amount_in)?,
            quoted_out: row.quoted_out.as_deref().map(atoms).transpose()?,
            executed_out: row.executed_out.as_deref().map(atoms).transpose()?,
            at: row.ended_at,
        })
    }
}

pub(crate) const BACKLOG_BY_ACCOUNT: &str = "SELECT owner, count(*) FROM open_orders GROUP BY owner";

/// An order that was submitted is followed by any executor.
pub(crate) const WAITING_FOR_OTHER_WALLETS: &str = "
SELECT count(*) FROM open_orders AS orders JOIN accounts ON accounts.id = orders.owner
WHERE accounts.wallet IS NOT NULL AND accounts.wallet <> ALL ($1::text[]) AND orders.status <> 'submitted'";

pub(crate) const BACKLOG: &str = "SELECT count(*) FROM open_orders";
