//! A client that places orders for one account, and looks at what became of them.

use crate::stage::Stage;
use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use system_tests::{http, is_terminal};

/// An order ends within this time, whatever was done to the node.
const PATIENCE: Duration = Duration::from_secs(240);

const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// An order to be placed: what is spent, what is bought, and how much.
pub(crate) type Order = (&'static str, &'static str, &'static str);

/// A client with the key of an account.
#[derive(Debug, Clone)]
pub(crate) struct Trader {
    gateway: SocketAddr,
    key: String,
    http: Client,
}

impl Trader {
    /// The client of a new account, whose orders may go over these venues only, if any are named.
    pub(crate) fn new(stage: &Stage, account: &str, venues: &str) -> Result<Self> {
        stage.ops(&["account", "create", account])?;
        if !venues.is_empty() {
            stage.ops(&["account", "policy", account, "--venue", venues])?;
        }
        let key = stage.ops(&["key", "issue", "--account", account])?;
        Ok(Self { gateway: stage.gateway()?.address, key, http: http() })
    }

    /// Places an order, and gives its id.
    pub(crate) async fn place(&self, (token_in, token_out, amount): Order) -> Result<String> {
        let order =
            json!({ "tokenIn": token_in, "tokenOut": token_out, "amount": amount, "maxSlippage": "0.01" });
        let answer = self.request(Method::POST, "/api/orders/execute").json(&order).send().await?;
        let (status, body) = (answer.status(), answer.text().await?);
        ensure!(status == 202, "an order was refused: {status}: {body}");
        let body: Value = serde_json::from_str(&body)?;
        Ok(body["orderId"].as_str().context("an order has an id")?.to_owned())
    }

    /// An order as it ended.
    pub(crate) async fn ended(&self, id: &str) -> Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let order = self.get(&format!("/api/orders/{id}")).await?;
            if order["status"].as_str().is_some_and(is_terminal) {
                return Ok(order);
            }
            ensure!(Instant::now() < deadline, "the order has not ended: {order}");
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Orders that were placed, as they ended.
    pub(crate) async fn all_ended(&self, ids: &[String]) -> Result<Vec<Value>> {
        let mut ended = Vec::new();
        for id in ids {
            ended.push(self.ended(id).await?);
        }
        Ok(ended)
    }

    /// The venues of an order's last route, each once.
    pub(crate) async fn venues(&self, id: &str) -> Result<Vec<String>> {
        let events = self.get(&format!("/api/orders/{id}/events")).await?;
        let paths = events["events"].as_array().into_iter().flatten();
        let paths = paths.filter_map(|event| event["route"]["paths"].as_array()).next_back();
        let hops = paths.into_iter().flatten().filter_map(|path| path["hops"].as_array()).flatten();
        let mut venues: Vec<String> =
            hops.filter_map(|hop| Some(hop["venue"].as_str()?.to_owned())).collect();
        venues.sort();
        venues.dedup();
        Ok(venues)
    }

    /// Why an order ended as it did, and why each attempt before.
    pub(crate) async fn reasons(&self, id: &str) -> Result<String> {
        let events = self.get(&format!("/api/orders/{id}/events")).await?;
        let events = events["events"].as_array().into_iter().flatten();
        let mut reasons: Vec<String> = events.filter_map(|event| reason(&event["error"])).collect();
        reasons.dedup();
        Ok(if reasons.is_empty() { "no reason given".to_owned() } else { reasons.join(", then ") })
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.request(Method::GET, path).send().await?;
        let (status, body) = (answer.status(), answer.text().await?);
        ensure!(status == 200, "{path}: {status}: {body}");
        Ok(serde_json::from_str(&body)?)
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.gateway)).bearer_auth(&self.key)
    }
}

/// Longest part of a reason that is of use in a table.
const REASON_LENGTH: usize = 300;

fn reason(error: &Value) -> Option<String> {
    let message: String = error["message"].as_str()?.chars().take(REASON_LENGTH).collect();
    Some(format!("{}: {message}", error["code"].as_str()?))
}
