use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use system_tests::{Engine, Gateway, eventually, market_order};
use tokio::task::JoinHandle;

/// How many clients place orders at once, and the pause of each after an order, and after being refused.
const CLIENTS: usize = 3;
const PAUSE: Duration = Duration::from_millis(100);

/// How long a client waits for an answer before it asks again, with the same key.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Clients that place orders all the time, and ask again with the same key until each is accepted.
pub(crate) struct Load {
    gateway: Gateway,
    stopped: Arc<AtomicBool>,
    accepted: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    pub(crate) fn start(gateway: &Gateway) -> Self {
        let (stopped, accepted) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let clients = (0..CLIENTS).map(|number| {
            let (gateway, stopped, accepted) = (gateway.clone(), stopped.clone(), accepted.clone());
            tokio::spawn(async move {
                let mut ids = Vec::new();
                while !stopped.load(Ordering::Relaxed) {
                    let key = format!("client-{number}-order-{}", ids.len());
                    ids.push(until_accepted(&gateway, &key).await);
                    accepted.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(PAUSE).await;
                }
                ids
            })
        });
        Self { gateway: gateway.clone(), clients: clients.collect(), stopped, accepted }
    }

    /// Waits until so many more orders are accepted than were before.
    pub(crate) async fn accepts(&self, more: usize) {
        let enough = self.accepted.load(Ordering::Relaxed) + more;
        eventually("more orders are accepted", async || {
            (self.accepted.load(Ordering::Relaxed) >= enough).then_some(())
        })
        .await;
    }

    /// Stops, and expects that each order was recorded once, has ended, and landed exactly once.
    pub(crate) async fn all_end_well(self, engine: &Engine) {
        self.stopped.store(true, Ordering::Relaxed);
        let ids: Vec<String> = join_all(self.clients).await.into_iter().flat_map(Result::unwrap).collect();
        let mut signatures = BTreeSet::new();
        for id in &ids {
            let order = self.gateway.ended(id).await;
            assert_eq!(order["status"], "confirmed", "{order}");
            signatures.insert(order["data"]["txHash"].as_str().unwrap().to_owned());
        }
        assert_eq!(signatures.len(), ids.len(), "two orders have the same transaction");
        let stats = self.gateway.get("/api/queue/stats").await;
        assert_eq!(stats["completed"], ids.len(), "orders that nobody was told of: {stats}");
        let ledger = engine.ledger();
        let landed: Vec<&Value> =
            ledger.iter().filter(|line| line["kind"] == "landed").map(|line| &line["signature"]).collect();
        assert_eq!(landed.len(), ids.len(), "landings");
        assert!(landed.iter().all(|signature| signatures.contains(signature.as_str().unwrap())));
    }
}

async fn until_accepted(gateway: &Gateway, key: &str) -> String {
    let order = market_order("SOL", "USDC", "0.01", "0.05");
    loop {
        let request = gateway.request(Method::POST, "/api/orders/execute").timeout(ANSWER_WITHIN);
        match request.header("Idempotency-Key", key).json(&order).send().await {
            Ok(answer) if answer.status() == StatusCode::ACCEPTED => {
                let body: Value = answer.json().await.unwrap();
                return body["orderId"].as_str().unwrap().to_owned();
            }
            // Whatever cannot be done now is said so, with a status that tells to come again.
            Ok(answer) => assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE),
            // No answer: the outcome is unknown.
            Err(_) => {}
        }
        tokio::time::sleep(PAUSE).await;
    }
}
