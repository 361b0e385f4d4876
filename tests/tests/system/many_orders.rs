use crate::amounts::{Balances, atoms, pair};
use futures_util::future::join_all;
use serde_json::Value;
use system_tests::{Engine, market_order};

const SYMBOLS: [&str; 3] = ["SOL", "USDC", "USDT"];

/// Both directions of two pairs, 50 of each, with amounts that differ.
fn orders() -> Vec<Value> {
    let sides = [("SOL", "USDC"), ("USDC", "SOL"), ("SOL", "USDT"), ("USDT", "SOL")];
    (0..200)
        .map(|number| {
            let (token_in, token_out) = sides[number % sides.len()];
            let amount =
                if token_in == "SOL" { format!("0.{}", 101 + number) } else { format!("{}.25", 10 + number) };
            market_order(token_in, token_out, &amount, "0.05")
        })
        .collect()
}

#[tokio::test]
async fn two_hundred_orders_at_once_all_end_and_add_up_to_the_unit() {
    let engine = Engine::start(1, 1, vec![]);
    let (gateway, cluster, wallet) = (engine.gateway(0), engine.cluster(), engine.wallet().address);
    let before = Balances::read(&cluster, wallet, &SYMBOLS).await;

    let orders = orders();
    let ids = join_all(orders.iter().map(|order| gateway.place(order))).await;
    // Each is followed by a socket of its own, from its first event to its last without a gap.
    join_all(ids.iter().map(async |id| gateway.follow(id, 0).await.to_the_end(1).await)).await;

    let mut ended = Vec::new();
    for id in &ids {
        let order = gateway.order(id).await;
        assert_eq!(order["status"], "confirmed", "{order}");
        let (_, token_out) = pair(&order);
        let (fill, minimum) = (&order["data"]["executedOutput"], &order["data"]["minimumOutput"]);
        assert!(atoms(fill, token_out) >= atoms(minimum, token_out), "{order}");
        ended.push(order);
    }
    let after = Balances::read(&cluster, wallet, &SYMBOLS).await;
    assert_eq!(after.since(&before), Balances::according_to(&ended, &SYMBOLS));

    let stats = gateway.get("/api/queue/stats").await;
    assert_eq!((stats["completed"].as_u64(), stats["waiting"].as_u64()), (Some(200), Some(0)), "{stats}");
}
