//! Faults of a node: it stands still, or it is killed and comes back with the ledger that it left.

use crate::report::Row;
use crate::stage::Stage;
use crate::trader::{Order, Trader};
use anyhow::Result;
use futures_util::future::try_join_all;
use serde_json::Value;
use std::time::Duration;
use xtask::Signal;

/// Orders that are placed at once, before something happens and while it does.
const CROWD: [Order; 4] =
    [("SOL", "USDC", "0.5"), ("USDC", "SOL", "75"), ("SOL", "USDT", "0.25"), ("USDC", "USDT", "20")];

/// Longer than the age at which the router refuses to quote; and nearly as long as an attempt lasts.
const PAUSES: [Duration; 2] = [Duration::from_secs(8), Duration::from_secs(25)];

/// After an order's acceptance, it is signed and sent within this time.
const MOMENTS: [Duration; 3] = [Duration::ZERO, Duration::from_millis(300), Duration::from_millis(900)];

/// Stops and kills the node while orders are in work; the orders as they ended.
pub(crate) async fn happen(stage: &mut Stage, rows: &mut Vec<Row>) -> Result<Vec<Value>> {
    let trader = Trader::new(stage, "crowd", "")?;
    let mut all = Vec::new();
    for pause in PAUSES {
        let mut ids = place(&trader).await?;
        stage.validator.process.signal(Signal::Stop)?;
        ids.extend(place(&trader).await?);
        tokio::time::sleep(pause).await;
        stage.validator.process.signal(Signal::Continue)?;
        let what = format!("the node stands still for {} s", pause.as_secs());
        all.extend(judge(&trader, &what, &ids, rows).await?);
    }
    for moment in MOMENTS {
        let mut ids = place(&trader).await?;
        tokio::time::sleep(moment).await;
        stage.supervisor.kill(&mut stage.validator.process)?;
        ids.extend(place(&trader).await?);
        stage.validator.crash_and_restart(&stage.supervisor)?;
        let what = format!("the node is killed {} ms after orders, and restarted", moment.as_millis());
        all.extend(judge(&trader, &what, &ids, rows).await?);
    }
    Ok(all)
}

async fn place(trader: &Trader) -> Result<Vec<String>> {
    try_join_all(CROWD.iter().map(|order| trader.place(*order))).await
}

/// Every order must end. One whose node was away may fail, if it says so; a router or cluster that comes back in time
/// costs no order.
async fn judge(trader: &Trader, what: &str, ids: &[String], rows: &mut Vec<Row>) -> Result<Vec<Value>> {
    let orders = trader.all_ended(ids).await?;
    let confirmed = orders.iter().filter(|order| order["status"] == "confirmed").count();
    let other = orders.iter().find(|order| order["status"] != "confirmed");
    let attempts: u64 = orders.iter().filter_map(|order| order["attempts"].as_u64()).sum();
    let seen = format!("{confirmed} of {} orders confirmed, in {attempts} attempts", ids.len());
    rows.push(match other.and_then(|order| order["orderId"].as_str()) {
        None => Row::passed(what, &seen),
        Some(id) => Row::failed(what, &format!("{seen}; another: {}", trader.reasons(id).await?)),
    });
    // The node may still be catching up: orders as before must work before the next thing happens.
    let id = trader.place(("SOL", "USDC", "0.1")).await?;
    let order = trader.ended(&id).await?;
    if order["status"] != "confirmed" {
        let reasons = trader.reasons(&id).await?;
        rows.push(Row::failed(&format!("{what}: an order afterwards"), &reasons));
    }
    Ok(orders.into_iter().chain([order]).collect())
}
