//! Measures how long a stream of quotes takes to push a change of a pool, on a running local engine: from
//! the cluster's notification of the slot, as a subscriber like the router gets it, to the quote.
//!
//! `cargo run --release --example pushes -- --changes 200`, with what `cargo xtask up` prints as addresses

use anyhow::{Context, Result};
use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use order_core::token::known;
use proto::wire::router_service_client::RouterServiceClient;
use proto::wire::{QuoteMode, QuoteRequest, QuoteResponse};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

/// A change is pushed long before.
const PATIENCE: Duration = Duration::from_secs(10);

/// The promise.
const PROMISED: Duration = Duration::from_millis(20);

/// Moves the price of a pool again and again, and prints how soon its quotes are pushed.
#[derive(Debug, Clone, Parser)]
struct Options {
    /// Where the router is
    #[arg(long, default_value = "http://127.0.0.1:50051")]
    router: String,
    /// Where the sandbox is
    #[arg(long, default_value = "127.0.0.1:8899")]
    sandbox: String,
    /// How often the price is moved
    #[arg(long, default_value_t = 200)]
    changes: u32,
    /// The pause between two moves, in milliseconds: not a multiple of the slot, so that all its parts are met
    #[arg(long, default_value_t = 333)]
    pause_ms: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    // Which code does TLS: none of it is needed here, and the client asks for it all the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().timeout(PATIENCE).build()?;
    let mut slots = slots(&options).await?;
    let mut router = RouterServiceClient::connect(options.router.clone()).await?;
    let mint = |symbol| known().find(|token| token.symbol == symbol).map(|token| token.mint.to_string());
    let request = QuoteRequest {
        mint_in: mint("SOL").context("SOL is known")?,
        mint_out: mint("USDC").context("USDC is known")?,
        amount: 1_000_000_000,
        mode: QuoteMode::ExactIn.into(),
        ..Default::default()
    };
    let mut quotes = router.stream_quotes(request).await?.into_inner();
    let mut quote = quotes.message().await?.context("the stream has ended")?;
    let mut times = Vec::new();
    for number in 0..options.changes {
        tokio::time::sleep(Duration::from_millis(options.pause_ms)).await;
        let changed = change(&http, &options, &quote, if number % 2 == 0 { 7 } else { -7 }).await?;
        quote = loop {
            let next = tokio::time::timeout(PATIENCE, quotes.message()).await;
            let next = next.context("the change is not pushed")??.context("the stream has ended")?;
            if next.slot >= changed {
                break next;
            }
        };
        let pushed = Instant::now();
        let told = slots.told(changed).await?;
        times.push(pushed.saturating_duration_since(told));
    }
    print(times);
    Ok(())
}

/// Moves the price of the quote's first pool, and says in which slot.
async fn change(
    http: &reqwest::Client,
    options: &Options,
    quote: &QuoteResponse,
    change_bps: i32,
) -> Result<u64> {
    let hop = quote.paths.first().and_then(|path| path.hops.first()).context("a quote without a path")?;
    let pool = &hop.pool;
    let url = format!("http://{}/admin/pools/{pool}/price", options.sandbox);
    let change = json!({ "changeBps": change_bps });
    let answer: Value = http.post(url).json(&change).send().await?.json().await?;
    answer["slot"].as_u64().with_context(|| format!("moving a price: {answer}"))
}

/// When the cluster has told of each slot.
struct Slots {
    told: BTreeMap<u64, Instant>,
    news: mpsc::UnboundedReceiver<(u64, Instant)>,
}

impl Slots {
    async fn told(&mut self, slot: u64) -> Result<Instant> {
        while !self.told.contains_key(&slot) {
            let (slot, at) = self.news.recv().await.context("the subscription has ended")?;
            self.told.insert(slot, at);
        }
        self.told.get(&slot).copied().context("the slot was told")
    }
}

async fn slots(options: &Options) -> Result<Slots> {
    let url = format!("ws://{}", options.sandbox);
    let (mut socket, _) = tokio_tungstenite::connect_async(&url).await.context("reaching the sandbox")?;
    let subscribe = json!({ "jsonrpc": "2.0", "id": 1, "method": "slotSubscribe" });
    socket.send(Message::text(subscribe.to_string())).await?;
    let (sender, news) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = socket.next().await {
            let at = Instant::now();
            let notice: Value = serde_json::from_slice(&message.into_data()).unwrap_or_default();
            if let Some(slot) = notice["params"]["result"]["slot"].as_u64()
                && sender.send((slot, at)).is_err()
            {
                break;
            }
        }
    });
    Ok(Slots { told: BTreeMap::new(), news })
}

fn print(mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| {
        let place = times.len().saturating_sub(1) * percent / 100;
        times.get(place).copied().unwrap_or_default().as_secs_f64() * 1000.0
    };
    let kept = times.iter().filter(|time| **time <= PROMISED).count();
    println!(
        "{} changes: least {:.1} ms, half within {:.1}, 90 % {:.1}, 99 % {:.1}, most {:.1}; {kept} within {} ms",
        times.len(),
        at(0),
        at(50),
        at(90),
        at(99),
        at(100),
        PROMISED.as_millis()
    );
}
