//! Months of orders that have ended.

use crate::Said;
use clap::Subcommand;
use journal::{Month, Upkeep};
use serde::Serialize;
use serde_json::json;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the months, oldest first, and about how many orders each has.
    List,
    /// Take a month out of the lists, so that it can be dumped and dropped. Its orders are not found any more;
    /// their idempotency keys stay taken.
    Detach {
        /// Its name in the list.
        month: String,
    },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    month: String,
    until: String,
    orders: u64,
    detached_at: Option<String>,
}

pub(crate) async fn run(upkeep: &Upkeep, command: Command) -> anyhow::Result<Said> {
    match command {
        Command::List => {
            let rows: Vec<Row> = upkeep.months().await?.iter().map(Row::of).collect();
            Said::table(&rows, "there are no months", ["MONTH", "UNTIL", "ORDERS", "DETACHED"], Row::cells)
        }
        Command::Detach { month } => {
            upkeep.detach_month(&month).await?;
            let text = format!(
                "{month} is detached. Keep it with `pg_dump --schema={month}`, then remove it with \
                 `DROP SCHEMA {month} CASCADE`"
            );
            Said::about(text, json!({ "detached": month }))
        }
    }
}

impl Row {
    fn of(month: &Month) -> Self {
        Self {
            month: month.name.clone(),
            until: month.until.to_string(),
            orders: month.orders,
            detached_at: month.detached_at.map(|at| at.to_string()),
        }
    }

    fn cells(&self) -> [String; 4] {
        let detached = self.detached_at.clone().unwrap_or_default();
        [self.month.clone(), self.until.clone(), format!("about {}", self.orders), detached]
    }
}
