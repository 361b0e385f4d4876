use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use system_tests::{Answer, Engine, Gateway, market_order, setting};

const EXECUTE: &str = "/api/orders/execute";

/// A body, what it is refused with, and the field that is named.
fn refusals() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    let with = |key: &str, value: Value| {
        let mut order = market_order("SOL", "USDC", "1", "0.01");
        order[key] = value;
        order
    };
    vec![
        ("no amount", json!({ "tokenIn": "SOL", "tokenOut": "USDC" }), "missing_field", "amount"),
        ("no output token", json!({ "tokenIn": "SOL", "amount": 1 }), "missing_field", "tokenOut"),
        ("a list", json!([]), "wrong_type", ""),
        ("a misspelt field", with("maxSlipage", json!("0.01")), "unknown_field", "maxSlipage"),
        ("a token as a number", with("tokenIn", json!(7)), "wrong_type", "tokenIn"),
        ("an amount as a list", with("amount", json!([1])), "wrong_type", "amount"),
        ("nothing", with("amount", json!(0)), "invalid_amount", "amount"),
        ("less than nothing", with("amount", json!(-5)), "invalid_amount", "amount"),
        ("a fraction of a lamport", with("amount", json!("0.0000000001")), "invalid_amount", "amount"),
        (
            "an amount past 64 bits",
            with("amount", json!("18446744073.709551616")),
            "invalid_amount",
            "amount",
        ),
        ("an amount in words", with("amount", json!("ten")), "invalid_amount", "amount"),
        ("an unknown token", with("tokenIn", json!("NOPE")), "unknown_token", "tokenIn"),
        ("equal tokens", with("tokenOut", json!("SOL")), "equal_tokens", "tokenOut"),
        ("a slippage of one", with("maxSlippage", json!(1)), "invalid_slippage", "maxSlippage"),
        ("a negative slippage", with("maxSlippage", json!(-0.1)), "invalid_slippage", "maxSlippage"),
        ("a quote that is no id", with("quoteId", json!("x")), "quote_not_found", "quoteId"),
        (
            "a quote that nobody made",
            with("quoteId", json!("01900000-0000-7000-8000-000000000000")),
            "quote_not_found",
            "quoteId",
        ),
    ]
}

#[tokio::test]
async fn bad_input_is_refused_by_name_and_leaves_no_trace() {
    let engine = Engine::start(1, 1, vec![]);
    let gateway = engine.gateway(0);

    for (what, body, code, field) in refusals() {
        let answer = gateway.post(EXECUTE, &body).await;
        assert_refused(what, &answer, StatusCode::UNPROCESSABLE_ENTITY, code);
        let named: Vec<&str> = errors(&answer).map(|error| error["field"].as_str().unwrap()).collect();
        assert!(field.is_empty() || named == [field], "{what}: {}", answer.body);
    }
    refuse_what_is_no_order(&gateway).await;
    refuse_what_does_not_exist(&gateway).await;

    engine.sql(
        "DO $$ BEGIN \
         IF EXISTS (SELECT FROM orders) OR EXISTS (SELECT FROM order_events) THEN RAISE 'there is a row'; END IF; \
         END $$",
    );
}

#[tokio::test]
async fn a_bad_order_by_websocket_is_told_what_is_wrong_and_leaves_no_trace() {
    let engine = Engine::start(1, 1, vec![]);
    for (what, body, code, _) in refusals() {
        let mut updates = engine.gateway(0).submit(&body).await;
        let answer = updates.next().await;
        assert!(answer.to_string().contains(&format!("\"{code}\"")), "{what}: {answer}");
        assert_eq!(updates.close_code().await, 1008, "{what}");
    }
    engine.sql("DO $$ BEGIN IF EXISTS (SELECT FROM orders) THEN RAISE 'there is a row'; END IF; END $$");
}

#[tokio::test]
async fn too_many_orders_are_refused_with_when_to_come_again() {
    let order = market_order("SOL", "USDC", "1", "0.05");

    let engine = Engine::start(1, 1, vec![setting("gateway", "ORDERS_PER_MINUTE", "2")]);
    let gateway = engine.gateway(0);
    for _ in 0..2 {
        gateway.place(&order).await;
    }
    let answer = gateway.post(EXECUTE, &order).await;
    assert_refused("the third in a minute", &answer, StatusCode::TOO_MANY_REQUESTS, "rate_limited");
    assert_eq!(answer.body["retryable"], true);
    for header in ["retry-after", "ratelimit", "ratelimit-policy"] {
        assert!(answer.headers.contains_key(header), "no {header}: {:?}", answer.headers);
    }
    engine.sql("DO $$ BEGIN IF (SELECT count(*) FROM orders) <> 2 THEN RAISE 'not two rows'; END IF; END $$");
    drop(engine);

    let engine = Engine::start(0, 1, vec![setting("gateway", "MAX_BACKLOG", "1")]);
    let gateway = engine.gateway(0);
    gateway.place(&order).await;
    let answer = gateway.post(EXECUTE, &order).await;
    assert_refused("beyond the backlog", &answer, StatusCode::SERVICE_UNAVAILABLE, "overloaded");
    assert!(answer.headers.contains_key("retry-after"), "{:?}", answer.headers);
    engine.sql("DO $$ BEGIN IF (SELECT count(*) FROM orders) <> 1 THEN RAISE 'not one row'; END IF; END $$");
}

async fn refuse_what_is_no_order(gateway: &Gateway) {
    let raw = async |media_type: &str, body: String| {
        let request = gateway.request(Method::POST, EXECUTE).header("content-type", media_type).body(body);
        gateway.send(request).await
    };
    let order = market_order("SOL", "USDC", "1", "0.01");
    let answer = raw("application/json", "{\"tokenIn\":".to_owned()).await;
    assert_refused("half a body", &answer, StatusCode::BAD_REQUEST, "malformed_json");
    let answer = raw("text/plain", order.to_string()).await;
    assert_refused("plain text", &answer, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
    let long = format!("{{\"tokenIn\":\"{}\"}}", "S".repeat(17 * 1024));
    let answer = raw("application/json", long).await;
    assert_refused("17 KiB", &answer, StatusCode::PAYLOAD_TOO_LARGE, "body_too_large");

    let request =
        gateway.request(Method::POST, EXECUTE).json(&order).header("Idempotency-Key", "k".repeat(256));
    let answer = gateway.send(request).await;
    assert_refused("a long key", &answer, StatusCode::UNPROCESSABLE_ENTITY, "invalid_idempotency_key");
}

async fn refuse_what_does_not_exist(gateway: &Gateway) {
    for path in [
        "/api/orders/01900000-0000-7000-8000-000000000000",
        "/api/orders/not-an-id",
        "/api/orders/01900000-0000-7000-8000-000000000000/events",
        "/api/orders/not-an-id/events",
    ] {
        let answer = gateway.send(gateway.request(Method::GET, path)).await;
        assert_refused(path, &answer, StatusCode::NOT_FOUND, "order_not_found");
    }
    for (path, field) in [
        ("/api/orders?limit=0", "limit"),
        ("/api/orders?limit=101", "limit"),
        ("/api/orders?status=lost", "status"),
        ("/api/orders?dex=Binance", "dex"),
        ("/api/orders?cursor=x", "cursor"),
        ("/api/orders?from=yesterday", "from"),
    ] {
        let answer = gateway.send(gateway.request(Method::GET, path)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {}", answer.body);
        assert!(errors(&answer).any(|error| error["field"] == field), "{path}: {}", answer.body);
    }
    let answer = gateway.send(gateway.request(Method::GET, "/api/nothing")).await;
    assert_refused("no such page", &answer, StatusCode::NOT_FOUND, "not_found");
}

fn assert_refused(what: &str, answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!(answer.status, status, "{what}: {}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/problem+json", "{what}");
    assert_eq!(answer.body["code"], code, "{what}: {}", answer.body);
    assert_eq!(answer.body["status"], status.as_u16(), "{what}");
    for key in ["type", "title", "detail", "error", "requestId"] {
        assert!(answer.body[key].is_string(), "{what} has no `{key}`: {}", answer.body);
    }
    assert_eq!(answer.body["requestId"].as_str(), answer.headers["x-request-id"].to_str().ok(), "{what}");
}

fn errors(answer: &Answer) -> impl Iterator<Item = &Value> {
    answer.body["errors"].as_array().into_iter().flatten()
}
