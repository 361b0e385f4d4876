//! Work that keeps the journal quick however long it grows, and the months of its history.

use crate::database::columns::count;
use crate::database::{Error, metrics};
use order_core::Timestamp;
use sqlx::{AssertSqlSafe, Executor, FromRow, PgConnection, PgPool};

/// The tables of one month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Month {
    /// The schema that they are in, such as `month_2026_12`.
    pub name: String,
    /// The least time that an id of it begins with; None for all that was there before there were months.
    pub since: Option<Timestamp>,
    /// The first time that no id of it begins with any more.
    pub until: Timestamp,
    /// About how many orders of it have ended, by the database's statistics.
    pub orders: u64,
    /// When it was taken out of the lists, to be archived.
    pub detached_at: Option<Timestamp>,
}

/// How many months ahead there are tables.
const MONTHS_AHEAD: i32 = 3;

/// A handle on the work that keeps the journal quick.
#[derive(Debug, Clone)]
pub struct Upkeep {
    pool: PgPool,
}

impl Upkeep {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Moves the mark of the open orders on, and the counters of those that have ended. To be called every
    /// second by some process: what is not moved on makes lists and statistics slow, not wrong. Calls that
    /// come too early or at once do nothing.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn tend(&self) -> Result<(), Error> {
        // Apart, because the second reads what the first has locked for its commit.
        for (name, statement) in [("move_open_mark", MOVE_OPEN_MARK), ("count_ended", COUNT_ENDED)] {
            let tended = metrics::statement(name, sqlx::query(statement).execute(&self.pool)).await;
            tended.map_err(|error| Error::from_statement("tend the journal", error))?;
        }
        Ok(())
    }

    /// Looks for open orders that the mark has missed: a safeguard, to be called once a minute.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn find_stragglers(&self) -> Result<(), Error> {
        let find = sqlx::query(FIND_STRAGGLERS).execute(&self.pool);
        let found = metrics::statement("find_stragglers", find).await;
        found.map(drop).map_err(|error| Error::from_statement("look for open orders behind the mark", error))
    }

    /// Makes the tables of the next months, unless they are there. To be called some times a day.
    ///
    /// # Errors
    /// The database does not answer, or a backup holds a lock. Then orders of a month without tables go
    /// where none is lost, and the call must be made again.
    pub async fn make_months(&self) -> Result<(), Error> {
        let mut outcome = Ok(());
        // Apart: one that cannot be made must not keep the others from being made.
        for month in 0..=MONTHS_AHEAD {
            let make = sqlx::query(MAKE_MONTH).bind(month).execute(&self.pool);
            let made = metrics::statement("make_month", make).await;
            let made =
                made.map(drop).map_err(|error| Error::from_statement("make the tables of a month", error));
            outcome = outcome.and(made);
        }
        outcome
    }

    /// All months, oldest first.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn months(&self) -> Result<Vec<Month>, Error> {
        let read = sqlx::query_as(MONTHS).fetch_all(&self.pool);
        let rows: Vec<Row> = metrics::statement("months", read)
            .await
            .map_err(|error| Error::from_statement("list the months", error))?;
        Ok(rows.into_iter().map(Month::from).collect())
    }

    /// Takes a month out of the lists, so that its schema can be dumped and dropped. Its orders are not found
    /// any more. They stay counted, their idempotency keys taken, and their signatures known.
    ///
    /// # Errors
    /// [`Error::Refused`] if something of it is unfinished, or it is not over; [`Error::Unavailable`] while a backup
    /// holds a lock.
    pub async fn detach_month(&self, name: &str) -> Result<(), Error> {
        let detach = sqlx::query(DETACH).bind(name).execute(&self.pool);
        let detached = metrics::statement("detach_month", detach).await;
        detached.map(drop).map_err(|error| Error::from_statement("detach a month", error))
    }
}

/// Work that the migrations leave to be done beside orders, as it reads the whole history: each command is a
/// transaction of its own, and finds the work of an earlier call done.
///
/// # Errors
/// The database does not answer, or a command fails.
pub(crate) async fn finish(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let commands: Vec<String> = sqlx::query_scalar(UNFINISHED).fetch_all(&mut *connection).await?;
    for command in commands {
        // Made of the catalogue's own names.
        connection.execute(AssertSqlSafe(command)).await?;
    }
    connection.execute(COUNT_HISTORY).await?;
    Ok(())
}

const MOVE_OPEN_MARK: &str = "SELECT move_open_mark()";
const COUNT_ENDED: &str = "SELECT count_ended()";
const FIND_STRAGGLERS: &str = "SELECT find_stragglers()";
const COUNT_HISTORY: &str = "SELECT count_history()";

const MAKE_MONTH: &str = "SELECT make_month(now() + $1 * interval '1 month')";

const DETACH: &str = "SELECT detach_month($1)";

const MONTHS: &str = "
SELECT name, nullif(id_time(since), to_timestamp(0)) AS since, id_time(until) AS until,
  coalesce((SELECT greatest(reltuples, 0)::bigint FROM pg_class
    WHERE oid = to_regclass(quote_ident(name) || '.ended_orders')), 0) AS orders,
  detached_at
FROM order_months ORDER BY order_months.since";

/// Constraints of the first month that were not checked yet, and the months' indexes that are not as those of
/// `ended_orders`, which has no rows.
const UNFINISHED: &str = "
WITH months AS (
  SELECT name, to_regclass(format('%I.ended_orders', name)) AS ended_orders
  FROM (SELECT name FROM order_months WHERE detached_at IS NULL UNION ALL SELECT 'month_beyond') AS named
), wanted AS (
  SELECT relname, pg_get_indexdef(indexrelid) AS definition
  FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
  WHERE indrelid = 'ended_orders'::regclass AND NOT indisprimary
), there AS (
  SELECT months.name AS month, relname, indisvalid
  FROM months JOIN pg_index ON indrelid = months.ended_orders JOIN pg_class ON pg_class.oid = indexrelid
  WHERE NOT indisprimary
)
SELECT format('ALTER TABLE %s VALIDATE CONSTRAINT %I', conrelid::regclass, conname) AS command
FROM pg_constraint
WHERE NOT convalidated AND conrelid = to_regclass('month_before.ended_orders')
UNION ALL
SELECT unnest(ARRAY[
  format('DROP INDEX CONCURRENTLY IF EXISTS %I.%I', months.name, relname),
  replace(replace(definition, 'INDEX', 'INDEX CONCURRENTLY'),
    ' ON public.ended_orders ', format(' ON %I.ended_orders ', months.name))])
FROM months CROSS JOIN wanted
WHERE months.ended_orders IS NOT NULL
  AND NOT EXISTS (SELECT FROM there WHERE month = months.name AND there.relname = wanted.relname AND indisvalid)
UNION ALL
SELECT format('DROP INDEX CONCURRENTLY IF EXISTS %I.%I', month, there.relname)
FROM there
WHERE there.relname LIKE 'ended~_orders~_%' ESCAPE '~'
  AND NOT EXISTS (SELECT FROM wanted WHERE wanted.relname = there.relname)";

#[derive(FromRow)]
struct Row {
    name: String,
    since: Option<Timestamp>,
    until: Timestamp,
    orders: i64,
    detached_at: Option<Timestamp>,
}

impl From<Row> for Month {
    fn from(row: Row) -> Self {
        let Row { name, since, until, orders, detached_at } = row;
        Self { name, since, until, orders: count(orders), detached_at }
    }
}

#[cfg(test)]
mod tests;
