//! Orders on each venue whose programs were given, and on all of them together.

use crate::report::Row;
use crate::stage::Stage;
use crate::trader::{Order, Trader};
use anyhow::Result;
use order_core::Venue;
use serde_json::Value;
use system_tests::Cluster;

/// Each venue has pools of these pairs.
const ON_EACH_VENUE: [Order; 3] = [("SOL", "USDC", "1"), ("USDC", "SOL", "150"), ("USDC", "USDT", "100")];

/// Enough to be divided among several pools, and a pair that no pool trades.
const ON_ALL_VENUES: [Order; 3] =
    [("SOL", "USDC", "500"), ("USDC", "SOL", "50000"), ("BONK", "RAY", "1000000")];

/// Trades on each venue, and then on all of them; the orders as they ended.
pub(crate) async fn trade(stage: &Stage, rows: &mut Vec<Row>) -> Result<Vec<Value>> {
    let mut orders = Vec::new();
    for venue in Venue::ALL {
        let name = venue.name();
        if !stage.venues.contains(&venue) {
            rows.push(Row::skipped(name, "NO PROGRAM GIVEN: nothing is known of this venue"));
            continue;
        }
        let trader = Trader::new(stage, &name.replace('_', "-"), name)?;
        orders.extend(place_all((stage, &trader), name, &ON_EACH_VENUE, &[name.to_owned()], rows).await?);
    }
    if stage.venues.len() > 1 {
        let trader = Trader::new(stage, "all", "")?;
        let all: Vec<String> = stage.venues.iter().map(|venue| venue.name().to_owned()).collect();
        orders.extend(place_all((stage, &trader), "all venues", &ON_ALL_VENUES, &all, rows).await?);
    }
    Ok(orders)
}

/// Places orders one after the other, and says of each how it ended.
async fn place_all(
    (stage, trader): (&Stage, &Trader),
    what: &str,
    orders: &[Order],
    allowed: &[String],
    rows: &mut Vec<Row>,
) -> Result<Vec<Value>> {
    let mut ended = Vec::new();
    for order in orders {
        let (token_in, token_out, amount) = order;
        let what = format!("{what}: {amount} {token_in} for {token_out}");
        let id = trader.place(*order).await?;
        let order = trader.ended(&id).await?;
        let over = trader.venues(&id).await?;
        let version = version(stage, &order).await;
        rows.push(if order["status"] == "confirmed" {
            judged(&what, &order, (&over, version), allowed)
        } else {
            Row::failed(&what, &format!("{}: {}", order["status"], trader.reasons(&id).await?))
        });
        ended.push(order);
    }
    Ok(ended)
}

/// The version of an order's transaction, as the node tells it.
async fn version(stage: &Stage, order: &Value) -> Value {
    let cluster = Cluster::new(stage.validator.rpc);
    match order["data"]["txHash"].as_str() {
        Some(signature) => cluster.transaction(signature).await["version"].clone(),
        None => Value::Null,
    }
}

/// Nobody else trades, so what was received is what was quoted, to the last unit.
fn judged(what: &str, order: &Value, (over, version): (&[String], Value), allowed: &[String]) -> Row {
    let data = &order["data"];
    let [quoted, received] =
        ["estimatedOutput", "executedOutput"].map(|key| data[key].as_str().unwrap_or("nothing"));
    let seen =
        format!("quoted {quoted}, received {received}, version {version}, over {}", over.join(" and "));
    if over.iter().any(|venue| !allowed.contains(venue)) || over.is_empty() {
        return Row::failed(what, &format!("{seen}, which was not asked for"));
    }
    if quoted != received {
        return Row::failed(what, &seen);
    }
    Row::passed(what, &seen)
}
