use futures_util::future::join_all;
use std::collections::BTreeSet;
use system_tests::{Engine, market_order, setting};

/// Most that an order may add to the logs of all services together, at the level `info`.
const LOG_BYTES_MAX: usize = 1_024;

#[tokio::test]
async fn two_executors_and_two_gateways_share_the_work() {
    let json = ["executor", "gateway", "router"].map(|service| setting(service, "LOG_FORMAT", "json"));
    let engine = Engine::start(2, 2, json.to_vec());
    let logging =
        || engine.stack.gateways.iter().chain(&engine.stack.executors).chain([&engine.stack.router]);
    let written = || logging().map(|service| service.process.log().len()).sum::<usize>();
    let before = written();
    let (here, there) = (engine.gateway(0), engine.gateway(1));

    // Orders come in at one gateway and are watched from the other.
    let order = market_order("SOL", "USDC", "1", "0.05");
    let mut ids = Vec::new();
    for number in 0..30 {
        let (place, watch) = if number % 2 == 0 { (&here, &there) } else { (&there, &here) };
        let id = place.place(&order).await;
        let updates = watch.follow(&id, 0).await;
        ids.push((id, updates));
    }
    let ended = join_all(ids.into_iter().map(async |(id, updates)| {
        let updates = updates.to_the_end(1).await;
        assert!(updates.iter().all(|update| update["orderId"] == *id));
        assert_eq!(updates.last().unwrap()["status"], "confirmed");
        id
    }))
    .await;

    let bytes = (written() - before) / ended.len();
    assert!(bytes < LOG_BYTES_MAX, "{bytes} bytes of logs for each order");

    let lists = join_all([&here, &there].map(async |gateway| {
        let list = gateway.get("/api/orders?limit=100").await;
        let orders = list["orders"].as_array().unwrap().iter();
        orders.map(|order| (order["orderId"].clone(), order["data"]["txHash"].clone())).collect::<Vec<_>>()
    }))
    .await;
    assert_eq!(lists[0], lists[1]);
    assert_eq!(lists[0].len(), ended.len());
    let stats = here.get("/api/queue/stats").await;
    assert_eq!(stats["config"]["maxConcurrentOrders"], 20, "over both executors: {stats}");

    let worked_on = |index: usize| -> BTreeSet<&String> {
        let log = engine.stack.executors[index].process.log();
        ended.iter().filter(|id| log.contains(id.as_str())).collect()
    };
    let (first, second) = (worked_on(0), worked_on(1));
    assert!(!first.is_empty() && !second.is_empty(), "one executor did everything");
    assert!(first.is_disjoint(&second), "an order was worked on by both");
    assert_eq!(first.len() + second.len(), ended.len());
}

#[tokio::test]
async fn asked_to_stop_every_service_ends_in_good_order() {
    let mut engine = Engine::start(2, 1, vec![]);
    let id = engine.gateway(0).place(&market_order("SOL", "USDC", "1", "0.05")).await;
    engine.gateway(0).ended(&id).await;
    let codes = tokio::task::spawn_blocking(move || engine.stop()).await.unwrap();
    assert_eq!(codes.len(), 5);
    assert!(codes.iter().all(|(_, code)| *code == Some(0)), "{codes:?}");
}
