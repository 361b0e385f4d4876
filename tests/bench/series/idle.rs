use super::{Answers, Begun, order};
use crate::report::Row;
use crate::stage::{Engine, Setup, Stage};
use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::Message;

/// Orders, one after the other.
const ORDERS: usize = 100;

/// Orders that fill caches before anything is measured.
const FIRST_ORDERS: usize = 10;

/// Longest time that an order may take.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(super) async fn run(engine: Engine<'_>) -> Result<Vec<Row>> {
    let stage = Stage::start(engine, Setup::USUAL)?;
    for number in 0..FIRST_ORDERS {
        until_confirmed(stage.gateway(), number).await?;
    }
    let begun = Begun::now(&stage)?;
    let mut answers = Answers::default();
    for number in 0..ORDERS {
        answers.times.add(until_confirmed(stage.gateway(), number).await?);
    }
    let row = begun.end(&stage, "idle", "one order after the other, slot 10 ms".to_owned(), answers)?;
    stage.stop()?;
    Ok(vec![row])
}

/// Time from sending an order over a WebSocket to the frame that tells that it is confirmed.
async fn until_confirmed(gateway: SocketAddr, number: usize) -> Result<Duration> {
    let url = format!("ws://{gateway}/api/orders/execute");
    let (mut socket, _) = tokio_tungstenite::connect_async(&url).await.context("opening a WebSocket")?;
    let order = String::from_utf8_lossy(&order(number)).into_owned();
    let started = Instant::now();
    socket.send(Message::text(order)).await.context("sending an order")?;
    let confirmed = async {
        while let Some(message) = socket.next().await {
            let Message::Text(text) = message.context("reading an update")? else { continue };
            let update: Value = serde_json::from_str(&text).context("reading an update")?;
            match update["status"].as_str() {
                Some("confirmed") => return Ok(started.elapsed()),
                Some("failed" | "expired" | "cancelled") => bail!("the order failed: {update}"),
                _ => {}
            }
        }
        bail!("the WebSocket ended before the order")
    };
    tokio::time::timeout(TIMEOUT, confirmed).await.context("an order takes too long")?
}
