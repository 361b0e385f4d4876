use crate::amounts::{Balances, atoms};
use futures_util::future::join_all;
use order_core::Atoms;
use serde_json::{Value, json};
use system_tests::{Engine, Gateway, eventually, market_order, setting};

const SYMBOLS: [&str; 2] = ["SOL", "USDC"];

#[tokio::test]
async fn an_order_whose_limit_the_market_has_left_fails_after_its_attempts_and_swaps_nothing() {
    let engine = Engine::start(1, 1, vec![]);
    let cluster = engine.cluster();
    let quoted = quoted_order(&engine.gateway(0), "0.0001").await;
    for pool in cluster.pools(&["SOL", "USDC"]).await {
        cluster.move_price(&pool, -300).await;
    }
    fails_and_swaps_nothing(&engine, &quoted, "slippage_exceeded").await;
}

#[tokio::test]
async fn an_order_whose_pools_are_drained_fails_after_its_attempts_and_swaps_nothing() {
    let engine = Engine::start(1, 1, vec![]);
    let cluster = engine.cluster();
    let quoted = quoted_order(&engine.gateway(0), "0.5").await;
    for pool in cluster.pools(&["SOL"]).await {
        cluster.drain(&pool).await;
    }
    fails_and_swaps_nothing(&engine, &quoted, "slippage_exceeded").await;
}

#[tokio::test]
async fn an_order_that_would_empty_nearly_drained_pools_fails_whatever_its_slippage_and_swaps_nothing() {
    let engine = Engine::start(1, 1, vec![]);
    let cluster = engine.cluster();
    for pool in cluster.pools(&["SOL"]).await {
        cluster.drain(&pool).await;
    }
    let order = market_order("SOL", "USDC", "10", "0.99");
    let (gateway, trifle) = (engine.gateway(0), Atoms::new(1_000_000));
    eventually("a price of drained pools", async || {
        let quote = gateway.post("/api/orders/quote", &order).await;
        (atoms(&quote.body["estimatedOutput"], "USDC") < trifle).then_some(())
    })
    .await;
    fails_and_swaps_nothing(&engine, &order, "price_impact_too_high").await;
}

/// An order that is held to the price of now.
async fn quoted_order(gateway: &Gateway, max_slippage: &str) -> Value {
    let mut order = market_order("SOL", "USDC", "10", max_slippage);
    let quote = gateway.post("/api/orders/quote", &order).await;
    assert_eq!(quote.status, 200, "{}", quote.body);
    order["quoteId"] = quote.body["quoteId"].clone();
    order
}

async fn fails_and_swaps_nothing(engine: &Engine, order: &Value, code: &str) {
    let (gateway, cluster, wallet) = (engine.gateway(0), engine.cluster(), engine.wallet().address);
    let before = Balances::read(&cluster, wallet, &SYMBOLS).await;
    let id = gateway.place(order).await;
    assert_failed(&gateway.ended(&id).await, code, 3);
    assert_eq!(Balances::read(&cluster, wallet, &SYMBOLS).await, before, "something was swapped or paid for");
    assert_eq!(starts_of_attempts(&gateway, &id).await, [1, 2, 3]);
}

#[tokio::test]
async fn while_prices_move_no_order_without_slippage_gets_less_than_its_quote() {
    let engine = Engine::start(1, 1, vec![setting("sandbox", "PRICE_VOLATILITY_BPS", "50")]);
    let (gateway, cluster, wallet) = (engine.gateway(0), engine.cluster(), engine.wallet().address);
    let before = Balances::read(&cluster, wallet, &SYMBOLS).await;

    let orders: Vec<Value> = (0..20)
        .map(|number| match number % 2 {
            0 => market_order("SOL", "USDC", "1", "0"),
            _ => market_order("USDC", "SOL", "100", "0"),
        })
        .collect();
    let ids = join_all(orders.iter().map(|order| gateway.place(order))).await;
    let ended = join_all(ids.iter().map(|id| gateway.ended(id))).await;

    for order in ended.iter().filter(|order| order["status"] == "failed") {
        // A pool whose price has moved far needs other accounts than the transaction names. What moves
        // after the signature makes every node refuse the transaction until it expires.
        let code = order["data"]["error"]["code"].as_str().unwrap();
        let possible = ["slippage_exceeded", "simulation_failed", "transaction_expired"];
        assert!(possible.contains(&code), "{order}");
        assert_failed(order, code, 3);
    }
    let after = Balances::read(&cluster, wallet, &SYMBOLS).await;
    assert_eq!(after.since(&before), Balances::according_to(&ended, &SYMBOLS));
}

#[tokio::test]
async fn an_order_beyond_the_wallet_fails_at_once_and_one_too_small_to_buy_anything_after_its_attempts() {
    // More than the wallet has is more than the pools bear, too.
    let engine = Engine::start(1, 1, vec![setting("executor", "MAX_PRICE_IMPACT", "1")]);
    let (gateway, cluster, wallet) = (engine.gateway(0), engine.cluster(), engine.wallet().address);
    let before = Balances::read(&cluster, wallet, &SYMBOLS).await;

    let beyond = gateway.place(&market_order("SOL", "USDC", "18000000000", "0.999")).await;
    let trifle = gateway.place(&market_order("SOL", "USDC", "0.000000001", "0.05")).await;

    let beyond = gateway.ended(&beyond).await;
    assert_failed(&beyond, "insufficient_funds", 1);
    assert_failed(&gateway.ended(&trifle).await, "no_route", 3);
    assert_eq!(Balances::read(&cluster, wallet, &SYMBOLS).await, before);
}

fn assert_failed(order: &Value, code: &str, attempts: u64) {
    assert_eq!(order["status"], "failed", "{order}");
    assert_eq!(order["message"], "Order execution failed");
    assert_eq!(order["data"]["error"]["code"], code, "{order}");
    assert_eq!(order["attempts"], attempts, "{order}");
    assert_eq!(order["data"]["executedOutput"], Value::Null, "{order}");
}

/// The attempt of each update that says one has begun.
async fn starts_of_attempts(gateway: &Gateway, id: &str) -> Vec<Value> {
    let updates = gateway.follow(id, 0).await.to_the_end(1).await;
    let starts = updates.iter().filter(|update| update["status"] == "routing");
    starts.map(|update| json!(update["attempt"])).collect()
}
