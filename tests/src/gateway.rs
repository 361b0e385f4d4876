use crate::{Updates, eventually};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;

/// No answer of the gateway takes this long.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A client of anything that speaks HTTP.
pub fn http() -> reqwest::Client {
    // The client wants to know who does its TLS, even where there is none. It may be told twice.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(TIMEOUT).build().unwrap()
}

/// A client of one gateway.
#[derive(Debug, Clone)]
pub struct Gateway {
    address: SocketAddr,
    http: reqwest::Client,
}

/// An answer of the gateway.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body, if it is JSON; else as a JSON string.
    pub body: Value,
}

impl Gateway {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, http: http() }
    }

    /// A request that the caller completes.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address))
    }

    /// The answer to a request.
    ///
    /// # Panics
    /// There is none.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status, headers, body }
    }

    /// The body of a page, which has to be there.
    ///
    /// # Panics
    /// The status is not 200.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.send(self.request(Method::GET, path)).await;
        assert_eq!(answer.status, StatusCode::OK, "GET {path}: {}", answer.body);
        answer.body
    }

    /// The answer to a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Places an order and gives its id.
    ///
    /// # Panics
    /// It is not accepted.
    pub async fn place(&self, order: &Value) -> String {
        let answer = self.post("/api/orders/execute", order).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
        assert_eq!(answer.body["status"], "pending");
        assert_eq!(answer.body["message"], "Order received and queued");
        let id = answer.body["orderId"].as_str().unwrap().to_owned();
        assert_eq!(answer.headers["location"], format!("/api/orders/{id}"));
        id
    }

    /// Asks for an order's end.
    pub async fn cancel(&self, id: &str) -> Answer {
        self.send(self.request(Method::DELETE, &format!("/api/orders/{id}"))).await
    }

    /// One order as it is now.
    pub async fn order(&self, id: &str) -> Value {
        self.get(&format!("/api/orders/{id}")).await
    }

    /// One order as it ended.
    pub async fn ended(&self, id: &str) -> Value {
        eventually(&format!("the end of order {id}"), async || {
            let order = self.order(id).await;
            order["status"].as_str().is_some_and(is_terminal).then_some(order)
        })
        .await
    }

    /// The updates of an order after a seq.
    pub async fn follow(&self, id: &str, after: u64) -> Updates {
        Updates::connect(&format!("ws://{}/api/orders/{id}/ws?after={after}", self.address)).await
    }

    /// Places an order by WebSocket; its updates come on the same connection.
    pub async fn submit(&self, order: &Value) -> Updates {
        let mut updates = Updates::connect(&format!("ws://{}/api/orders/execute", self.address)).await;
        updates.send(order).await;
        updates
    }
}

/// An order to be placed.
pub fn market_order(token_in: &str, token_out: &str, amount: &str, max_slippage: &str) -> Value {
    json!({ "tokenIn": token_in, "tokenOut": token_out, "amount": amount, "maxSlippage": max_slippage })
}

/// True if an order with this status has ended.
pub fn is_terminal(status: &str) -> bool {
    ["confirmed", "failed", "cancelled", "expired"].contains(&status)
}
