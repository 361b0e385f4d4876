//! The workload: clients that place orders, retry until they know, and follow each order to its end.

use crate::log::Line;
use crate::random::Random;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

/// How many clients place orders at once, and the pause of each between two orders.
const CLIENTS: u64 = 4;
const PAUSE_MS: (u64, u64) = (200, 700);

/// How long a client waits for an answer before it asks again, with the same key.
const ANSWER_WITHIN: Duration = Duration::from_secs(4);

/// The pause before something is tried again.
const RETRY_MS: (u64, u64) = (100, 600);

/// The gateway sends a heartbeat every 15 s: a connection that is silent for longer is given up.
const SILENCE: Duration = Duration::from_secs(20);

/// So many of a hundred orders are sent once more although they were accepted.
const REPEATED_PERCENT: u64 = 15;

/// So many of a hundred requests are not valid.
const INVALID_PERCENT: u64 = 5;

/// What the clients share.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) seed: u64,
    pub(crate) gateways: Vec<SocketAddr>,
    pub(crate) lines: Sender<Line>,
    /// No new orders after this.
    pub(crate) until: Instant,
    /// Nobody tries any longer after this.
    pub(crate) give_up: Instant,
    connections: AtomicU64,
    http: reqwest::Client,
}

impl Workload {
    pub(crate) fn new(
        seed: u64,
        gateways: Vec<SocketAddr>,
        lines: Sender<Line>,
        until: Instant,
        give_up: Instant,
    ) -> anyhow::Result<Self> {
        // The HTTP client wants to know who does its TLS, even where there is none.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(ANSWER_WITHIN).build()?;
        Ok(Self { seed, gateways, lines, until, give_up, connections: AtomicU64::new(0), http })
    }

    /// Places orders until it is time to stop; returns when each has been followed to its end.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut clients = JoinSet::new();
        for number in 1..=CLIENTS {
            let client = Client { random: Random::new(self.seed, number), workload: Arc::clone(&self) };
            clients.spawn(client.run(number));
        }
        while clients.join_next().await.is_some() {}
    }

    fn log(&self, line: Line) {
        // The log outlives the clients; if it cannot be written, reading it back fails.
        let _ = self.lines.send(line);
    }
}

/// Somebody with an order to place or to follow.
struct Client {
    workload: Arc<Workload>,
    random: Random,
}

impl Client {
    async fn run(mut self, number: u64) {
        let mut followers = JoinSet::new();
        let mut orders: u64 = 0;
        while Instant::now() < self.workload.until {
            orders += 1;
            let key = format!("client-{number}-order-{orders}");
            let order = self.draw_order();
            if let Some(id) = self.place(&key, &order).await {
                let follower = self.fork();
                followers.spawn(follower.follow(id));
            }
            self.pause(PAUSE_MS).await;
        }
        while followers.join_next().await.is_some() {}
    }

    fn fork(&mut self) -> Self {
        Self { workload: Arc::clone(&self.workload), random: Random::new(self.random.next(), 0) }
    }

    async fn pause(&mut self, (least, most): (u64, u64)) {
        sleep(Duration::from_millis(self.random.between(least, most))).await;
    }

    fn draw_order(&mut self) -> Value {
        let (token_in, token_out) =
            self.random.pick(&[("SOL", "USDC"), ("USDC", "SOL"), ("SOL", "USDT"), ("USDT", "SOL")]);
        let cents = self.random.between(1, 100);
        let amount = if token_in == "SOL" { format!("0.{cents:03}") } else { format!("{cents}.5") };
        let amount = if self.random.percent(INVALID_PERCENT) { "0".to_owned() } else { amount };
        json!({ "tokenIn": token_in, "tokenOut": token_out, "amount": amount, "maxSlippage": "0.05" })
    }

    /// Sends an order until somebody says yes or no. The id if it was a yes.
    async fn place(&mut self, key: &str, order: &Value) -> Option<String> {
        let mut accepted = None;
        while Instant::now() < self.workload.give_up {
            let answer = self.ask(key, order).await;
            match answer {
                Some((202, body)) => {
                    let repeat = accepted.is_none() && self.random.percent(REPEATED_PERCENT);
                    accepted = body["orderId"].as_str().map(str::to_owned);
                    if !repeat {
                        break;
                    }
                }
                Some((429 | 500.., _)) | None => self.pause(RETRY_MS).await,
                Some((_, _)) => break,
            }
        }
        accepted
    }

    async fn ask(&mut self, key: &str, order: &Value) -> Option<(u16, Value)> {
        let gateway = self.gateway();
        self.workload.log(Line::Asked { key: key.to_owned() });
        let request = self.workload.http.post(format!("http://{gateway}/api/orders/execute"));
        let answer = request.header("Idempotency-Key", key).json(order).send().await.ok()?;
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.ok()?;
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        self.workload.log(Line::Answered {
            key: key.to_owned(),
            status,
            order_id: text("orderId"),
            code: text("code"),
        });
        Some((status, body))
    }

    fn gateway(&mut self) -> SocketAddr {
        self.random.pick(&self.workload.gateways)
    }

    /// Follows an order to its terminal event, over as many connections as that takes.
    async fn follow(mut self, id: String) {
        let mut seen = 0;
        while Instant::now() < self.workload.give_up {
            if self.follow_once(&id, &mut seen).await == Some(true) {
                return;
            }
            self.pause(RETRY_MS).await;
        }
    }

    /// One connection. Whether the order has ended; None if there was no connection.
    async fn follow_once(&mut self, id: &str, seen: &mut u64) -> Option<bool> {
        let url = format!("ws://{}/api/orders/{id}/ws?after={seen}", self.gateway());
        let connected = timeout(ANSWER_WITHIN, tokio_tungstenite::connect_async(url)).await;
        let (mut socket, _) = connected.ok()?.ok()?;
        let connection = self.workload.connections.fetch_add(1, Ordering::Relaxed);
        self.workload.log(Line::Following { connection, order_id: id.to_owned(), after: *seen });
        let mut ended = false;
        while let Ok(Some(Ok(message))) = timeout(SILENCE, socket.next()).await {
            match message {
                Message::Text(text) => {
                    let frame: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
                    if frame["type"] == "order_update" {
                        *seen = frame["seq"].as_u64().unwrap_or(*seen);
                        ended = frame["status"] == "confirmed" || frame["status"] == "failed";
                    }
                    self.workload.log(Line::Frame { connection, order_id: id.to_owned(), frame });
                }
                Message::Close(close) => {
                    let code = close.map(|close| close.code.into());
                    self.workload.log(Line::Closed { connection, code });
                    break;
                }
                Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
            }
        }
        Some(ended)
    }
}
