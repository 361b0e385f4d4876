use crate::amounts::{Balances, atoms};
use order_core::Atoms;
use serde_json::{Value, json};
use system_tests::{Engine, market_order, setting};
use xtask::stack::LOOKUP_TABLE;

/// Of which no pool trades one for the other: what is spent, and what is bought.
const WITHOUT_A_POOL: [(&str, &str); 3] = [("BONK", "RAY"), ("RAY", "JUP"), ("JUP", "BONK")];

const SYMBOLS: [&str; 6] = ["SOL", "USDC", "USDT", "RAY", "JUP", "BONK"];

/// An engine as `cargo xtask up` has it: without a table the longest two hops have no room for the marker.
fn engine() -> Engine {
    let table = ["router", "executor"].map(|service| setting(service, "LOOKUP_TABLES", LOOKUP_TABLE));
    Engine::start(1, 1, table.into())
}

/// Places an order, and checks that it received what was quoted and changed the wallet as it says. Gives the order and
/// its route.
async fn executed(engine: &Engine, spent: &str, bought: &str, amount: &str) -> (Value, Value) {
    executed_as(engine, &market_order(spent, bought, amount, "0.05")).await
}

async fn executed_as(engine: &Engine, asked: &Value) -> (Value, Value) {
    let (gateway, cluster, wallet) = (engine.gateway(0), engine.cluster(), engine.wallet().address);
    let before = Balances::read(&cluster, wallet, &SYMBOLS).await;
    let id = gateway.place(asked).await;
    let order = gateway.ended(&id).await;
    assert_eq!(order["status"], "confirmed", "{order}");
    let events = gateway.get(&format!("/api/orders/{id}/events")).await;
    let (route, end) = (&events["events"][2]["route"], &events["events"][4]);
    assert_eq!(end["fill"]["output"], route["estimatedOutput"], "executed is what was quoted: {events}");
    assert_eq!(order["data"]["executedInput"], end["fill"]["input"]);
    let changes = Balances::read(&cluster, wallet, &SYMBOLS).await.since(&before);
    let told = Balances::according_to(&[gateway.order(&id).await], &SYMBOLS);
    assert_eq!(changes, told, "nothing is left or taken that is not told: {events}");
    (order, route.clone())
}

/// The input that an order of this amount has not spent.
fn unspent(order: &Value, symbol: &str) -> Atoms {
    let spent = atoms(&order["data"]["executedInput"], symbol);
    atoms(&order["amount"], symbol).checked_sub(spent).unwrap()
}

#[tokio::test]
async fn an_order_without_a_pool_of_its_own_is_executed_over_a_third_token_to_the_unit() {
    let engine = engine();
    for symbol in ["RAY", "JUP", "BONK"] {
        executed(&engine, "SOL", symbol, "10").await;
    }
    for (spent, bought) in WITHOUT_A_POOL {
        let (order, route) = executed(&engine, spent, bought, "1000").await;
        assert!(route["route"].as_array().unwrap().len() >= 2, "{route}");
        // What an exact-out hop leaves is of the input, and what an exact-in hop leaves is of the intermediate token.
        let left = unspent(&order, spent).get();
        let leftovers = order["data"]["leftovers"].as_array().unwrap();
        assert!(left > 0 || !leftovers.is_empty(), "a part is left so that prices may move: {order}");
        assert!(left <= atoms(&order["amount"], spent).get() / 990, "{order}");
    }
}

#[tokio::test]
async fn an_exact_in_first_hop_spends_all_and_leaves_a_little_of_the_token_between() {
    let engine = engine();
    executed(&engine, "SOL", "USDT", "10").await;
    // No pool of the others sells USDT for anything that buys RAY.
    for venue in ["raydium_cpmm", "raydium_amm_v4", "raydium_clmm", "meteora_damm_v1", "meteora_damm_v2"] {
        engine.ops(&["venue", "disable", venue, "--reason", "the test is of the others"]);
    }
    let (order, route) = executed(&engine, "USDT", "RAY", "1000").await;
    let hops = route["paths"][0]["hops"].as_array().unwrap();
    assert_eq!(hops[0]["venue"], "meteora_dlmm", "{route}");
    assert_eq!(unspent(&order, "USDT"), Atoms::ZERO);
    let [given, sold] = [&hops[0]["amountOut"], &hops[1]["amountIn"]].map(|amount| atoms(amount, "SOL"));
    let leftover = given.checked_sub(sold).unwrap();
    let [left] = &order["data"]["leftovers"].as_array().unwrap()[..] else { panic!("{order}") };
    assert_eq!((left["token"].as_str(), atoms(&left["amount"], "SOL")), (Some("SOL"), leftover));
    assert_eq!(left["baseUnits"], leftover.get().to_string());
    assert!(leftover.get() > 0 && leftover.get() <= given.get() / 990, "{route}");
}

#[tokio::test]
async fn an_order_that_uses_its_full_input_leaves_none_of_it() {
    let engine = engine();
    executed(&engine, "SOL", "BONK", "10").await;
    for (amount, use_full_input) in [("1000", false), ("1000.00001", true)] {
        let asked = json!({
            "tokenIn": "BONK", "tokenOut": "RAY", "amount": amount, "maxSlippage": "0.05",
            "useFullInput": use_full_input,
        });
        let (order, route) = executed_as(&engine, &asked).await;
        assert_eq!(unspent(&order, "BONK") == Atoms::ZERO, use_full_input, "{order}");
        assert_eq!(order["data"]["leftovers"] == json!([]), !use_full_input, "{order} {route}");
    }
}
