//! The spending of a day, so that a limit on it holds over all executors.

use super::Trading;
use crate::database::columns::{bigint, count};
use crate::database::{Error, metrics};
use order_core::{AccountId, UsdMicros, order};

/// The decision on an order under the limits of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spending {
    /// It was counted: now, or at an earlier attempt.
    Counted,
    /// It was not counted: with it the sum would exceed the limit.
    Exceeded {
        /// True if the sum and the limit are those of the order's account, false if they are those of all.
        of_account: bool,
        /// The sum of the orders counted today.
        today: UsdMicros,
        /// The limit.
        most: UsdMicros,
    },
}

impl Trading {
    /// Counts an order into the day's spending if the sum of all orders stays within `per_day`, and that of its
    /// account within the account's own limit. The day is that of UTC by the database's clock. An order counts
    /// once: later calls find it counted, with the first call's value, even on another day or under another limit.
    /// An order that ends without a swap gives its amount back.
    ///
    /// # Errors
    /// The database does not answer, or there is no such order. The same call may be made again.
    pub async fn spend(
        &self,
        id: order::Id,
        account: &AccountId,
        value: UsdMicros,
        per_day: Option<UsdMicros>,
    ) -> Result<Spending, Error> {
        let spend = sqlx::query_as(SPEND)
            .bind(id.0)
            .bind(account.as_str())
            .bind(bigint(value.get()))
            .bind(per_day.map(|per_day| bigint(per_day.get())))
            .fetch_optional(&self.pool);
        let exceeded: Option<(bool, i64, i64)> = metrics::statement("spend", spend)
            .await
            .map_err(|error| Error::from_statement("count what is spent", error))?;
        Ok(match exceeded {
            None => Spending::Counted,
            Some((of_account, today, most)) => Spending::Exceeded {
                of_account,
                today: UsdMicros::new(count(today)),
                most: UsdMicros::new(count(most)),
            },
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

const SPEND: &str = "SELECT of_one_account, spent, most FROM count_spending($1, $2, $3, $4)";

const SPENT_TODAY: &str = "
SELECT coalesce((SELECT usd_micros FROM spending_days WHERE day = (now() AT TIME ZONE 'UTC')::date), 0)";
