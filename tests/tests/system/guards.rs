use serde_json::{Value, json};
use system_tests::{Engine, Gateway, Part, eventually, market_order, setting};

const HALT: &str = "INSERT INTO halts (reason) VALUES ('a test')";
const RESUME: &str = "UPDATE halts SET resumed_at = now()";

#[tokio::test]
async fn while_trading_is_halted_nothing_is_signed_and_what_is_submitted_lands() {
    let mut engine = Engine::start(1, 1, vec![setting("executor", "LEASE_SECONDS", "3")]);
    let (gateway, cluster) = (engine.gateway(0), engine.cluster());
    let order = market_order("SOL", "USDC", "1", "0.05");

    cluster.freeze().await;
    let submitted = gateway.place(&order).await;
    eventually("a submitted order", async || {
        (gateway.order(&submitted).await["status"] == "submitted").then_some(())
    })
    .await;
    engine.kill(Part::Executor(0));
    let waiting = gateway.place(&order).await;
    engine.sql(HALT);
    cluster.heal().await;
    engine.restart(Part::Executor(0));

    assert_failed(&gateway.ended(&waiting).await, "halted");
    let landed = gateway.ended(&submitted).await;
    assert_eq!(landed["status"], "confirmed", "{landed}");
    let ledger = engine.ledger();
    let mut sent = ledger.iter().filter(|line| line["kind"] == "received");
    assert!(sent.all(|line| line["signature"] == landed["data"]["txHash"]), "another one was sent");

    engine.sql(RESUME);
    let id = eventually("trading to go on", async || {
        let placed = gateway.post("/api/orders/execute", &order).await;
        (placed.status == 202).then(|| placed.body["orderId"].as_str().unwrap().to_owned())
    })
    .await;
    assert_eq!(gateway.ended(&id).await["status"], "confirmed");
}

#[tokio::test]
async fn no_order_and_no_day_s_orders_are_worth_more_than_the_limits() {
    let limits =
        vec![setting("executor", "MAX_ORDER_VALUE", "200"), setting("executor", "MAX_DAY_VALUE", "300")];
    let engine = Engine::start(1, 1, limits);
    let gateway = engine.gateway(0);
    let place = async |token_in: &str, token_out: &str, amount: &str| {
        ended(&gateway, &market_order(token_in, token_out, amount, "0.05")).await
    };

    assert_eq!(place("USDC", "SOL", "100").await["status"], "confirmed");
    assert_failed(&place("USDC", "SOL", "200.000001").await, "limit_exceeded");
    assert_failed(&place("SOL", "USDC", "2").await, "limit_exceeded");
    // About 150 dollars, of which neither token is one.
    assert_failed(&place("SOL", "RAY", "2").await, "limit_exceeded");
    assert_eq!(place("SOL", "RAY", "1").await["status"], "confirmed");
    // That makes some 250 today.
    assert_failed(&place("USDC", "SOL", "60").await, "limit_exceeded");
    assert_eq!(place("USDC", "SOL", "40").await["status"], "confirmed");
}

async fn ended(gateway: &Gateway, order: &Value) -> Value {
    gateway.ended(&gateway.place(order).await).await
}

fn assert_failed(order: &Value, code: &str) {
    assert_eq!(order["status"], "failed", "{order}");
    assert_eq!((&order["data"]["error"]["code"], &order["data"]["txHash"]), (&json!(code), &Value::Null));
}
