//! Placing orders and reading them.

use super::{Gateway, ORDER, issue};
use crate::api::orders::request::OrderRequest;
use crate::tests::example;
use cache::Quoted;
use futures_util::future::join_all;
use http::StatusCode;
use journal::{Acceptance, Idempotency};
use order_core::order::{Event, Id, Intent, Reference};
use order_core::quote::{self, Mode};
use order_core::{AccountId, Scope};
use order_core::{Atoms, Mint, Quote, Token, token};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use std::collections::HashSet;
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn an_accepted_order_can_be_read_at_once() {
    let gateway = Gateway::start().await;
    let answer = gateway.execute(ORDER, None).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let receipt = answer.json();
    let id = receipt["orderId"].as_str().unwrap();
    assert_eq!(receipt["status"], "pending");
    assert_eq!(answer.header("location"), Some(format!("/api/orders/{id}").as_str()));
    let order = gateway.get(answer.header("location").unwrap()).await.json();
    assert_eq!(
        (&order["orderId"], &order["seq"], &order["amount"]),
        (&receipt["orderId"], &json!(1), &json!("100"))
    );
    assert_eq!((&order["maxSlippage"], &order["data"]["requiresWrapping"]), (&json!("0.05"), &json!(true)));
    let history = gateway.get(&format!("/api/orders/{id}/events")).await.json();
    assert_eq!((&history["status"], &history["events"][0]["kind"]), (&json!("pending"), &json!("accepted")));
    let stats = gateway.get("/api/queue/stats").await.json();
    assert_eq!((&stats["waiting"], &stats["config"]["ordersPerMinute"]), (&json!(1), &json!(6000)));
}

#[tokio::test]
async fn the_same_key_is_the_same_order() {
    let gateway = Gateway::start().await;
    let answers = join_all((0..50).map(|_| gateway.execute(ORDER, Some("key-1")))).await;
    let ids: HashSet<String> =
        answers.iter().map(|answer| answer.json()["orderId"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 1);
    let fresh = answers.iter().filter(|answer| answer.header("idempotent-replayed").is_none()).count();
    assert_eq!(fresh, 1);
    assert!(answers.iter().all(|answer| answer.status == StatusCode::ACCEPTED));
    let other = gateway.execute(&ORDER.replace("100", "101"), Some("key-1")).await;
    assert_eq!((other.status.as_u16(), &other.json()["code"]), (422, &json!("idempotency_key_reused")));
    assert_eq!(gateway.orders().await.len(), 1);
    assert_ne!(gateway.place().await, gateway.place().await, "without a key every request is a new order");
}

/// The router is away, and nobody else knows the mint; nor would a router that has taken it off its
/// list.
#[tokio::test]
async fn a_repeated_request_is_answered_without_the_router() {
    let gateway = Gateway::start().await;
    let usdc = token::known().find(|token| token.symbol == "USDC").unwrap();
    let stranger = Token { mint: Mint::new([9; 32]), symbol: "NEW".to_owned(), decimals: 3, ..usdc.clone() };
    let body =
        |amount: &str| format!(r#"{{"tokenIn":"{}","tokenOut":"USDC","amount":{amount}}}"#, stranger.mint);
    let slippage = gateway.app.configuration.default_max_slippage;
    let id = Id(Uuid::now_v7());
    let placed = Acceptance {
        id,
        intent: Intent::market(stranger.clone(), usdc, Atoms::new(1_500), slippage, None).unwrap(),
        account: AccountId::operator(),
        idempotency: Some(Idempotency {
            key: "k".to_owned(),
            request_hash: OrderRequest::parse(body("1.5").as_bytes()).unwrap().fingerprint(),
        }),
        traceparent: None,
    };
    gateway.app.journal.orders.accept(placed).await.unwrap();
    let again = gateway.execute(&body("\"1.50\""), Some("k")).await;
    assert_eq!((again.status, &again.json()["orderId"]), (StatusCode::ACCEPTED, &json!(id)));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let other = gateway.execute(&body("1.6"), Some("k")).await;
    assert_eq!((other.status.as_u16(), &other.json()["code"]), (422, &json!("idempotency_key_reused")));
    let fresh = gateway.execute(&body("1.5"), Some("another")).await;
    assert_eq!((fresh.status.as_u16(), &fresh.json()["code"]), (503, &json!("router_unavailable")));
}

#[tokio::test]
async fn an_order_with_an_event_of_a_later_version_hides_no_other() {
    let gateway = Gateway::start().await;
    let (before, strange, after) = (gateway.place().await, gateway.place().await, gateway.place().await);
    let mut database = PgConnection::connect(&gateway.app.configuration.database_url).await.unwrap();
    sqlx::query(
        "INSERT INTO order_events (order_id, seq, attempt, fence, body, at)
         VALUES ($1, 2, 1, 9, '{\"kind\": \"of a later version\"}', now())",
    )
    .bind(strange.parse::<Uuid>().unwrap())
    .execute(&mut database)
    .await
    .unwrap();
    let shown: Vec<_> = gateway.orders().await.into_iter().map(|order| order["orderId"].clone()).collect();
    assert_eq!(shown, [json!(after), json!(before)]);
    // The page after the one that ends with it.
    let first = gateway.get("/api/orders?limit=2").await.json();
    assert_eq!((first["orders"].as_array().unwrap().len(), &first["nextCursor"]), (1, &json!(strange)));
    let rest = gateway.get(&format!("/api/orders?cursor={strange}")).await.json();
    assert_eq!(rest["orders"][0]["orderId"], before);
}

#[tokio::test]
async fn lists_are_read_page_by_page_newest_first() {
    let gateway = Gateway::start().await;
    let mut placed = Vec::new();
    for _ in 0..5 {
        placed.push(gateway.place().await);
    }
    placed.reverse();
    let mut seen: Vec<String> = Vec::new();
    let mut path = "/api/orders?limit=2".to_owned();
    loop {
        let page = gateway.get(&path).await.json();
        let orders = page["orders"].as_array().unwrap();
        seen.extend(orders.iter().map(|order| order["orderId"].as_str().unwrap().to_owned()));
        match page["nextCursor"].as_str() {
            Some(cursor) => path = format!("/api/orders?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, placed);
    let count = async |query: &str| {
        gateway.get(&format!("/api/orders?{query}")).await.json()["orders"].as_array().unwrap().len()
    };
    assert_eq!(count("status=pending&tokenIn=SOL&tokenOut=USDC").await, 5);
    assert_eq!(count("status=confirmed").await, 0);
    assert_eq!(count("tokenIn=USDC").await, 0);
    assert_eq!(count("from=2100-01-01T00:00:00Z").await, 0);
}

/// A quote as the route to it would have left it.
async fn remember(gateway: &Gateway, valid: chrono::TimeDelta, mode: Mode) -> Quote {
    let now = service::now();
    let quote = Quote {
        id: quote::Id(Uuid::now_v7()),
        created_at: now,
        expires_at: now + valid,
        ..example::quote(15_000_000_000)
    };
    let (token_in, token_out) = (example::token("SOL"), example::token("USDC"));
    // A route over two pools may leave a little of what was asked for.
    let asked = quote.amount_in();
    let route = example::quote_of(Atoms::new(asked.get() - 1), 15_000_000_000).route;
    let left = Quote { route, ..quote.clone() };
    let account = AccountId::operator();
    let quoted = Quoted { account, quote: left, token_in, token_out, mode, amount: asked };
    gateway.app.cache.remember_quote(&quoted, &gateway.app.quote_key, Duration::from_secs(60)).await.unwrap();
    quote
}

async fn order_by(gateway: &Gateway, quote: &Quote, amount: u64, key: Option<&str>) -> (u16, Value) {
    let id = quote.id;
    let body = format!(r#"{{"tokenIn":"SOL","tokenOut":"USDC","amount":{amount},"quoteId":"{id}"}}"#);
    let answer = gateway.execute(&body, key).await;
    (answer.status.as_u16(), answer.json())
}

#[tokio::test]
async fn quote_of_an_order_is_its_reference() {
    let gateway = Gateway::start().await;
    let quote = remember(&gateway, chrono::TimeDelta::seconds(30), Mode::ExactIn).await;
    let (status, receipt) = order_by(&gateway, &quote, 100, None).await;
    assert_eq!(status, 202, "{receipt}");
    let id: Id = receipt["orderId"].as_str().unwrap().parse().unwrap();
    let history = gateway.app.journal.history.read(id, 0).await.unwrap().unwrap();
    let Event::Accepted { intent, .. } = &history[0].event else {
        panic!("the first event is the acceptance")
    };
    assert_eq!(
        intent.reference(),
        Some(&Reference { quote_id: quote.id, amount_out: Atoms::new(15_000_000_000) })
    );
    let order = gateway.get(&format!("/api/orders/{id}")).await.json();
    assert_eq!(order["data"]["minimumOutput"], "14925");
}

#[tokio::test]
async fn expired_or_mismatched_quote_is_refused() {
    let gateway = Gateway::start().await;
    let quote = remember(&gateway, chrono::TimeDelta::seconds(30), Mode::ExactIn).await;
    let exact_out = remember(&gateway, chrono::TimeDelta::seconds(30), Mode::ExactOut).await;
    let expired = remember(&gateway, chrono::TimeDelta::zero(), Mode::ExactIn).await;
    for (quote, amount, code) in [
        (&quote, 101, "quote_mismatch"),
        (&exact_out, 100, "quote_mismatch"),
        (&expired, 100, "quote_expired"),
    ] {
        let (status, problem) = order_by(&gateway, quote, amount, None).await;
        assert_eq!((status, &problem["code"]), (422, &json!(code)));
        assert_eq!(problem["errors"][0]["field"], "quoteId");
    }
    assert!(gateway.orders().await.is_empty());
}

#[tokio::test]
async fn the_quote_of_an_account_is_unknown_to_others() {
    let gateway = Gateway::start().await;
    let quote = remember(&gateway, chrono::TimeDelta::seconds(30), Mode::ExactIn).await;
    let others = issue(&gateway.app.journal, "desk".parse().unwrap(), &[Scope::Trade]).await;
    let others = Gateway { key: others, ..gateway.clone() };
    let (status, problem) = order_by(&others, &quote, 100, None).await;
    assert_eq!((status, &problem["code"]), (422, &json!("quote_not_found")));
    assert_eq!(order_by(&gateway, &quote, 100, None).await.0, 202);
}

#[tokio::test]
async fn a_repeated_request_outlives_its_quote() {
    let gateway = Gateway::start().await;
    let quote = remember(&gateway, chrono::TimeDelta::seconds(30), Mode::ExactIn).await;
    let (_, first) = order_by(&gateway, &quote, 100, Some("k")).await;
    let (token_in, token_out) = (example::token("SOL"), example::token("USDC"));
    let gone = Quoted {
        account: AccountId::operator(),
        quote: Quote { expires_at: order_core::Timestamp::UNIX_EPOCH, ..quote.clone() },
        token_in,
        token_out,
        mode: Mode::ExactIn,
        amount: quote.amount_in(),
    };
    gateway.app.cache.remember_quote(&gone, &gateway.app.quote_key, Duration::from_secs(60)).await.unwrap();
    assert_eq!(order_by(&gateway, &quote, 100, Some("k")).await, (202, first));
    assert_eq!(order_by(&gateway, &quote, 100, Some("other")).await.0, 422);
}

#[tokio::test]
async fn expiry_comes_from_the_client_or_the_configuration() {
    let gateway = Gateway::with(&["--order-ttl-seconds", "90"]).await;
    let order = async |id: &str| gateway.get(&format!("/api/orders/{id}")).await.json();
    let moment = |value: &Value| value.as_str().unwrap().parse::<order_core::Timestamp>().unwrap();
    let usual = order(&gateway.place().await).await;
    let lives = moment(&usual["expiresAt"]) - moment(&usual["createdAt"]);
    assert_eq!(lives, chrono::TimeDelta::seconds(90));
    let expiring =
        |at: order_core::Timestamp| ORDER.replace('}', &format!(r#","expiresAt":"{}"}}"#, at.to_rfc3339()));
    let soon = service::now() + chrono::TimeDelta::minutes(5);
    let receipt = gateway.execute(&expiring(soon), None).await.json();
    assert_eq!(moment(&order(receipt["orderId"].as_str().unwrap()).await["expiresAt"]), soon);
    for away in [-1, 31 * 60] {
        let answer =
            gateway.execute(&expiring(service::now() + chrono::TimeDelta::seconds(away)), None).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (422, &json!("invalid_expiry")));
    }
    let nonsense = ORDER.replace('}', r#","expiresAt":"tomorrow"}"#);
    assert_eq!(gateway.execute(&nonsense, None).await.json()["code"], "invalid_expiry");
}

#[tokio::test]
async fn slippage_above_the_operators_limit_is_refused() {
    let gateway = Gateway::with(&["--max-slippage", "0.05"]).await;
    gateway.place().await;
    let answer = gateway.execute(&ORDER.replace("0.05", "0.050000001"), None).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (422, &json!("slippage_too_high")));
    assert_eq!(answer.json()["errors"][0]["field"], "maxSlippage");
}

#[tokio::test]
async fn a_cancel_ends_an_unsigned_order_and_may_be_repeated() {
    let gateway = Gateway::start().await;
    let id = gateway.place().await;
    let cancel = async |id: &str| {
        let path = format!("/api/orders/{id}");
        gateway.send(http::Request::delete(path).body(axum::body::Body::empty()).unwrap()).await
    };
    for _ in 0..2 {
        let answer = cancel(&id).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(
            answer.json(),
            json!({"orderId": id, "status": "cancelled", "message": "Order cancelled"})
        );
    }
    let order = gateway.get(&format!("/api/orders/{id}")).await.json();
    assert_eq!((&order["status"], &order["seq"]), (&json!("cancelled"), &json!(2)));
    for unknown in [Uuid::now_v7().to_string(), "x".to_owned()] {
        let answer = cancel(&unknown).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (404, &json!("order_not_found")));
    }
}

#[tokio::test]
async fn a_key_in_quotes_is_the_same_key() {
    let gateway = Gateway::start().await;
    let first = gateway.execute(ORDER, Some("k-1")).await;
    let again = gateway.execute(ORDER, Some("\"k-1\"")).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.json()["orderId"], first.json()["orderId"]);
}
