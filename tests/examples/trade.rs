//! Places market orders on a running engine and prints each order's updates as they come.
//!
//! It needs nothing of the engine but its URL, so it is a start for a client of your own:
//! `cargo run --example trade -- --orders 4`

use anyhow::{Context, Result, ensure};
use clap::Parser;
use futures_util::StreamExt;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// An answer to a request takes milliseconds.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Places market orders and prints their updates live.
#[derive(Debug, Clone, Parser)]
struct Options {
    /// Where the gateway is
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    url: String,
    /// The API key that `cargo xtask up` prints; a gateway without keys needs none
    #[arg(long, env = "API_KEY", hide_env_values = true)]
    key: Option<String>,
    /// How many orders are placed at once
    #[arg(long, default_value_t = 3)]
    orders: usize,
    /// Token that is sold: a symbol, or the address of a mint
    #[arg(long, default_value = "SOL")]
    token_in: String,
    /// Token that is bought
    #[arg(long, default_value = "USDC")]
    token_out: String,
    /// How much of it each order sells, as a decimal number
    #[arg(long, default_value = "1.5")]
    amount: String,
    /// How much less than the quoted output is accepted: 0.01 is one percent
    #[arg(long, default_value = "0.01")]
    max_slippage: String,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    // Which code does TLS for an https URL.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let orders = join_all((0..options.orders).map(|_| trade(&options))).await;
    let mut confirmed = 0;
    for outcome in orders {
        confirmed += usize::from(outcome?);
    }
    println!("{confirmed} of {} orders confirmed", options.orders);
    Ok(())
}

/// Places one order and follows it to its end; whether it was confirmed.
async fn trade(options: &Options) -> Result<bool> {
    let id = place(options).await?;
    let url = format!("{}/api/orders/{id}/ws", options.url.replacen("http", "ws", 1));
    let mut request = url.as_str().into_client_request().with_context(|| format!("reading {url}"))?;
    if let Some(key) = &options.key {
        let bearer = format!("Bearer {key}").parse().context("the key is not a header's value")?;
        request.headers_mut().insert("Authorization", bearer);
    }
    let (mut socket, _) =
        tokio_tungstenite::connect_async(request).await.with_context(|| format!("connecting to {url}"))?;
    let mut status = Value::Null;
    // The gateway sends the story so far, then what happens from now on, and closes after the end.
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message.context("reading an update")? else { continue };
        let update: Value = serde_json::from_str(&text).context("reading an update")?;
        if update["type"] == "order_update" {
            show(&update);
            status = update["status"].clone();
        }
    }
    Ok(status == "confirmed")
}

async fn place(options: &Options) -> Result<String> {
    let http = reqwest::Client::builder().timeout(TIMEOUT).build()?;
    let order = json!({
        "tokenIn": options.token_in,
        "tokenOut": options.token_out,
        "amount": options.amount,
        "maxSlippage": options.max_slippage,
    });
    // Sent again with the same key, the same order is answered with the same id, and placed once.
    let key = uuid::Uuid::now_v7().to_string();
    let url = format!("{}/api/orders/execute", options.url);
    let mut request = http.post(&url).header("Idempotency-Key", key).json(&order);
    if let Some(key) = &options.key {
        request = request.bearer_auth(key);
    }
    let answer = request.send().await;
    let answer = answer.with_context(|| format!("reaching {url}: does `cargo xtask up` run?"))?;
    let status = answer.status();
    let body: Value = answer.json().await.context("reading the answer")?;
    ensure!(status == 202, "the order was refused: {body:#}");
    Ok(body["orderId"].as_str().context("the answer has no orderId")?.to_owned())
}

/// One line for each update, with what is new in it.
fn show(update: &Value) {
    let data = &update["data"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let news = match update["status"].as_str().unwrap_or_default() {
        "building" => format!("{} for about {}", text(&data["quote"]["dex"]), text(&data["estimatedOutput"])),
        "submitted" => text(&data["txHash"]),
        "confirmed" => format!(
            "received {}, network fee {} SOL",
            text(&data["executedOutput"]),
            text(&data["networkFee"])
        ),
        "failed" => text(&data["error"]["message"]),
        _ => text(&update["message"]),
    };
    println!("{}  #{} {:<10} {news}", text(&update["orderId"]), update["seq"], text(&update["status"]));
}
