//! Whatever a client sends: a 4xx with a code and the field, and no row.

use super::{Gateway, ORDER, issue, json, until};
use crate::state::App;
use axum::body::Body;
use http::{Request, StatusCode};
use order_core::Scope;
use uuid::Uuid;

#[tokio::test]
async fn invalid_request_is_refused_with_code_and_field_and_leaves_no_row() {
    let gateway = Gateway::start().await;
    let pair = r#""tokenIn":"SOL","tokenOut":"USDC""#;
    let cases = [
        (400, "malformed_json", "", "{".to_owned()),
        (400, "malformed_json", "", String::new()),
        (422, "wrong_type", "", "[]".to_owned()),
        (422, "wrong_type", "amount", format!("{{{pair},\"amount\":[1]}}")),
        (422, "unknown_field", "side", format!("{{{pair},\"amount\":1,\"side\":\"buy\"}}")),
        (422, "missing_field", "tokenOut", r#"{"tokenIn":"SOL","amount":1}"#.to_owned()),
        (422, "invalid_amount", "amount", format!("{{{pair},\"amount\":0}}")),
        (422, "invalid_amount", "amount", format!("{{{pair},\"amount\":-5}}")),
        (422, "invalid_amount", "amount", format!("{{{pair},\"amount\":1.0000000001}}")),
        (422, "invalid_amount", "amount", format!("{{{pair},\"amount\":1e30}}")),
        (422, "unknown_token", "tokenIn", r#"{"tokenIn":"DOGE","tokenOut":"USDC","amount":1}"#.to_owned()),
        (422, "equal_tokens", "tokenOut", r#"{"tokenIn":"SOL","tokenOut":"SOL","amount":1}"#.to_owned()),
        (422, "invalid_slippage", "maxSlippage", format!("{{{pair},\"amount\":1,\"maxSlippage\":1}}")),
        (
            422,
            "quote_not_found",
            "quoteId",
            format!("{{{pair},\"amount\":1,\"quoteId\":\"{}\"}}", uuid::Uuid::nil()),
        ),
        (413, "body_too_large", "", format!("{ORDER}{}", " ".repeat(16 * 1024))),
    ];
    for (status, code, field, body) in cases {
        for path in ["/api/orders/execute", "/api/orders/quote"] {
            if path.ends_with("quote") && field == "quoteId" {
                continue;
            }
            let answer = gateway.post(path, body.clone()).await;
            assert_eq!(answer.status.as_u16(), status, "{path} {body}: {}", answer.body);
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
            let problem = answer.json();
            assert_eq!(problem["code"], code, "{path} {body}");
            assert_eq!(problem["status"], status);
            assert_eq!(problem["error"], problem["detail"]);
            assert_eq!(problem["requestId"], answer.header("x-request-id").unwrap());
            let named = problem["errors"][0]["field"].as_str().unwrap_or_default();
            assert_eq!(named, field, "{path} {body}");
        }
    }
    assert!(gateway.orders().await.is_empty(), "a refused request leaves no row");
}

#[tokio::test]
async fn a_body_must_be_declared_as_json() {
    let gateway = Gateway::start().await;
    let request = Request::post("/api/orders/execute").header("content-type", "text/plain");
    let answer = gateway.send(request.body(Body::from(ORDER)).unwrap()).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (415, &"unsupported_media_type".into()));
}

#[tokio::test]
async fn an_idempotency_key_has_its_notation() {
    let gateway = Gateway::start().await;
    let answer = gateway.execute(ORDER, Some("two words")).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (422, &"invalid_idempotency_key".into()));
}

#[tokio::test]
async fn unknown_paths_and_orders_are_problems() {
    let gateway = Gateway::start().await;
    for (path, code) in [
        ("/nothing", "not_found"),
        ("/api/nothing", "not_found"),
        ("/api/orders/7", "order_not_found"),
        ("/api/orders/7/events", "order_not_found"),
        ("/api/orders/00000000-0000-0000-0000-000000000000", "order_not_found"),
        ("/api/orders/00000000-0000-0000-0000-000000000000/events", "order_not_found"),
        ("/api/orders/%ff", "order_not_found"),
    ] {
        let answer = gateway.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.json()["code"], code, "{path}");
    }
    let answer = gateway.send(Request::delete("/api/orders/execute").body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (405, &"method_not_allowed".into()));
    let allowed = answer.header("allow").unwrap();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    let answer = gateway.get("/api/orders/execute").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (426, &"upgrade_required".into()));
    let answer = gateway.get("/api/orders?limit=0&page=2").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.json()["errors"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn rate_limited_requests_have_retry_after() {
    let gateway = Gateway::with(&["--orders-per-minute", "2"]).await;
    // Other tests count in the same Redis.
    let account = format!("desk-{}", Uuid::now_v7()).parse().unwrap();
    let key = issue(&gateway.app.journal, account, &[Scope::Read, Scope::Trade]).await;
    let gateway = Gateway { key, ..gateway };
    for remaining in ["1", "0"] {
        let answer = gateway.execute(ORDER, None).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
        assert!(answer.header("ratelimit").unwrap().contains(&format!("r={remaining};")));
    }
    let answer = gateway.execute(ORDER, None).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (429, &"rate_limited".into()));
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&seconds), "{seconds}");
    assert!(answer.header("ratelimit").unwrap().starts_with("\"orders\";r=0;t="));
    assert_eq!(answer.header("ratelimit-policy"), Some("\"orders\";q=2;w=60"));
    assert_eq!(gateway.orders().await.len(), 2);
    let other = format!("desk-{}", Uuid::now_v7()).parse().unwrap();
    let other = Gateway { key: issue(&gateway.app.journal, other, &[Scope::Trade]).await, ..gateway.clone() };
    assert_eq!(other.execute(ORDER, None).await.status, StatusCode::ACCEPTED, "from the same address");
}

#[tokio::test]
async fn the_full_backlog_of_an_account_refuses_no_other() {
    let gateway = Gateway::with(&["--max-backlog-per-account", "2"]).await;
    let other = issue(&gateway.app.journal, "desk".parse().unwrap(), &[Scope::Trade]).await;
    let other = Gateway { key: other, ..gateway.clone() };
    gateway.place().await;
    gateway.place().await;
    let refused = gateway.execute(ORDER, None).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (429, &"rate_limited".into()));
    assert_eq!(refused.header("retry-after"), Some("1"));
    other.place().await;
    other.place().await;
    assert_eq!(other.execute(ORDER, None).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn full_backlog_refuses_new_orders_and_replays_old_ones() {
    let gateway = Gateway::with(&["--max-backlog", "1"]).await;
    let first = gateway.execute(ORDER, Some("first")).await;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    let answer = gateway.execute(ORDER, Some("second")).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (503, &"overloaded".into()));
    assert_eq!(answer.header("retry-after"), Some("1"));
    let again = gateway.execute(ORDER, Some("first")).await;
    assert_eq!(again.json()["orderId"], first.json()["orderId"]);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(gateway.orders().await.len(), 1);
}

#[tokio::test]
async fn halt_refuses_new_orders_and_replays_old_ones() {
    let gateway = Gateway::start().await;
    let first = gateway.execute(ORDER, Some("first")).await;
    gateway.app.journal.trading.halt("a test").await.unwrap();
    // At once, and not only when the gateway has seen it.
    let answer = gateway.execute(ORDER, Some("second")).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (503, &"halted".into()));
    assert_eq!((&answer.json()["retryable"], answer.header("retry-after")), (&true.into(), Some("1")));
    let again = gateway.execute(ORDER, Some("first")).await;
    assert_eq!(again.json()["orderId"], first.json()["orderId"]);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(gateway.orders().await.len(), 1);
    gateway.app.journal.trading.resume().await.unwrap();
    until("trading resumed", async || !gateway.app.admission.is_halted()).await;
    assert_eq!(gateway.execute(ORDER, Some("second")).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn halt_is_known_before_the_first_order() {
    let configuration = super::configuration(&[]).await;
    let journal = journal::Journal::connect(&configuration.database_url, 1).await.unwrap();
    journal.trading.halt("a test").await.unwrap();
    let app = App::connect(configuration, service::Shell::default()).await.unwrap();
    assert!(app.admission.is_halted());
}

#[tokio::test]
async fn disabled_venues_are_known_before_the_first_quote() {
    let configuration = super::configuration(&[]).await;
    let journal = journal::Journal::connect(&configuration.database_url, 1).await.unwrap();
    journal.trading.disable_venue(order_core::Venue::RaydiumClmm, "a test").await.unwrap();
    let app = App::connect(configuration, service::Shell::default()).await.unwrap();
    assert_eq!(*app.admission.disabled_venues(), journal.trading.stops().await.unwrap().venues[..]);
    journal.trading.enable_venue(order_core::Venue::RaydiumClmm).await.unwrap();
    until("it is enabled", async || app.admission.disabled_venues().is_empty()).await;
}

#[tokio::test]
async fn orders_are_accepted_without_a_router() {
    let gateway = Gateway::start().await;
    for answer in [
        gateway.post("/api/orders/quote", ORDER).await,
        gateway.get("/api/tokens").await,
        gateway.get("/api/pools").await,
    ] {
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (503, &"router_unavailable".into()));
        assert!(answer.header("retry-after").is_some());
    }
    assert_eq!(gateway.execute(ORDER, None).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn client_request_id_is_returned() {
    let gateway = Gateway::start().await;
    let request =
        json("/api/orders/execute").header("x-request-id", "client-7").body(Body::from("{")).unwrap();
    let answer = gateway.send(request).await;
    assert_eq!(answer.header("x-request-id"), Some("client-7"));
    assert_eq!(answer.json()["requestId"], "client-7");
}
