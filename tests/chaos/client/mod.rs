//! The workload: clients that place orders, retry until they know, and follow each order to its end.
//!
//! They are no better than real ones: some orders come over a WebSocket, some name a quote, some requests
//! are cut off at any moment, some orders nobody asks for again, and some readers do not read for a while.

mod follow;
mod place;

use crate::QUIET_WITHIN;
use crate::log::Line;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;
use system_tests::Random;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// How many clients place orders at once, and the pause of each between two orders.
const CLIENTS: u64 = 4;
const PAUSE_MS: (u64, u64) = (200, 700);

/// How long a client waits for an answer before it asks again, with the same key.
const ANSWER_WITHIN: Duration = Duration::from_secs(4);

/// The pause before something is tried again.
const RETRY_MS: (u64, u64) = (100, 600);

/// So many of a hundred orders are not valid.
const INVALID_PERCENT: u64 = 5;

/// So many of a hundred orders name a quote that the client got before.
const QUOTED_PERCENT: u64 = 25;

/// So many of a hundred orders accept so little less than the first quote that prices soon move past it.
const TIGHT_PERCENT: u64 = 25;
const TIGHT: &str = "0.0005";

/// The state that the clients share.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) seed: u64,
    pub(crate) gateways: Vec<SocketAddr>,
    /// The API keys of two accounts.
    keys: [String; 2],
    pub(crate) lines: Sender<Line>,
    /// No new orders after this, and nobody tries any longer some time after it.
    stopped: OnceLock<Instant>,
    connections: AtomicU64,
    http: reqwest::Client,
}

impl Workload {
    pub(crate) fn new(
        seed: u64,
        gateways: Vec<SocketAddr>,
        keys: [String; 2],
        lines: Sender<Line>,
    ) -> anyhow::Result<Self> {
        // The HTTP client wants to know who does its TLS, even where there is none.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(ANSWER_WITHIN).build()?;
        let (stopped, connections) = (OnceLock::new(), AtomicU64::new(0));
        Ok(Self { seed, gateways, keys, lines, stopped, connections, http })
    }

    /// Places orders until it is told to stop; returns when each has been followed to its end.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut clients = JoinSet::new();
        for number in 1..=CLIENTS {
            let random = Random::new(self.seed, number);
            let client = Client { workload: Arc::clone(&self), random, account: number % 2 };
            clients.spawn(client.run(number));
        }
        while clients.join_next().await.is_some() {}
    }

    pub(crate) fn stop(&self) {
        // Only the first time counts.
        let _ = self.stopped.set(Instant::now());
    }

    /// True if an order or its end may still come.
    fn goes_on(&self) -> bool {
        self.stopped.get().is_none_or(|stopped| stopped.elapsed() < QUIET_WITHIN)
    }

    fn log(&self, line: Line) {
        // The log outlives the clients; if it cannot be written, reading it back fails.
        let _ = self.lines.send(line);
    }

    /// The number of a new connection.
    fn connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }
}

/// Somebody with an order to place or to follow.
struct Client {
    workload: Arc<Workload>,
    random: Random,
    /// Which of the two accounts it acts for.
    account: u64,
}

impl Client {
    async fn run(mut self, number: u64) {
        let mut followers = JoinSet::new();
        let mut orders: u64 = 0;
        while self.workload.stopped.get().is_none() {
            orders += 1;
            let key = format!("client-{number}-order-{orders}");
            let order = self.draw_order(&key).await;
            if let Some(placed) = self.place(&key, &order).await {
                followers.spawn(self.fork().follow(placed));
            }
            self.pause(PAUSE_MS).await;
        }
        while followers.join_next().await.is_some() {}
    }

    fn fork(&mut self) -> Self {
        let random = Random::new(self.random.next_u64(), 0);
        Self { workload: Arc::clone(&self.workload), random, account: self.account }
    }

    /// The API key of its account.
    fn bearer(&self) -> &str {
        &self.workload.keys[usize::from(self.account != 0)]
    }

    /// The API key of the other account.
    fn other_bearer(&self) -> &str {
        &self.workload.keys[usize::from(self.account == 0)]
    }

    async fn pause(&mut self, (least, most): (u64, u64)) {
        sleep(Duration::from_millis(self.random.between(least, most))).await;
    }

    async fn draw_order(&mut self, key: &str) -> Value {
        let (token_in, token_out) =
            self.random.pick(&[("SOL", "USDC"), ("USDC", "SOL"), ("SOL", "USDT"), ("USDT", "SOL")]);
        let cents = self.random.between(1, 100);
        let amount = if token_in == "SOL" { format!("0.{cents:03}") } else { format!("{cents}.5") };
        let amount = if self.random.percent(INVALID_PERCENT) { "0".to_owned() } else { amount };
        let max_slippage = if self.random.percent(TIGHT_PERCENT) { TIGHT } else { "0.05" };
        let mut order = json!({ "tokenIn": token_in, "tokenOut": token_out, "amount": amount, "maxSlippage": max_slippage });
        if self.random.percent(QUOTED_PERCENT)
            && let Some(id) = self.quote(key, &order).await
        {
            order["quoteId"] = id;
        }
        order
    }

    fn gateway(&mut self) -> SocketAddr {
        self.random.pick(&self.workload.gateways)
    }
}
