//! The examples of the original Order Execution API, in its own forms.

use super::sockets::{Stage, frame, rest};
use super::{Answer, Gateway, ORDER, json};
use crate::api::quotes::response::{Pair, Quote};
use crate::api::v0;
use crate::tests::example;
use axum::body::Body;
use futures_util::SinkExt as _;
use http::{HeaderValue, Request, StatusCode};
use order_core::quote::Mode;
use order_core::{Environment, Slippage};
use serde_json::{Value, json as value};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

const WITHOUT_SLIPPAGE: &str =
    r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":100,"orderType":"market","note":null}"#;

async fn get(gateway: &Gateway, path: &str) -> Answer {
    let request = Request::get(path).header("accept", v0::MEDIA_TYPE).body(Body::empty()).unwrap();
    gateway.send(request).await
}

async fn execute(gateway: &Gateway, body: &'static str) -> Answer {
    let request = json("/api/orders/execute").header("accept", v0::MEDIA_TYPE);
    gateway.send(request.body(Body::from(body)).unwrap()).await
}

#[test]
fn a_quote_has_numbers() {
    let (input, output) = (example::token("SOL"), example::token("USDC"));
    let pair = Pair { token_in: &input, token_out: &output };
    let quote = example::quote(15_000_000_000);
    let slippage = Slippage::parse("0.01").unwrap();
    let current = Quote::of(&quote, pair, quote.amount_in(), Mode::ExactIn, slippage, Environment::Live);
    let old = v0::numbers(&serde_json::to_string(&current).unwrap());
    let old: Value = serde_json::from_str(&old).unwrap();
    assert_eq!(old["amount"], value!(100));
    assert_eq!(
        old["quote"],
        value!({"dex":"Raydium","price":150,"fee":0.0025,"feeAmount":0.25,"amountAfterFee":99.75,"feePercentage":"0.25%"})
    );
    assert_eq!(
        (&old["estimatedOutput"], &old["minimumOutput"], &old["priceImpact"]),
        (&value!(15000), &value!(14850), &value!(0.0012))
    );
    assert_eq!((&old["route"][0]["amountIn"], &old["route"][0]["share"]), (&value!(100), &value!(1)));
    assert_eq!(old["alternatives"][0]["estimatedOutput"], value!(14990.5));
}

#[tokio::test]
async fn an_order_is_answered_with_200_and_has_the_old_slippage() {
    let gateway = Gateway::start().await;
    let placed = execute(&gateway, WITHOUT_SLIPPAGE).await;
    assert_eq!(placed.status, StatusCode::OK, "{}", placed.body);
    assert_eq!(placed.header("content-type"), Some(v0::MEDIA_TYPE));
    assert_eq!(placed.header("vary"), Some("accept"));
    let receipt = placed.json();
    assert_eq!(
        (&receipt["status"], &receipt["message"]),
        (&value!("pending"), &value!("Order received and queued"))
    );
    let path = format!("/api/orders/{}", receipt["orderId"].as_str().unwrap());
    let old = get(&gateway, &path).await.json();
    assert_eq!((&old["amount"], &old["maxSlippage"]), (&value!(100), &value!(0.05)));
    let current = gateway.get(&path).await.json();
    assert_eq!((&current["amount"], &current["maxSlippage"]), (&value!("100"), &value!("0.05")));
    let named = execute(&gateway, ORDER).await;
    assert_eq!(named.status, StatusCode::OK, "{}", named.body);
}

#[tokio::test]
async fn a_list_is_bare_and_has_an_offset() {
    let gateway = Gateway::start().await;
    let mut placed = Vec::new();
    for _ in 0..3 {
        placed.insert(0, gateway.place().await);
    }
    let list = async |query: &str| {
        let answer = get(&gateway, &format!("/api/orders{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let orders = answer.json();
        let ids =
            orders.as_array().unwrap().iter().map(|order| order["orderId"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(list("").await, placed);
    assert_eq!(list("?offset=1&limit=1").await, placed[1..2]);
    assert_eq!(list("?limit=10&offset=2&status=pending").await, placed[2..]);
    assert!(list("?offset=3").await.is_empty());
    let refused = get(&gateway, "/api/orders?offset=5000").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn errors_are_a_text() {
    let gateway = Gateway::start().await;
    for (answer, status) in [
        (get(&gateway, "/api/orders/7").await, StatusCode::NOT_FOUND),
        (execute(&gateway, "{").await, StatusCode::BAD_REQUEST),
        (
            execute(&gateway, r#"{"tokenIn":"SOL","tokenOut":"SOL","amount":1}"#).await,
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (get(&gateway, "/api/nothing").await, StatusCode::NOT_FOUND),
    ] {
        assert_eq!((answer.status, answer.header("content-type")), (status, Some(v0::MEDIA_TYPE)));
        let error = answer.json();
        assert!(error["error"].is_string() && error.as_object().unwrap().len() == 1, "{error}");
        assert!(answer.header("x-request-id").is_some());
    }
    let keyless = Request::get("/api/orders").header("accept", v0::MEDIA_TYPE).body(Body::empty()).unwrap();
    let refused = gateway.send_bare(keyless).await;
    assert_eq!((refused.status, refused.json()["error"].is_string()), (StatusCode::UNAUTHORIZED, true));
    assert!(refused.header("www-authenticate").is_some(), "a key is needed all the same");
}

#[tokio::test]
async fn the_operator_may_make_it_the_default() {
    let gateway = Gateway::with(&["--compatibility", "v0"]).await;
    let placed = gateway.execute(ORDER, None).await;
    assert_eq!((placed.status, placed.header("content-type")), (StatusCode::OK, Some("application/json")));
    assert!(gateway.get("/api/orders").await.json().is_array());
    let current = "application/vnd.order-execution.v1+json";
    let request = Request::get("/api/orders").header("accept", current).body(Body::empty()).unwrap();
    assert!(gateway.send(request).await.json()["orders"].is_array());
    for (path, member) in
        [("/api/queue/stats", "waiting"), ("/api/metrics", "byDex"), ("/api/openapi.json", "paths")]
    {
        assert!(!gateway.get(path).await.json()[member].is_null(), "{path}");
    }
}

#[tokio::test]
async fn an_order_is_placed_and_followed_on_a_socket() {
    let stage = Stage::start().await;
    let mut request =
        format!("ws://{}/api/orders/execute", stage.running.address).into_client_request().unwrap();
    request.headers_mut().insert("accept", HeaderValue::from_static(v0::MEDIA_TYPE));
    let (mut socket, _) = connect_async(request).await.unwrap();
    socket.send(Message::text(WITHOUT_SLIPPAGE)).await.unwrap();
    let first = frame(&mut socket).await;
    assert_eq!((&first["type"], &first["seq"]), (&value!("order_update"), &value!(1)));
    let id = first["orderId"].as_str().unwrap().parse().unwrap();
    stage.swap(id, true).await;
    let routed = async {
        loop {
            let update = frame(&mut socket).await;
            if !update["data"]["quote"].is_null() {
                return update;
            }
        }
    }
    .await;
    assert_eq!(routed["data"]["quote"]["price"], value!(150));
    assert_eq!(routed["data"]["estimatedOutput"], value!(15000));
    assert_eq!(rest(&mut socket).await.1, 1000);
    stage.running.stop().await;
}
