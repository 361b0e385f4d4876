//! Accounts and keys, over the services as they run.

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::Value;
use std::net::SocketAddr;
use system_tests::{Answer, Engine, Gateway, eventually, http, market_order, setting};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// A gateway, as the holder of a key sees it.
struct Caller {
    gateway: Gateway,
    address: SocketAddr,
    key: String,
}

impl Caller {
    fn new(engine: &Engine, account: &str) -> Self {
        engine.ops(&["account", "create", account]);
        let key = engine.ops(&["key", "issue", "--account", account]).trim().to_owned();
        Self { gateway: engine.gateway(0), address: engine.stack.gateways[0].address, key }
    }

    async fn ask(&self, method: Method, path: &str) -> Answer {
        self.gateway.send(self.gateway.request(method, path).bearer_auth(&self.key)).await
    }

    async fn place(&self) -> String {
        let order = market_order("SOL", "USDC", "0.1", "0.05");
        let request = self.gateway.request(Method::POST, "/api/orders/execute").bearer_auth(&self.key);
        let answer = self.gateway.send(request.header("Idempotency-Key", "the-same").json(&order)).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        answer.body["orderId"].as_str().unwrap().to_owned()
    }

    /// Everything that an order's WebSocket sends, and the code that closes it.
    async fn follow(&self, path: &str, authorized: bool) -> (Vec<Value>, Option<u16>) {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        if authorized {
            let bearer = format!("Bearer {}", self.key).parse().unwrap();
            request.headers_mut().insert("authorization", bearer);
        }
        let (mut socket, _) = connect_async(request).await.unwrap();
        let mut updates = Vec::new();
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Text(text) => updates.push(serde_json::from_str(&text).unwrap()),
                Message::Close(frame) => return (updates, frame.map(|frame| frame.code.into())),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
        (updates, None)
    }
}

#[tokio::test]
async fn an_order_is_its_accounts_from_the_first_request_to_the_last_event() {
    let mut engine = Engine::start(1, 1, Vec::new());
    let (desk, rival) = (Caller::new(&engine, "desk"), Caller::new(&engine, "rival"));
    let id = desk.place().await;
    let (updates, code) = desk.follow(&format!("/api/orders/{id}/ws"), true).await;
    assert_eq!((updates.last().unwrap()["status"].as_str(), code), (Some("confirmed"), Some(1000)));

    for path in [format!("/api/orders/{id}"), format!("/api/orders/{id}/events")] {
        assert_eq!(desk.ask(Method::GET, &path).await.status, 200, "{path}");
        assert_eq!(rival.ask(Method::GET, &path).await.status, 404, "{path}");
    }
    assert_eq!(rival.ask(Method::DELETE, &format!("/api/orders/{id}")).await.status, 404);
    assert_eq!(desk.ask(Method::DELETE, &format!("/api/orders/{id}")).await.status, 409);
    let (updates, code) = rival.follow(&format!("/api/orders/{id}/ws"), true).await;
    assert_eq!((updates, code), (Vec::new(), Some(1008)), "as for an order that does not exist");
    assert_eq!(rival.ask(Method::GET, "/api/orders").await.body["orders"], Value::Array(Vec::new()));
    assert_eq!(rival.ask(Method::GET, "/api/metrics").await.body["total"], 0);
    assert_ne!(rival.place().await, id, "the same idempotency key");
    assert_eq!(desk.place().await, id);

    let services = engine.stack.services().map(|service| service.admin);
    for admin in services.collect::<Vec<_>>() {
        let metrics =
            http().get(format!("http://{admin}/metrics")).send().await.unwrap().text().await.unwrap();
        for secret in [id.as_str(), "\"desk\"", "\"rival\"", desk.key.as_str()] {
            assert!(!metrics.contains(secret), "{admin}: {secret}");
        }
    }
}

#[tokio::test]
async fn a_browser_follows_an_order_by_a_ticket_until_its_key_is_revoked() {
    let engine = Engine::start(0, 1, Vec::new());
    let desk = Caller::new(&engine, "desk");
    let id = desk.place().await;
    let ticket = desk.ask(Method::POST, "/api/ws-ticket").await;
    assert_eq!(ticket.status, 200, "{}", ticket.body);
    let url = format!(
        "ws://{}/api/orders/{id}/ws?ticket={}",
        desk.address,
        ticket.body["ticket"].as_str().unwrap()
    );
    let (mut socket, _) = connect_async(url).await.unwrap();
    let first = socket.next().await.unwrap().unwrap();
    assert!(first.to_text().unwrap().contains("pending"), "{first}");

    let key = desk.key.split('_').nth(1).unwrap();
    engine.ops(&["key", "revoke", key]);
    // Nothing works on the order: only the revocation ends the socket.
    let closed = async {
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Close(frame) = message {
                return frame.map(|frame| u16::from(frame.code));
            }
        }
        None
    };
    assert_eq!(closed.await, Some(1008));
    assert_eq!(desk.ask(Method::GET, "/api/orders").await.status, 401);
}

/// Its orders alone: what an operator allows one account binds no other.
#[tokio::test]
async fn an_account_keeps_the_bounds_that_its_operator_sets() {
    let engine = Engine::start(1, 1, Vec::new());
    let (desk, rival) = (Caller::new(&engine, "desk"), Caller::new(&engine, "rival"));
    let policy = ["account", "policy", "desk", "--max-order-value", "40", "--max-day-value", "50"];
    let bounds = ["--max-slippage", "0.02", "--token", "SOL,USDC", "--venue", "raydium_cpmm,raydium_amm_v4"];
    engine.ops(&[&policy[..], &bounds].concat());
    let place = async |caller: &Caller, token_out: &str, amount: &str, slippage: &str| {
        let order = market_order("SOL", token_out, amount, slippage);
        let request = caller.gateway.request(Method::POST, "/api/orders/execute").bearer_auth(&caller.key);
        caller.gateway.send(request.json(&order)).await
    };
    let refused = async |token_out: &str, amount: &str, slippage: &str| {
        let answer = place(&desk, token_out, amount, slippage).await;
        (answer.status.as_u16(), answer.body["code"].as_str().unwrap_or_default().to_owned())
    };
    eventually("the gateway knows the policy", async || {
        (refused("BONK", "0.1", "0.02").await == (403, "token_not_allowed".to_owned())).then_some(())
    })
    .await;
    assert_eq!(refused("USDC", "0.1", "0.03").await, (422, "slippage_too_high".to_owned()));

    let outcome = async |caller: &Caller, amount: &str| {
        let answer = place(caller, "USDC", amount, "0.02").await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        let id = answer.body["orderId"].as_str().unwrap().to_owned();
        let (updates, _) = caller.follow(&format!("/api/orders/{id}/ws"), true).await;
        (id, updates.last().unwrap().clone())
    };
    // SOL is worth about 150 dollars.
    let (_, order) = outcome(&desk, "0.5").await;
    assert_eq!(order["data"]["error"]["code"], "limit_exceeded", "more than an order may be worth: {order}");
    let (id, order) = outcome(&desk, "0.2").await;
    assert_eq!(order["status"], "confirmed", "{order}");
    let (_, order) = outcome(&desk, "0.2").await;
    assert_eq!(order["data"]["error"]["code"], "limit_exceeded", "more than a day may come to: {order}");
    let (_, order) = outcome(&rival, "0.5").await;
    assert_eq!(order["status"], "confirmed", "{order}");
    let events = desk.ask(Method::GET, &format!("/api/orders/{id}/events")).await.body;
    let routes: Vec<&Value> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|event| event["route"]["paths"].as_array())
        .flatten()
        .collect();
    assert!(!routes.is_empty(), "{events}");
    for hop in routes.into_iter().flat_map(|path| path["hops"].as_array().unwrap()) {
        assert!(["raydium_cpmm", "raydium_amm_v4"].contains(&hop["venue"].as_str().unwrap()), "{hop}");
    }
}

/// A flood of one account delays another's order by the orders that are in work, and no more.
#[tokio::test]
async fn a_flood_of_one_account_stands_in_no_others_way() {
    const IN_WORK: i64 = 4;
    const FLOOD: usize = 120;
    let engine = Engine::start(1, 1, vec![setting("executor", "CONCURRENCY", &IN_WORK.to_string())]);
    let (desk, rival) = (Caller::new(&engine, "desk"), Caller::new(&engine, "rival"));
    let order = market_order("SOL", "USDC", "0.01", "0.05");
    let place = async |caller: &Caller| {
        let request = caller.gateway.request(Method::POST, "/api/orders/execute").bearer_auth(&caller.key);
        let answer = caller.gateway.send(request.json(&order)).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        answer.body["orderId"].as_str().unwrap().to_owned()
    };
    join_all((0..FLOOD).map(|_| place(&desk))).await;
    let id = place(&rival).await;
    let signed = async || {
        let rows = engine.query(&format!("SELECT 1 FROM transactions WHERE order_id = '{id}'"));
        (!rows.is_empty()).then_some(())
    };
    eventually("the rival's order is signed", signed).await;
    let before = engine.query(&format!(
        "SELECT count(*) FROM transactions AS desk, transactions AS rival
        JOIN orders ON orders.id = rival.order_id
        WHERE rival.order_id = '{id}' AND desk.signed_at BETWEEN orders.created_at AND rival.signed_at
          AND desk.order_id <> rival.order_id"
    ));
    let before: i64 = before[0][0].as_ref().unwrap().parse().unwrap();
    // Those in work when it came, and one for each of its own turn.
    assert!(before <= 2 * IN_WORK, "{before} orders of the desk were signed first");
}
