//! Orders whose swaps fit into transactions of version 1 alone.

use crate::amounts::{atoms, known};
use serde_json::Value;
use system_tests::{Cluster, Engine, Gateway, Part, eventually, market_order, setting};
use xtask::stack::Setting;

/// Pools of the cluster, Raydium's of BONK and SOL and Orca's of RAY and SOL: a transaction of version 0 that swaps on
/// both is too long without a lookup table.
const POOLS: &str =
    "3pCpqeXUJdCSyrZAQkUZicFf5r6sAhANES1oAoq88DJh,5vcKFMYjmMrXw8dEe6ghqQhy8TWRKb723hC5nj9qCtRF";

fn with(more: Vec<Setting>) -> Vec<Setting> {
    let mut settings = vec![setting("router", "POOLS", POOLS)];
    settings.extend(more);
    settings
}

fn order() -> Value {
    market_order("BONK", "RAY", "1000000", "0.05")
}

/// Sees to it that an order was executed by a transaction of version 1, exactly as the wallet's balance tells.
async fn assert_executed(gateway: &Gateway, cluster: &Cluster, order: &Value, received: u64) {
    assert_eq!(order["status"], "confirmed", "{order}");
    let id = order["orderId"].as_str().unwrap();
    let events = gateway.get(&format!("/api/orders/{id}/events")).await;
    let events = events["events"].as_array().unwrap();
    // An attempt may have come to nothing before.
    let route = events.iter().map(|event| &event["route"]).rfind(|route| route.is_object()).unwrap();
    let end = &events[events.len() - 1];
    assert_eq!(route["route"].as_array().unwrap().len(), 2, "{route}");
    assert_eq!(end["fill"]["output"], route["estimatedOutput"], "executed is what was quoted: {events:?}");
    assert_eq!(received, atoms(&end["fill"]["output"], "RAY").get());
    let landed = cluster.transaction(order["data"]["txHash"].as_str().unwrap()).await;
    assert_eq!((&landed["version"], &landed["meta"]["err"]), (&Value::from(1), &Value::Null), "{landed}");
    let config = &landed["transaction"]["message"]["transactionConfig"];
    let [limit, loaded] =
        ["computeUnitLimit", "loadedAccountsDataSizeLimit"].map(|key| config[key].as_u64().unwrap());
    assert!(
        (1..1_400_000).contains(&limit) && (1..64 << 20).contains(&loaded),
        "they are measured: {config}"
    );
}

#[tokio::test]
async fn an_order_that_fits_with_version_1_alone_is_executed_to_the_unit_also_by_another_executor() {
    let mut engine = Engine::start(1, 1, with(vec![setting("executor", "LEASE_SECONDS", "3")]));
    let (gateway, cluster, wallet) = (engine.gateway(0), engine.cluster(), engine.wallet().address);
    let balance = async || cluster.tokens(wallet, known("RAY").mint).await.get();
    let before = balance().await;
    let id = gateway.place(&order()).await;
    let first = gateway.ended(&id).await;
    assert_executed(&gateway, &cluster, &first, balance().await - before).await;

    // The next is signed, and does not land before its executor is gone.
    let before = balance().await;
    cluster.drop_transactions().await;
    let id = gateway.place(&order()).await;
    eventually("it is submitted", async || (gateway.order(&id).await["status"] == "submitted").then_some(()))
        .await;
    engine.kill(Part::Executor(0));
    cluster.heal().await;
    engine.restart(Part::Executor(0));
    let second = gateway.ended(&id).await;
    assert_executed(&gateway, &cluster, &second, balance().await - before).await;
    assert_eq!(engine.landed().len(), 2, "each landed once");
}

#[tokio::test]
async fn a_cluster_that_comes_to_take_version_1_is_traded_on_with_it() {
    let engine = Engine::start(1, 1, with(vec![setting("sandbox", "TRANSACTION_VERSION_1", "false")]));
    let (gateway, cluster, wallet) = (engine.gateway(0), engine.cluster(), engine.wallet().address);
    let refused = gateway.ended(&gateway.place(&order()).await).await;
    assert_eq!(
        (&refused["status"], &refused["data"]["error"]["code"]),
        (&"failed".into(), &"no_route".into())
    );
    assert!(refused.to_string().contains("does not fit"), "{refused}");

    cluster.take_version_1(true).await;
    let before = cluster.tokens(wallet, known("RAY").mint).await.get();
    // The router and the executor look from time to time.
    let executed = eventually("version 1 is seen", async || {
        let order = gateway.ended(&gateway.place(&order()).await).await;
        (order["status"] == "confirmed").then_some(order)
    })
    .await;
    let after = cluster.tokens(wallet, known("RAY").mint).await.get();
    assert_executed(&gateway, &cluster, &executed, after - before).await;
}

#[tokio::test]
async fn an_executor_that_may_not_use_version_1_loses_attempts_and_nothing_else() {
    let engine = Engine::start(1, 1, with(vec![setting("executor", "MAX_TRANSACTION_VERSION", "0")]));
    let gateway = engine.gateway(0);
    let failed = gateway.ended(&gateway.place(&order()).await).await;
    assert_eq!(
        (&failed["status"], &failed["data"]["error"]["code"]),
        (&"failed".into(), &"simulation_failed".into()),
        "{failed}"
    );
    assert!(failed.to_string().contains("MAX_TRANSACTION_VERSION"), "{failed}");
    assert_eq!(engine.landed(), [""; 0]);
}

#[tokio::test]
async fn a_cluster_that_takes_version_1_no_more_lands_none_and_the_order_fails() {
    let engine = Engine::start(1, 1, with(Vec::new()));
    let (gateway, cluster) = (engine.gateway(0), engine.cluster());
    let executed = gateway.ended(&gateway.place(&order()).await).await;
    assert_eq!(executed["status"], "confirmed", "{executed}");
    // Router and executor remember for a while that it was taken.
    cluster.take_version_1(false).await;
    let failed = gateway.ended(&gateway.place(&order()).await).await;
    assert_eq!(failed["status"], "failed", "{failed}");
    assert_eq!(engine.landed().len(), 1);
}

/// The blocks in which a transaction may land, and until that is finalized.
const LIFE_SLOTS: u64 = 150 + 32;

#[tokio::test]
async fn an_order_of_version_1_that_a_restored_database_has_forgotten_does_not_trade_again() {
    let mut engine = Engine::start(1, 1, with(Vec::new()));
    engine.kill(Part::Executor(0));
    let id = engine.gateway(0).place(&order()).await;
    engine.back_up();
    let executed = engine.gateway(0).ended(&id).await;
    assert_eq!(executed["status"], "confirmed", "{executed}");
    let cluster = engine.cluster();
    let signature = executed["data"]["txHash"].as_str().unwrap().to_owned();
    assert_eq!(cluster.transaction(&signature).await["version"], 1);
    engine.restore();
    let gateway = engine.gateway(0);
    const HALTS: &str = "SELECT reason FROM halts WHERE resumed_at IS NULL";
    eventually("the order ends again, or trading is halted", async || {
        let status = gateway.order(&id).await["status"].take();
        let over = ["confirmed", "failed"].iter().any(|end| status == *end);
        (over || !engine.query(HALTS).is_empty()).then_some(())
    })
    .await;
    cluster.pass(LIFE_SLOTS).await;
    assert_eq!(engine.landed(), std::slice::from_ref(&signature), "it landed once");
    let (order, halted) = (gateway.order(&id).await, format!("{:?}", engine.query(HALTS)));
    assert_ne!(order["status"], "failed", "it landed: {order}");
    assert!(order["status"] == "confirmed" || halted.contains(&signature), "{order} {halted}");
}
