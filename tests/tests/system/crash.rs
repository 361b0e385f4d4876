use crate::amounts::Balances;
use futures_util::future::join_all;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use system_tests::{Engine, Part, eventually, market_order, setting};

const SYMBOLS: [&str; 2] = ["SOL", "USDC"];

/// More orders than an executor has permits: those that wait for the chain hold none.
const ORDERS: usize = 15;

/// How long the orders of a killed executor may take to end once another is there.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_killed_executor_s_orders_end_soon_and_land_once_each() {
    let mut engine = Engine::start(1, 1, vec![setting("executor", "LEASE_SECONDS", "3")]);
    let (gateway, cluster, wallet) = (engine.gateway(0), engine.cluster(), engine.wallet().address);
    let before = Balances::read(&cluster, wallet, &SYMBOLS).await;

    // Nothing lands, and the router goes on: every order is submitted, and stays so.
    cluster.drop_transactions().await;
    let order = market_order("SOL", "USDC", "0.1", "0.05");
    let ids = join_all((0..ORDERS).map(|_| gateway.place(&order))).await;
    eventually("every order is submitted", async || {
        let submitted = gateway.get("/api/orders?status=submitted").await;
        (submitted["orders"].as_array().unwrap().len() == ORDERS).then_some(())
    })
    .await;
    engine.kill(Part::Executor(0));
    cluster.heal().await;
    engine.restart(Part::Executor(0));

    let there = Instant::now();
    let ended = join_all(ids.iter().map(|id| gateway.ended(id))).await;
    assert!(there.elapsed() < TAKEN_OVER_WITHIN, "it took {:?}", there.elapsed());
    assert!(ended.iter().all(|order| order["status"] == "confirmed"), "{ended:?}");
    let after = Balances::read(&cluster, wallet, &SYMBOLS).await;
    assert_eq!(after.since(&before), Balances::according_to(&ended, &SYMBOLS));
    assert_landings(&engine.ledger(), &ended);
}

/// As many landings as orders, each of an order's own transaction, and nothing else was ever sent.
fn assert_landings(ledger: &[Value], orders: &[Value]) {
    let signatures = |kind: &str| -> Vec<&str> {
        let lines = ledger.iter().filter(|line| line["kind"] == kind);
        lines.map(|line| line["signature"].as_str().unwrap()).collect()
    };
    let landed = signatures("landed");
    assert_eq!(landed.len(), orders.len());
    let landed: BTreeSet<&str> = landed.into_iter().collect();
    let expected: BTreeSet<&str> =
        orders.iter().map(|order| order["data"]["txHash"].as_str().unwrap()).collect();
    assert_eq!(landed, expected);
    assert_eq!(signatures("received").into_iter().collect::<BTreeSet<_>>(), expected);
}
