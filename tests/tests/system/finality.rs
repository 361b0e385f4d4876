//! Landings whose block the cluster drops after the order has ended.

use serde_json::{Value, json};
use system_tests::{Cluster, Engine, Gateway, eventually, market_order, setting};

struct Scene {
    engine: Engine,
    gateway: Gateway,
    cluster: Cluster,
}

impl Scene {
    /// Slots are long enough for a look at what is not finalized.
    fn start() -> Self {
        let engine = Engine::start(1, 1, vec![setting("sandbox", "SLOT_MS", "200")]);
        Self { gateway: engine.gateway(0), cluster: engine.cluster(), engine }
    }

    /// An order that was told to be confirmed, whose block was then dropped.
    async fn dropped(&self) -> Value {
        let id = self.gateway.place(&market_order("SOL", "USDC", "1", "0.05")).await;
        let told = self.gateway.ended(&id).await;
        assert_eq!(told["status"], "confirmed", "{told}");
        let signature = told["data"]["txHash"].as_str().unwrap();
        let landed = self.cluster.transaction(signature).await["slot"].as_u64().unwrap();
        // Its blockhash is older and stays.
        let freeze = self.cluster.fault(json!({ "fault": "freezeSlots" })).await;
        let slots = self.cluster.slot().await - landed + 1;
        assert_eq!(self.cluster.roll_back(slots).await, [signature]);
        self.cluster.end(freeze).await;
        told
    }

    /// The last event once it says that the landing was rolled back.
    async fn rolled_back(&self, order: &Value) -> Value {
        let id = order["orderId"].as_str().unwrap();
        eventually("the finalized chain's word", async || {
            let history = self.gateway.get(&format!("/api/orders/{id}/events")).await;
            let last = history["events"].as_array().unwrap().last().unwrap().clone();
            (last["kind"] == "rolled_back").then_some(last)
        })
        .await
    }
}

#[tokio::test]
async fn a_landing_that_is_dropped_is_sent_again_and_told_as_it_landed_in_the_end() {
    let scene = Scene::start();
    let told = scene.dropped().await;
    let event = scene.rolled_back(&told).await;
    assert_eq!(event["outcome"], "landed", "{event}");
    let order = scene.gateway.order(told["orderId"].as_str().unwrap()).await;
    assert_eq!((&order["status"], &order["data"]["txHash"]), (&json!("confirmed"), &told["data"]["txHash"]));
    let landed = scene.cluster.transaction(told["data"]["txHash"].as_str().unwrap()).await;
    assert_eq!(landed["slot"], event["slot"], "{event}");
    assert!(scene.engine.landed().iter().all(|signature| told["data"]["txHash"] == signature.as_str()));
}

#[tokio::test]
async fn a_landing_that_is_dropped_for_good_is_told_and_alerts() {
    let scene = Scene::start();
    let told = scene.dropped().await;
    scene.cluster.drop_transactions().await;
    scene.cluster.expire_blockhashes().await;
    let event = scene.rolled_back(&told).await;
    assert_eq!((&event["outcome"], &event["status"]), (&json!("expired"), &json!("failed")), "{event}");
    let order = scene.gateway.order(told["orderId"].as_str().unwrap()).await;
    assert_eq!(order["data"]["error"]["code"], "transaction_expired", "{order}");
    assert_eq!(order["data"]["executedOutput"], Value::Null, "{order}");
    let metrics = format!("http://{}/metrics", scene.engine.stack.executors[0].admin);
    let metrics = system_tests::http().get(metrics).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains(r#"orders_rolled_back_total{outcome="expired"} 1"#), "{metrics}");
}
