//! Nodes as providers run them: they limit rates in many ways, fall silent, and lag. As long as one of two
//! is well, that costs no order an attempt.

use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use system_tests::{Cluster, Engine, Gateway, Nodes, Part, eventually, http, market_order, setting};

const EXECUTOR: Part = Part::Executor(0);

/// How long an order may take while one of two nodes is well.
const SOON: Duration = Duration::from_secs(2);

/// Half of so many orders must be as quick: the machine has other things to do.
const MEASURED: usize = 5;

struct Scene {
    engine: Engine,
    gateway: Gateway,
    cluster: Cluster,
}

impl Scene {
    fn start() -> Self {
        Self::with(Nodes::new(2))
    }

    fn with(nodes: Nodes) -> Self {
        let engine = Engine::start(1, 1, nodes.settings());
        Self { gateway: engine.gateway(0), cluster: nodes.cluster(0), engine }
    }

    async fn trade(&self) -> Value {
        let id = self.gateway.place(&market_order("SOL", "USDC", "1", "0.05")).await;
        self.gateway.ended(&id).await
    }
}

/// How providers say that a client asks too often.
fn disguises() -> Vec<Value> {
    let error = |code: i64| json!({ "jsonrpc": "2.0", "error": { "code": code, "message": "Too many requests" }, "id": 1 });
    let http = |status: u16, body: String, content_type: &str| json!({ "http": { "status": status, "body": body, "contentType": content_type } });
    let mut disguises: Vec<Value> = Vec::new();
    for code in [-32_429, -32_603, -32_004, -32_005] {
        disguises.push(http(429, error(code).to_string(), "application/json"));
        disguises.push(json!({ "rpc": { "code": code, "message": "Too many requests" } }));
    }
    disguises.push(http(429, "Too many requests".to_owned(), "text/plain"));
    disguises.push(http(429, "<html><h1>429</h1></html>".to_owned(), "text/html"));
    disguises.push(json!({ "http": { "status": 503, "retryAfterSeconds": 1 } }));
    disguises.push(http(200, String::new(), "application/json"));
    disguises
}

#[tokio::test]
async fn a_rate_limit_of_one_of_two_nodes_costs_no_attempt_in_any_disguise() {
    let scene = Scene::start();
    for how in disguises() {
        // Whichever of them is preferred.
        for node in 0..2 {
            let fault = json!({ "fault": { "fail": { "how": how } }, "node": node });
            let fault = scene.cluster.fault(fault).await;
            let order = scene.trade().await;
            assert_eq!(
                (&order["status"], &order["attempts"]),
                (&json!("confirmed"), &json!(1)),
                "{how}: {order}"
            );
            scene.cluster.end(fault).await;
        }
    }
}

#[tokio::test]
async fn a_sender_lands_what_no_node_takes_and_what_both_take_lands_once() {
    let nodes = Nodes::new(2);
    let mut settings = nodes.settings();
    settings.retain(|setting| setting.service != "executor");
    let [node, sender] = nodes.urls().try_into().unwrap();
    settings.push(setting("executor", "SOLANA_RPC_URL", &node));
    settings.push(setting("executor", "SENDERS", &sender));
    let engine = Engine::start(1, 1, settings);
    let scene = Scene { gateway: engine.gateway(0), cluster: nodes.cluster(0), engine };
    let how = json!({ "http": { "status": 500 } });
    let refusal = json!({ "fault": { "fail": { "how": how } }, "method": "sendTransaction", "node": 0 });
    let refusal = scene.cluster.fault(refusal).await;
    assert_eq!(scene.trade().await["status"], "confirmed");
    assert!(scene.cluster.struck().await > 0, "the node was asked too");
    scene.cluster.end(refusal).await;
    assert_eq!(scene.trade().await["status"], "confirmed");
    assert_eq!(scene.engine.landed().len(), 2);
}

#[tokio::test]
async fn a_node_that_hangs_slows_no_order() {
    let scene = Scene::start();
    scene.trade().await;
    let hang = json!({ "fault": { "fail": { "how": "hang" } }, "node": 0 });
    scene.cluster.fault(hang).await;
    let mut times = Vec::new();
    for _ in 0..MEASURED {
        let asked = Instant::now();
        assert_eq!(scene.trade().await["status"], "confirmed");
        times.push(asked.elapsed());
    }
    times.sort_unstable();
    assert!(times[MEASURED / 2] < SOON, "{times:?}");
}

#[tokio::test]
async fn a_node_that_lags_does_not_make_an_order_fail_for_want_of_funds() {
    let mut scene = Scene::start();
    let wallet = crate::evidence::other_wallet(&mut scene.engine);
    scene.engine.restart(EXECUTOR);
    scene.cluster.airdrop(wallet, order_core::Atoms::new(10_000_000_000)).await;
    let usdc = crate::amounts::known("USDC");
    scene.cluster.airdrop_token(wallet, usdc.mint, order_core::Atoms::new(100_000_000)).await;
    scene.cluster.fault(json!({ "fault": { "lag": { "slots": 100 } }, "node": 0 })).await;
    let id = scene.gateway.place(&market_order("USDC", "SOL", "50", "0.05")).await;
    let order = scene.gateway.ended(&id).await;
    assert_eq!(order["status"], "confirmed", "{order}");
}

#[tokio::test]
async fn a_program_that_refuses_is_left_out_by_the_next_attempt() {
    let scene = Scene::start();
    let order = market_order("SOL", "USDC", "1", "0.05");
    let quote = scene.gateway.post("/api/orders/quote", &order).await.body;
    let venue = quote["route"][0]["program"].as_str().unwrap().to_owned();
    scene.cluster.refuse_swaps(&venue).await;
    // Another venue may be the best for a moment.
    eventually("an order that met the refusal", async || {
        let id = scene.gateway.place(&order).await;
        let ended = scene.gateway.ended(&id).await;
        assert_eq!(ended["status"], "confirmed", "{ended}");
        let attempts = ended["attempts"].as_u64().unwrap();
        assert!(attempts <= 2, "{ended}");
        (attempts == 2).then_some(())
    })
    .await;
}

/// Orders that are placed at once.
const BUSY: usize = 200;

/// Calls that one of them may cost, the watch over all included.
const CALLS_PER_ORDER: f64 = 4.0;

/// Calls that an executor makes every few seconds, with or without orders.
const IDLE_CALLS: [&str; 2] = ["getHealth", "getBalance"];

#[tokio::test(flavor = "multi_thread")]
async fn an_order_among_many_costs_few_calls() {
    let settings = vec![
        setting("gateway", "ORDERS_PER_MINUTE", "1000000"),
        setting("executor", "CONCURRENCY", "50"),
        setting("sandbox", "SLOT_MS", "400"),
    ];
    let engine = Engine::start(1, 1, settings);
    let gateway = engine.gateway(0);
    let order = market_order("SOL", "USDC", "0.1", "0.05");
    let ids = join_all((0..BUSY).map(|_| gateway.place(&order))).await;
    for order in join_all(ids.iter().map(|id| gateway.ended(id))).await {
        assert_eq!(order["status"], "confirmed", "{order}");
    }
    let metrics = http().get(format!("http://{}/metrics", engine.stack.executors[0].admin));
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    let of_orders = |line: &&str| {
        line.starts_with("chain_requests_total") && !IDLE_CALLS.iter().any(|method| line.contains(method))
    };
    let calls: Vec<_> = metrics.lines().filter(of_orders).collect();
    let sum: f64 = calls.iter().map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum();
    let each = sum / f64::from(u32::try_from(BUSY).unwrap());
    println!("{each} calls for each order");
    assert!(each <= CALLS_PER_ORDER, "{each} calls for each order: {calls:#?}");
}

#[tokio::test]
async fn a_transaction_that_preflight_would_refuse_is_decided_by_the_chain() {
    let scene = Scene::with(Nodes::new(1));
    // The price falls after the simulation and before the transaction is sent.
    let slow = json!({ "fault": { "slow": { "milliseconds": 2_000 } }, "method": "simulateTransaction" });
    let slow = scene.cluster.fault(slow).await;
    let id = scene.gateway.place(&market_order("SOL", "USDC", "1", "0.0001")).await;
    eventually("a simulation", async || (scene.cluster.struck().await > 0).then_some(())).await;
    for pool in scene.cluster.pools(&["SOL", "USDC"]).await {
        scene.cluster.move_price(&pool, -300).await;
    }
    scene.cluster.end(slow).await;
    let order = scene.gateway.ended(&id).await;
    let history = scene.gateway.get(&format!("/api/orders/{id}/events")).await;
    let events = history["events"].as_array().unwrap();
    let outcomes: Vec<_> = events.iter().filter_map(|event| event["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["reverted"], "the chain has decided, once: {history}");
    assert_eq!(order["data"]["error"]["code"], "slippage_exceeded", "{order}");
}
