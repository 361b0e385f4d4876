//! The second and the third witness: the journal's tables, and the cluster's ledger.

use crate::stage::Stage;
use anyhow::{Context, Result};
use order_core::order::Event;
use order_core::{Timestamp, order};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use xtask::postgres::Row;

/// Moments in microseconds since 1970, by the clock that all processes of this machine share.
pub(crate) type Moment = i64;

/// An order's row.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) key: Option<String>,
    pub(crate) status: String,
    pub(crate) seq: u64,
    pub(crate) fence: u64,
    pub(crate) age_ms: u64,
    pub(crate) events: Vec<Recorded>,
    pub(crate) transactions: Vec<Transaction>,
}

/// An event's row.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) seq: u64,
    pub(crate) attempt: u32,
    pub(crate) fence: u64,
    pub(crate) event: Event,
    pub(crate) at: Timestamp,
    /// When it was committed, not when its statement began.
    pub(crate) committed: Moment,
}

/// A transaction's row.
#[derive(Debug, Clone)]
pub(crate) struct Transaction {
    pub(crate) signature: String,
    pub(crate) state: String,
    pub(crate) last_valid_block_height: u64,
    pub(crate) signed: Moment,
    pub(crate) observed: Option<Moment>,
}

/// A line of the ledger.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Entry {
    /// A node got it, perhaps again.
    Received { signature: String, at: Timestamp },
    /// It is in a block.
    Landed { signature: String, err: serde_json::Value },
    /// Its block was abandoned.
    RolledBack { signature: String },
    /// The blocks up to this height cannot be abandoned any more.
    Finalized { height: u64, at: Timestamp },
}

const ORDERS: &str = "
SELECT id, idempotency_key, status, seq, fence,
  floor(extract(epoch FROM coalesce(ended_at, now()) - created_at) * 1000)::bigint
FROM orders ORDER BY id";

const EVENTS: &str = "
SELECT order_id, seq, attempt, fence, body, to_json(at AT TIME ZONE 'UTC') #>> '{}',
  floor(extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint
FROM order_events ORDER BY order_id, seq";

const TRANSACTIONS: &str = "
SELECT order_id, signature, state, last_valid_block_height,
  floor(extract(epoch FROM signed_at) * 1000000)::bigint,
  floor(extract(epoch FROM observed_at) * 1000000)::bigint
FROM transactions ORDER BY order_id, attempt, signed_at";

/// Everything that the journal holds, by the orders' ids.
pub(crate) fn journal(stage: &Stage) -> Result<BTreeMap<String, Order>> {
    let orders = stage.query(ORDERS)?.iter().map(order).collect::<Result<Vec<_>>>()?;
    let mut orders: BTreeMap<String, Order> =
        orders.into_iter().map(|order| (order.id.clone(), order)).collect();
    for row in stage.query(EVENTS)? {
        let order = orders.get_mut(text(&row, 0)?).context("an event without its order")?;
        order.events.push(recorded(&row)?);
    }
    for row in stage.query(TRANSACTIONS)? {
        let order = orders.get_mut(text(&row, 0)?).context("a transaction without its order")?;
        order.transactions.push(transaction(&row)?);
    }
    Ok(orders)
}

/// Everything that the cluster wrote down.
pub(crate) fn ledger(path: &Path) -> Result<Vec<Entry>> {
    let text = std::fs::read_to_string(path).context("reading the cluster's ledger")?;
    text.lines().map(|line| serde_json::from_str(line).context("reading the cluster's ledger")).collect()
}

impl Order {
    /// Its id, and how long after the first each of its events came.
    pub(crate) fn timeline(&self) -> String {
        let first = self.events.first().map_or(0, |event| event.committed);
        let told = self.events.iter().map(|event| {
            let after_ms = (event.committed - first) / 1_000;
            format!("{} +{after_ms} ms", event.event.kind())
        });
        format!("{}: {}", self.id, told.collect::<Vec<_>>().join(", "))
    }

    /// The order as the engine's own rules make it from its events.
    ///
    /// # Errors
    /// They break these rules.
    pub(crate) fn replay(&self) -> Result<order_core::Order> {
        let id: order::Id = self.id.parse().context("reading an order's id")?;
        let history: Vec<order::Recorded> = self.events.iter().map(Recorded::core).collect();
        order_core::Order::replay(id, &history).map_err(|invalid| anyhow::anyhow!("{invalid}"))
    }
}

impl Recorded {
    fn core(&self) -> order::Recorded {
        order::Recorded { seq: self.seq, attempt: self.attempt, event: self.event.clone(), at: self.at }
    }
}

fn order(row: &Row) -> Result<Order> {
    Ok(Order {
        id: text(row, 0)?.to_owned(),
        key: row[1].clone(),
        status: text(row, 2)?.to_owned(),
        seq: number(row, 3)?,
        fence: number(row, 4)?,
        age_ms: number(row, 5)?,
        events: Vec::new(),
        transactions: Vec::new(),
    })
}

fn recorded(row: &Row) -> Result<Recorded> {
    let at = format!("{}Z", text(row, 5)?);
    Ok(Recorded {
        seq: number(row, 1)?,
        attempt: number(row, 2)?,
        fence: number(row, 3)?,
        event: serde_json::from_str(text(row, 4)?).context("reading an event")?,
        at: at.parse().with_context(|| format!("reading the time of an event, {at}"))?,
        committed: number(row, 6)?,
    })
}

fn transaction(row: &Row) -> Result<Transaction> {
    Ok(Transaction {
        signature: text(row, 1)?.to_owned(),
        state: text(row, 2)?.to_owned(),
        last_valid_block_height: number(row, 3)?,
        signed: number(row, 4)?,
        observed: row[5].as_deref().map(str::parse).transpose()?,
    })
}

fn text(row: &Row, column: usize) -> Result<&str> {
    row.get(column).and_then(Option::as_deref).with_context(|| format!("NULL in column {column}"))
}

fn number<T: std::str::FromStr<Err = std::num::ParseIntError>>(row: &Row, column: usize) -> Result<T> {
    let text = text(row, column)?;
    text.parse().with_context(|| format!("`{text}` in column {column}"))
}
