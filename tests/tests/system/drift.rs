use serde_json::{Value, json};
use system_tests::{Engine, Gateway, eventually, http, market_order};

/// Orders that meet drift on a venue before it is disabled.
const ENOUGH: usize = 3;

#[tokio::test]
async fn a_venue_whose_program_was_changed_is_disabled_and_orders_go_over_others() {
    let engine = Engine::start(1, 1, vec![]);
    let (gateway, cluster) = (engine.gateway(0), engine.cluster());
    let order = market_order("SOL", "USDC", "1", "0.05");
    let venue = quoted(&gateway, &order).await[0]["program"].as_str().unwrap().to_owned();
    cluster.change_program(&venue, true).await;

    for _ in 0..ENOUGH {
        assert_eq!(disabled(&gateway, &venue).await, Value::Null);
        let events = confirmed(&gateway, &order).await;
        let failed = of_kind(&events, "attempt_failed");
        assert_eq!(failed.len(), 1, "{events}");
        assert_eq!(failed[0]["error"]["code"], "simulation_failed", "{events}");
        let routes = of_kind(&events, "route_chosen");
        assert!(goes_over(&routes[0]["route"], &venue), "{events}");
        assert!(!goes_over(&routes[1]["route"], &venue), "{events}");
    }

    let stopped = eventually("the gateway to know", async || {
        Some(disabled(&gateway, &venue).await).filter(|disabled| !disabled.is_null())
    })
    .await;
    let reason = stopped["reason"].as_str().unwrap();
    assert!(reason.starts_with("3 orders") && stopped["since"].is_string(), "{stopped}");
    let venues = engine.ops(&["venue", "list"]);
    let line = venues.lines().find(|line| line.split_whitespace().next() == Some(venue.as_str()));
    assert!(line.is_some_and(|line| line.contains("disabled since ")), "{venues}");
    let metrics = http().get(format!("http://{}/metrics", engine.stack.executors[0].admin));
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains(&format!("orders_venue_disabled{{venue=\"{venue}\"}} 1")), "{metrics}");
    let events = confirmed(&gateway, &order).await;
    assert_eq!(of_kind(&events, "attempt_failed"), [&Value::Null; 0], "{events}");
    assert!(!goes_over(&of_kind(&events, "route_chosen")[0]["route"], &venue), "{events}");
    assert!(quoted(&gateway, &order).await.iter().all(|swap| swap["program"] != venue.as_str()));

    cluster.change_program(&venue, false).await;
    assert!(engine.ops(&["venue", "enable", &venue]).contains("again"));
    eventually("the venue to be enabled", async || disabled(&gateway, &venue).await.is_null().then_some(()))
        .await;
    let events = confirmed(&gateway, &order).await;
    assert!(goes_over(&of_kind(&events, "route_chosen")[0]["route"], &venue), "{events}");
}

#[tokio::test]
async fn an_order_that_only_a_changed_program_could_fill_fails_rather_than_take_less() {
    let engine = Engine::start(1, 1, vec![]);
    let (gateway, cluster) = (engine.gateway(0), engine.cluster());
    // No other venue gives as much.
    let order = market_order("SOL", "USDC", "1", "0");
    let venue = quoted(&gateway, &order).await[0]["program"].as_str().unwrap().to_owned();
    cluster.change_program(&venue, true).await;
    let ended = gateway.ended(&gateway.place(&order).await).await;
    assert_eq!((&ended["status"], &ended["data"]["txHash"]), (&json!("failed"), &Value::Null), "{ended}");
    assert_eq!(ended["data"]["error"]["code"], "slippage_exceeded", "{ended}");
}

/// The events of an order that was executed exactly as it was quoted last.
async fn confirmed(gateway: &Gateway, order: &Value) -> Value {
    let id = gateway.place(order).await;
    let ended = gateway.ended(&id).await;
    assert_eq!(ended["status"], "confirmed", "{ended}");
    let events = gateway.get(&format!("/api/orders/{id}/events")).await["events"].take();
    let quoted = &of_kind(&events, "route_chosen").last().unwrap()["route"]["estimatedOutput"];
    assert_eq!(&ended["data"]["executedOutput"], quoted, "{ended}");
    events
}

fn of_kind<'a>(events: &'a Value, kind: &str) -> Vec<&'a Value> {
    events.as_array().unwrap().iter().filter(|event| event["kind"] == kind).collect()
}

fn goes_over(route: &Value, venue: &str) -> bool {
    route["route"].as_array().unwrap().iter().any(|swap| swap["program"] == venue)
}

async fn quoted(gateway: &Gateway, order: &Value) -> Vec<Value> {
    let answer = gateway.post("/api/orders/quote", order).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["route"].as_array().unwrap().clone()
}

/// The reason in `/api/pools` why the venue's pools are disabled.
async fn disabled(gateway: &Gateway, venue: &str) -> Value {
    let pools = gateway.get("/api/pools").await;
    let pools = pools["pools"].as_array().unwrap().iter().filter(|pool| pool["program"] == venue);
    let stopped: Vec<_> = pools.map(|pool| (&pool["disabled"], &pool["tradable"])).collect();
    assert!(stopped.iter().all(|(disabled, tradable)| disabled.is_null() == **tradable), "{stopped:?}");
    stopped[0].0.clone()
}
