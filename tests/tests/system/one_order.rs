use crate::amounts::{Balances, atoms, known};
use order_core::Atoms;
use serde_json::{Value, json};
use system_tests::{Cluster, Engine, Gateway, eventually, market_order};

/// The blocks in which a transaction may land, and until that is finalized.
const LIFE_SLOTS: u64 = 150 + 32;

const STATUSES: [&str; 5] = ["pending", "routing", "building", "submitted", "confirmed"];
const MESSAGES: [&str; 5] = [
    "Order received and queued",
    "Comparing DEX prices",
    "Creating transaction",
    "Transaction sent to network",
    "Transaction confirmed",
];

#[tokio::test]
async fn an_order_goes_from_post_to_confirmed_and_everything_agrees_on_it() {
    let engine = Engine::start(1, 1, vec![]);
    let (gateway, cluster, wallet) = (engine.gateway(0), engine.cluster(), engine.wallet().address);
    let before = Balances::read(&cluster, wallet, &["SOL", "USDC"]).await;

    let order = json!({ "tokenIn": "SOL", "tokenOut": "USDC", "amount": 100, "maxSlippage": 0.05 });
    let id = gateway.place(&order).await;
    let updates = gateway.follow(&id, 0).await.to_the_end(1).await;

    assert_updates(&updates, &id);
    let order = gateway.order(&id).await;
    assert_order(&order, &updates);
    let after = Balances::read(&cluster, wallet, &["SOL", "USDC"]).await;
    assert_eq!(after.since(&before), Balances::according_to(std::slice::from_ref(&order), &["SOL", "USDC"]));
    assert_transaction(&cluster, &order).await;
    assert_lists_and_statistics(&gateway, &order).await;
    assert_replay(&gateway, &id, &updates).await;
}

#[tokio::test]
async fn an_order_submitted_by_websocket_is_told_of_on_the_same_connection() {
    let engine = Engine::start(1, 1, vec![]);
    let (cluster, wallet) = (engine.cluster(), engine.wallet().address);
    let before = Balances::read(&cluster, wallet, &["SOL", "USDC"]).await;

    let updates = engine.gateway(0).submit(&market_order("USDC", "SOL", "150.5", "0.05")).await;
    let updates = updates.to_the_end(1).await;

    let id = updates[0]["orderId"].as_str().unwrap();
    assert_updates(&updates, id);
    let order = engine.gateway(0).order(id).await;
    let after = Balances::read(&cluster, wallet, &["SOL", "USDC"]).await;
    assert_eq!(after.since(&before), Balances::according_to(&[order], &["SOL", "USDC"]));
}

/// Lamports at an order's marker that no transaction explains: nobody can say whether the order has landed. It
/// waits, and an operator settles it.
#[tokio::test]
async fn an_order_that_no_node_decides_is_settled_by_an_operator() {
    let engine = Engine::start(1, 1, vec![]);
    let (gateway, cluster, wallet) = (engine.gateway(0), engine.cluster(), engine.wallet().address);
    let usdc = async || cluster.tokens(wallet, known("USDC").mint).await.get();
    let before = usdc().await;
    cluster.freeze().await;
    let id = gateway.place(&market_order("SOL", "USDC", "1", "0.05")).await;
    let marker = eventually("a marker", async || {
        let rows = engine.query("SELECT address FROM order_markers");
        rows.first().and_then(|row| row.first().cloned()).flatten()
    })
    .await;
    cluster.airdrop(marker.parse().unwrap(), Atoms::new(890_880)).await;
    cluster.heal().await;
    cluster.expire_blockhashes().await;
    cluster.pass(2 * LIFE_SLOTS).await;
    assert_eq!(gateway.order(&id).await["status"], "submitted", "nobody guesses");

    let settle = ["order", "settle", &id, "--outcome", "not-landed", "--evidence", "no explorer has it"];
    engine.ops(&settle);
    let order = gateway.ended(&id).await;
    assert_eq!(order["status"], "failed", "{order}");
    let events = gateway.get(&format!("/api/orders/{id}/events")).await;
    assert_eq!(events["events"].as_array().unwrap().last().unwrap()["kind"], "settled", "{events}");
    // Other orders go on.
    let next = gateway.place(&market_order("SOL", "USDC", "1", "0.05")).await;
    let next = gateway.ended(&next).await;
    // The first may be in a block, refused for the marker; it has swapped nothing.
    let bought = atoms(&next["data"]["executedOutput"], "USDC").get();
    assert_eq!(usdc().await - before, bought, "{next}");
}

#[tokio::test]
async fn the_lamports_of_an_old_marker_are_taken_back() {
    let engine = Engine::start(1, 1, vec![]);
    let (gateway, cluster, wallet) = (engine.gateway(0), engine.cluster(), engine.wallet().address);
    for (token_in, token_out) in [("SOL", "USDC"), ("USDC", "USDT")] {
        let id = gateway.place(&market_order(token_in, token_out, "1", "0.05")).await;
        assert_eq!(gateway.ended(&id).await["status"], "confirmed");
    }
    cluster.expire_blockhashes().await;
    cluster.pass(LIFE_SLOTS).await;
    let before = cluster.lamports(wallet).await.get();
    engine.sql("UPDATE order_markers SET signed_at = now() - interval '2 hours'");
    let after = eventually("the lamports", async || {
        let now = cluster.lamports(wallet).await.get();
        (now != before).then_some(now)
    })
    .await;
    // One transaction took back both, for one signature's fee.
    assert_eq!(after - before, 2 * 890_880 - 5_000);
    for row in engine.query("SELECT address FROM order_markers") {
        let marker = row[0].as_deref().unwrap().parse().unwrap();
        assert_eq!(cluster.lamports(marker).await.get(), 0);
    }
}

#[tokio::test]
async fn the_same_key_gives_the_same_order_once() {
    let engine = Engine::start(1, 1, vec![]);
    let gateway = engine.gateway(0);
    let place = async |amount: &str| {
        let request = gateway.request(reqwest::Method::POST, "/api/orders/execute");
        let order = market_order("SOL", "USDC", amount, "0.05");
        gateway.send(request.header("Idempotency-Key", "monday-1").json(&order)).await
    };

    let first = place("1").await;
    assert_eq!(first.status, 202, "{}", first.body);
    let again = place("1").await;
    assert_eq!(again.status, 202, "{}", again.body);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.body["orderId"], first.body["orderId"]);
    let other = place("2").await;
    assert_eq!(other.status, 422, "{}", other.body);
    assert!(other.body["code"].is_string(), "{}", other.body);

    gateway.ended(first.body["orderId"].as_str().unwrap()).await;
    let orders = gateway.get("/api/orders").await;
    assert_eq!(orders["orders"].as_array().unwrap().len(), 1);
}

fn assert_updates(updates: &[Value], id: &str) {
    let column = |key: &str| updates.iter().map(|update| update[key].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(column("status"), STATUSES);
    assert_eq!(column("message"), MESSAGES);
    assert!(updates.iter().all(|update| update["orderId"] == id), "{updates:?}");
    let signature = &updates[3]["data"]["txHash"];
    assert!(signature.is_string(), "{}", updates[3]);
    assert_eq!(&updates[4]["data"]["txHash"], signature);
}

fn assert_order(order: &Value, updates: &[Value]) {
    let data = &order["data"];
    let last = updates.last().unwrap();
    assert_eq!(order["status"], "confirmed");
    assert_eq!(order["message"], "Transaction confirmed");
    assert_eq!((&order["seq"], &order["attempts"]), (&json!(5), &json!(1)));
    assert_eq!((&order["amount"], &order["maxSlippage"]), (&json!("100"), &json!("0.05")));
    assert_eq!((&data["error"], &data["requiresWrapping"]), (&Value::Null, &json!(true)));
    for key in ["txHash", "executedInput", "executedOutput", "executedPrice", "networkFee"] {
        assert_eq!(data[key], last["data"][key], "{key}");
    }
    assert_eq!(data["executedInput"], "100", "one pool, or several side by side, take all of it: {order}");
    assert!(atoms(&data["executedOutput"], "USDC") >= atoms(&data["minimumOutput"], "USDC"), "{order}");
}

async fn assert_transaction(cluster: &Cluster, order: &Value) {
    let transaction = cluster.transaction(order["data"]["txHash"].as_str().unwrap()).await;
    assert_eq!(transaction["meta"]["err"], Value::Null);
    let fee = atoms(&order["data"]["networkFee"], "SOL");
    assert_eq!(transaction["meta"]["fee"], fee.get());
    assert_eq!(known("SOL").decimals, 9);
}

async fn assert_lists_and_statistics(gateway: &Gateway, order: &Value) {
    let id = order["orderId"].as_str().unwrap();
    let list = gateway.get("/api/orders").await;
    let listed = &list["orders"][0];
    for key in ["orderId", "status", "seq", "attempts", "amount", "data", "createdAt", "updatedAt"] {
        assert_eq!(listed[key], order[key], "{key}");
    }
    assert_eq!(gateway.get("/api/orders?status=failed").await["orders"], json!([]));

    let stats = gateway.get("/api/queue/stats").await;
    for (key, count) in [("completed", 1), ("failed", 0), ("waiting", 0), ("active", 0), ("delayed", 0)] {
        assert_eq!(stats[key], count, "{key}: {stats}");
    }

    let dex = order["data"]["quote"]["dex"].as_str().unwrap();
    let metrics = gateway.get("/api/metrics").await;
    assert_eq!((&metrics["total"], &metrics["confirmed"]), (&json!(1), &json!(1)), "{metrics}");
    assert_eq!(metrics["byDex"][dex]["confirmed"], 1, "{metrics}");

    let events = gateway.get(&format!("/api/orders/{id}/events")).await;
    let events = events["events"].as_array().unwrap();
    let seqs: Vec<&Value> = events.iter().map(|event| &event["seq"]).collect();
    assert_eq!(seqs, [&json!(1), &json!(2), &json!(3), &json!(4), &json!(5)]);
}

async fn assert_replay(gateway: &Gateway, id: &str, updates: &[Value]) {
    let replayed = gateway.follow(id, 3).await.to_the_end(4).await;
    assert_eq!(replayed, updates[3..]);
    assert_eq!(gateway.follow(id, 5).await.close_code().await, 1000);
    let unknown = "01900000-0000-7000-8000-000000000000";
    assert_eq!(gateway.follow(unknown, 0).await.close_code().await, 1008);
}
