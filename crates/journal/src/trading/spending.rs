//! The spending of a day, so that a limit on it holds over all executors.

use super::Trading;
use crate::database::columns::{bigint, count};
use crate::database::error::broken_rule;
use crate::database::{Error, metrics};
use order_core::{UsdMicros, order};

/// The decision on an order under the day's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spending {
    /// It is, and was counted: now, or at an earlier attempt.
    Counted,
    /// It is not, and was not counted.
    Exceeded {
        /// The sum of the orders counted today.
        today: UsdMicros,
    },
}

impl Trading {
    /// Counts an order into the day's spending if the sum stays within `per_day`. The day is that of
    /// UTC by the database's clock. An order counts once: later calls find it counted, with the
    /// first call's value, even on another day or under another limit. An order that ends without a
    /// swap gives its amount back.
    ///
    /// # Errors
    /// The database does not answer, or there is no such order. The same call may be made again.
    pub async fn spend(
        &self,
        id: order::Id,
        value: UsdMicros,
        per_day: UsdMicros,
    ) -> Result<Spending, Error> {
        match self.spend_once(id, value, per_day).await {
            // Another call for the order came first, while this one waited for the day's sum: what it
            // counted is there now.
            Err(Error::Refused { rule, .. }) if rule == broken_rule("spending_pkey") => {
                self.spend_once(id, value, per_day).await
            }
            outcome => outcome,
        }
    }

    async fn spend_once(
        &self,
        id: order::Id,
        value: UsdMicros,
        per_day: UsdMicros,
    ) -> Result<Spending, Error> {
        let spend = sqlx::query_as(SPEND)
            .bind(id.0)
            .bind(bigint(value.get()))
            .bind(bigint(per_day.get()))
            .fetch_one(&self.pool);
        let (counted, today): (bool, i64) = metrics::statement("spend", spend)
            .await
            .map_err(|error| Error::from_statement("count what is spent", error))?;
        Ok(if counted {
            Spending::Counted
        } else {
            Spending::Exceeded { today: UsdMicros::new(count(today)) }
        })
    }

    /// The sum of the orders counted today.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn spent_today(&self) -> Result<UsdMicros, Error> {
        let read = sqlx::query_scalar(SPENT_TODAY).fetch_one(&self.pool);
        let spent: i64 = metrics::statement("spent_today", read)
            .await
            .map_err(|error| Error::from_statement("read what was spent today", error))?;
        Ok(UsdMicros::new(count(spent)))
    }
}

/// A statement that adds to the day's sum waits for others that do so at the same time, and adds to what they
/// leave. Waiting, it does not see that the order was counted meanwhile: the key of `spending` does.
const SPEND: &str = "
WITH before AS MATERIALIZED (
  SELECT FROM spending WHERE order_id = $1
), today AS (
  INSERT INTO spending_days AS days (day, usd_micros)
  SELECT (now() AT TIME ZONE 'UTC')::date, $2 WHERE $2 <= $3 AND NOT EXISTS (SELECT FROM before)
  ON CONFLICT (day) DO UPDATE SET usd_micros = days.usd_micros + excluded.usd_micros
    WHERE days.usd_micros <= $3 - excluded.usd_micros
  RETURNING day
), counted AS (
  INSERT INTO spending (order_id, day, usd_micros) SELECT $1, day, $2 FROM today RETURNING order_id
)
SELECT EXISTS (SELECT FROM before) OR EXISTS (SELECT FROM counted),
  coalesce((SELECT usd_micros FROM spending_days WHERE day = (now() AT TIME ZONE 'UTC')::date), 0)";

const SPENT_TODAY: &str = "
SELECT coalesce((SELECT usd_micros FROM spending_days WHERE day = (now() AT TIME ZONE 'UTC')::date), 0)";
