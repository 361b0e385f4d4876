use super::{Answers, Begun, order};
use crate::client::Connection;
use crate::report::Row;
use crate::stage::{Engine, Setup, Stage};
use anyhow::{Context as _, Result, ensure};
use futures_util::StreamExt as _;
use futures_util::future::try_join_all;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// WebSockets, each with the updates of an order.
const SOCKETS: usize = 1_000;

/// Orders are cancelled by so many connections, each at its own pace: together 1,000 a second.
const CONNECTIONS: u32 = 20;
const PACE: Duration = Duration::from_millis(20);

/// Longest time that an event may be on its way.
const TIMEOUT: Duration = Duration::from_secs(30);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Cancels orders that nobody executes: each is one event, which one of the sockets waits for. The clock of the
/// engine and of this program are the same.
pub(super) async fn run(engine: Engine<'_>) -> Result<Vec<Row>> {
    let mut stage = Stage::start(engine, Setup::USUAL)?;
    stage.stop_executors()?;
    let orders = place(stage.gateway()).await?;
    let mut sockets = Vec::new();
    for id in &orders {
        sockets.push(follow(stage.gateway(), id).await?);
    }
    let begun = Begun::now(&stage)?;
    let cancelling = try_join_all((0..CONNECTIONS).map(|number| cancel(stage.gateway(), &orders, number)));
    let (cancelled, times) = tokio::join!(cancelling, try_join_all(sockets.iter_mut().map(cancelled)));
    cancelled?;
    let answers = Answers { times: times?.into_iter().collect(), refusals: Vec::new() };
    let setting = format!("{SOCKETS} sockets, 1,000 events a second");
    let row = begun.end(&stage, "events", setting, answers)?;
    stage.stop()?;
    Ok(vec![row])
}

async fn place(gateway: SocketAddr) -> Result<Vec<String>> {
    let mut connection = Connection::open(gateway).await?;
    let mut orders = Vec::new();
    for number in 0..SOCKETS {
        let (_, body) = connection.post("/api/orders/execute", order(number)).await?;
        let receipt: Value = serde_json::from_slice(&body).context("reading a receipt")?;
        orders.push(receipt["orderId"].as_str().with_context(|| format!("refused: {receipt}"))?.to_owned());
    }
    Ok(orders)
}

/// A socket that has told all that there is so far.
async fn follow(gateway: SocketAddr, id: &str) -> Result<Socket> {
    let url = format!("ws://{gateway}/api/orders/{id}/ws");
    let (mut socket, _) = tokio_tungstenite::connect_async(&url).await.context("opening a WebSocket")?;
    let (update, _) = update(&mut socket).await?;
    ensure!(update["status"] == "pending", "not the first update: {update}");
    Ok(socket)
}

/// Cancels every order that falls to this connection.
async fn cancel(gateway: SocketAddr, orders: &[String], number: u32) -> Result<()> {
    let mut connection = Connection::open(gateway).await?;
    let mut pace = interval_at(Instant::now() + PACE * number / CONNECTIONS, PACE);
    for id in orders.iter().skip(usize::try_from(number)?).step_by(usize::try_from(CONNECTIONS)?) {
        pace.tick().await;
        let (status, body) = connection.delete(&format!("/api/orders/{id}")).await?;
        ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
    }
    Ok(())
}

/// Time from when an order was cancelled, by the engine's clock, to the frame that says so.
async fn cancelled(socket: &mut Socket) -> Result<Duration> {
    let (update, arrived) = update(socket).await?;
    ensure!(update["status"] == "cancelled", "not the second update: {update}");
    let recorded = update["timestamp"].as_str().context("reading the time of an update")?;
    let recorded: SystemTime = chrono::DateTime::parse_from_rfc3339(recorded)?.into();
    Ok(arrived.duration_since(recorded).unwrap_or_default())
}

#[expect(clippy::disallowed_methods, reason = "the clock of the engine and of this program are compared")]
async fn update(socket: &mut Socket) -> Result<(Value, SystemTime)> {
    let next = async {
        loop {
            let message = socket.next().await.context("the WebSocket has ended")?.context("reading")?;
            let arrived = SystemTime::now();
            let Message::Text(text) = message else { continue };
            let update: Value = serde_json::from_str(&text).context("reading an update")?;
            if update["type"] == "order_update" {
                return Ok((update, arrived));
            }
        }
    };
    tokio::time::timeout(TIMEOUT, next).await.context("an update takes too long")?
}
