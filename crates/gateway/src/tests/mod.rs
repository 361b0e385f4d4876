//! The gateway with a real PostgreSQL, NATS and Redis, and without a router: nothing listens at its address.

mod access;
mod edge;
mod endings;
pub(crate) mod example;
mod orders;
mod pages;
mod refusals;
mod server;
mod sockets;
mod tls;
mod v0;

use crate::api;
use crate::config::Configuration;
use crate::http::rate_limit::Client;
use crate::state::App;
use axum::Router;
use axum::body::{Body, to_bytes};
use clap::Parser as _;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use journal::{ApiKey, Journal, KeyRequest};
use order_core::{AccountId, Scope};
use serde_json::Value;
use service::Shell;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt as _;
use uuid::Uuid;

const ORDER: &str = r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":100,"maxSlippage":0.05}"#;

/// The error of a database that is not reachable.
pub(crate) fn database_away() -> Arc<sqlx::Error> {
    Arc::new(sqlx::Error::PoolClosed)
}

/// A gateway with its own database and client address, and a key of the operator's account.
#[derive(Clone)]
struct Gateway {
    app: App,
    router: Router,
    client: Client,
    key: String,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Gateway {
    async fn start() -> Self {
        Self::with(&[]).await
    }

    async fn with(arguments: &[&str]) -> Self {
        let app = App::connect(configuration(arguments).await, Shell::default()).await.unwrap();
        let key = issue(&app.journal, AccountId::operator(), &[Scope::Read, Scope::Trade]).await;
        until("a key is required", async || app.keys.are_required()).await;
        Self { router: api::router(app.clone()), app, client: client(), key }
    }

    /// A gateway whose database has no key.
    async fn keyless() -> Self {
        let app = App::connect(configuration(&[]).await, Shell::default()).await.unwrap();
        Self { router: api::router(app.clone()), app, client: client(), key: String::new() }
    }

    /// Sends a request with the operator's key, unless it shows another.
    async fn send(&self, mut request: Request<Body>) -> Answer {
        if !request.headers().contains_key(header::AUTHORIZATION) {
            let bearer = format!("Bearer {}", self.key).parse().unwrap();
            request.headers_mut().insert(header::AUTHORIZATION, bearer);
        }
        self.send_bare(request).await
    }

    /// Sends a request with the headers that it has, and a host.
    async fn send_bare(&self, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(self.client);
        request.headers_mut().entry(header::HOST).or_insert(HeaderValue::from_static("localhost:3000"));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Answer { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.send(json(path).body(body.into()).unwrap()).await
    }

    async fn execute(&self, body: &str, key: Option<&str>) -> Answer {
        let mut request = json("/api/orders/execute");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// Places an order and returns its id.
    async fn place(&self) -> String {
        let answer = self.execute(ORDER, None).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
        answer.json()["orderId"].as_str().unwrap().to_owned()
    }

    async fn orders(&self) -> Vec<Value> {
        self.get("/api/orders").await.json()["orders"].as_array().unwrap().clone()
    }
}

/// A connection to the gateway's database.
async fn witness(gateway: &Gateway) -> PgConnection {
    PgConnection::connect(&gateway.app.configuration.database_url).await.unwrap()
}

/// Issues a key for an account, which is created if there is none.
async fn issue(journal: &Journal, account: AccountId, scopes: &[Scope]) -> String {
    journal.accounts.create(&account).await.unwrap();
    let mut random = [0; ApiKey::RANDOM_LENGTH];
    random[..16].copy_from_slice(Uuid::now_v7().as_bytes());
    random.rotate_left(10);
    let key = ApiKey::from_random(&random);
    let request = KeyRequest {
        account,
        label: String::new(),
        scopes: scopes.iter().copied().collect(),
        networks: Vec::new(),
        lifetime: None,
    };
    journal.accounts.issue(&key, &request).await.unwrap();
    key.reveal()
}

fn json(path: &str) -> http::request::Builder {
    Request::post(path).header("content-type", "application/json")
}

async fn configuration(arguments: &[&str]) -> Configuration {
    let database = database().await;
    let (nats, redis) = (required("TEST_NATS_URL"), required("TEST_REDIS_URL"));
    let fixed = [
        "gateway",
        "--listen",
        "127.0.0.1:0",
        "--router-url",
        "http://127.0.0.1:1",
        "--database-url",
        &database,
        "--nats-url",
        &nats,
        "--redis-url",
        &redis,
    ];
    Configuration::parse_from(fixed.iter().chain(arguments))
}

/// A client address that no other test uses, so that its rate limit is its own.
fn client() -> Client {
    Client(IpAddr::V6(Ipv6Addr::from_bits(Uuid::now_v7().as_u128().rotate_left(64))))
}

fn required(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("set {name}, or run `cargo xtask test`"))
}

/// Creates a database for one test.
async fn database() -> String {
    let server = required("TEST_DATABASE_URL");
    let name = format!("test_{}", Uuid::now_v7().simple());
    let mut connection = PgConnection::connect(&server).await.unwrap();
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE migrated"))).await.unwrap();
    let (location, query) = server.split_once('?').unwrap_or((&server, ""));
    let (location, _) = location.rsplit_once('/').unwrap();
    format!("{location}/{name}?{query}")
}

/// Polls until the condition is true.
async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let reached = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(20), reached).await;
    in_time.unwrap_or_else(|_| panic!("never came true: {what}"));
}
