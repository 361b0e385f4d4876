//! Clients that do nothing wrong, at another address than the attackers.

use anyhow::{Context, Result};
use futures_util::future::join_all;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};
use system_tests::Times;

/// The address of these clients.
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Clients that read, and clients that place orders. Every second one opens a connection for each request.
const READERS: usize = 6;
const PLACERS: usize = 4;

/// Pause of a client between two requests.
const PAUSE: Duration = Duration::from_millis(40);

/// Longest time that a client waits.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The measurements of these clients.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) reads: Times,
    pub(crate) accepts: Times,
    pub(crate) refusals: Vec<String>,
}

/// The clients.
#[derive(Debug, Clone)]
pub(crate) struct Others {
    gateway: SocketAddr,
    order: String,
}

impl Others {
    /// Clients of the gateway at this address. Places the order that they read.
    pub(crate) async fn new(gateway: SocketAddr) -> Result<Self> {
        // The client wants to know who does its TLS, even where there is none.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let body: Value = place(&client(true)?, gateway).await?.json().await?;
        let order = body["orderId"].as_str().map(str::to_owned).context("the first order was refused")?;
        Ok(Self { gateway, order })
    }

    /// An order that exists.
    pub(crate) fn order(&self) -> &str {
        &self.order
    }

    /// Reads and places orders for this long, on a thread of its own: the attackers keep theirs busy.
    pub(crate) async fn observe(&self, length: Duration) -> Result<Seen> {
        let (sender, seen) = tokio::sync::oneshot::channel();
        let others = self.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let seen = runtime
                .context("starting a runtime")
                .and_then(|runtime| runtime.block_on(others.observe_here(length)));
            // Nobody waits any more if the program ends.
            let _ = sender.send(seen);
        });
        seen.await.context("the other clients have ended")?
    }

    async fn observe_here(&self, length: Duration) -> Result<Seen> {
        let until = Instant::now() + length;
        let readers = join_all((0..READERS).map(|number| self.read(number, until)));
        let placers = join_all((0..PLACERS).map(|number| self.place(number, until)));
        let (readers, placers) = tokio::join!(readers, placers);
        let mut seen = Seen::default();
        for (times, refusals) in readers.into_iter().collect::<Result<Vec<_>>>()? {
            seen.reads.extend(times);
            seen.refusals.extend(refusals);
        }
        for (times, refusals) in placers.into_iter().collect::<Result<Vec<_>>>()? {
            seen.accepts.extend(times);
            seen.refusals.extend(refusals);
        }
        Ok(seen)
    }

    async fn read(&self, number: usize, until: Instant) -> Result<(Vec<Duration>, Vec<String>)> {
        let client = client(number.is_multiple_of(2))?;
        let url = format!("http://{}/api/orders/{}", self.gateway, self.order);
        let ask = async || {
            let answer = client.get(&url).send().await?;
            let status = answer.status();
            answer.bytes().await?;
            Ok(status)
        };
        Ok(repeat(until, StatusCode::OK, ask).await)
    }

    async fn place(&self, number: usize, until: Instant) -> Result<(Vec<Duration>, Vec<String>)> {
        let client = client(number.is_multiple_of(2))?;
        let ask = async || {
            let answer = place(&client, self.gateway).await?;
            let status = answer.status();
            answer.bytes().await?;
            Ok(status)
        };
        Ok(repeat(until, StatusCode::ACCEPTED, ask).await)
    }
}

/// The times of the requests that were answered as expected, and the other answers.
async fn repeat(
    until: Instant,
    expected: StatusCode,
    ask: impl AsyncFn() -> Result<StatusCode, reqwest::Error>,
) -> (Vec<Duration>, Vec<String>) {
    let (mut times, mut refusals) = (Vec::new(), Vec::new());
    while Instant::now() < until {
        let started = Instant::now();
        match ask().await {
            Ok(status) if status == expected => times.push(started.elapsed()),
            Ok(status) => refusals.push(format!("status {status}")),
            Err(error) => refusals.push(format!("{:#}", anyhow::Error::new(error))),
        }
        tokio::time::sleep(PAUSE).await;
    }
    (times, refusals)
}

fn client(keeps_connections: bool) -> Result<Client> {
    let builder = Client::builder().local_address(ADDRESS).timeout(TIMEOUT);
    let builder = if keeps_connections { builder } else { builder.pool_max_idle_per_host(0) };
    builder.build().context("making a client")
}

async fn place(client: &Client, gateway: SocketAddr) -> Result<reqwest::Response, reqwest::Error> {
    let order = json!({ "tokenIn": "SOL", "tokenOut": "USDC", "amount": "0.01", "maxSlippage": "0.05" });
    client.post(format!("http://{gateway}/api/orders/execute")).json(&order).send().await
}
