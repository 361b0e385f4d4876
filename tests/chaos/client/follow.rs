//! Following an order to its terminal event, over as many connections as that takes.

use super::place::Placed;
use super::{ANSWER_WITHIN, Client, RETRY_MS};
use crate::log::Line;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use std::time::Duration;
use system_tests::is_terminal;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// The gateway sends a heartbeat every 15 s: a connection that is silent for longer is given up.
const SILENCE: Duration = Duration::from_secs(20);

/// So many of a hundred connections are not read at first, for so many milliseconds.
const ABSENT_PERCENT: u64 = 8;
const ABSENT_MS: (u64, u64) = (1_000, 8_000);

/// An open WebSocket.
pub(super) struct Socket {
    stream: Box<WebSocketStream<MaybeTlsStream<TcpStream>>>,
    /// Its number in the log.
    pub(super) number: u64,
}

/// A message of the connection.
pub(super) enum Inbound {
    Frame(Value),
    Closed(Option<u16>),
}

/// Opens one; None if there is no connection. An order that will be placed over it has a key.
pub(super) async fn connect(url: &str, bearer: &str, key: Option<&str>, number: u64) -> Option<Socket> {
    let mut request = url.into_client_request().ok()?;
    request.headers_mut().insert("Authorization", format!("Bearer {bearer}").parse().ok()?);
    if let Some(key) = key {
        request.headers_mut().insert("Idempotency-Key", key.parse().ok()?);
    }
    let connected = timeout(ANSWER_WITHIN, tokio_tungstenite::connect_async(request)).await;
    let (stream, _) = connected.ok()?.ok()?;
    Some(Socket { stream: Box::new(stream), number })
}

impl Socket {
    pub(super) async fn send(&mut self, text: String) -> Result<(), Error> {
        self.stream.send(Message::text(text)).await
    }

    /// The next message; None if nothing comes any more.
    pub(super) async fn next(&mut self) -> Option<Inbound> {
        loop {
            match timeout(SILENCE, self.stream.next()).await.ok()??.ok()? {
                Message::Text(text) => {
                    return Some(Inbound::Frame(serde_json::from_str(&text).unwrap_or(Value::Null)));
                }
                Message::Close(close) => {
                    return Some(Inbound::Closed(close.map(|close| close.code.into())));
                }
                Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
            }
        }
    }
}

impl Client {
    /// Follows an order to its terminal event.
    pub(super) async fn follow(mut self, placed: Placed) {
        let Placed { id, mut socket } = placed;
        let mut seen = 0;
        while self.workload.goes_on() {
            let open = match socket.take() {
                Some((socket, last)) => {
                    seen = last;
                    Some(socket)
                }
                None => self.open(&id, seen).await,
            };
            if let Some(open) = open
                && self.read(&id, open, &mut seen).await
            {
                return;
            }
            self.pause(RETRY_MS).await;
        }
    }

    /// A connection for what comes after `seen`.
    async fn open(&mut self, id: &str, seen: u64) -> Option<Socket> {
        let url = format!("ws://{}/api/orders/{id}/ws?after={seen}", self.gateway());
        let socket = connect(&url, self.bearer(), None, self.workload.connection()).await?;
        self.workload.log(Line::Following {
            connection: socket.number,
            order_id: id.to_owned(),
            after: seen,
        });
        if self.random.percent(ABSENT_PERCENT) {
            self.pause(ABSENT_MS).await;
        }
        Some(socket)
    }

    /// Reads one connection to its end. Whether the order has ended.
    async fn read(&self, id: &str, mut socket: Socket, seen: &mut u64) -> bool {
        let connection = socket.number;
        let mut ended = false;
        while self.workload.goes_on()
            && let Some(inbound) = socket.next().await
        {
            match inbound {
                Inbound::Frame(frame) => {
                    if let Some(seq) = seq(&frame) {
                        *seen = seq;
                        ended = frame["status"].as_str().is_some_and(is_terminal);
                    }
                    self.workload.log(Line::Frame { connection, order_id: id.to_owned(), frame });
                }
                Inbound::Closed(code) => {
                    self.workload.log(Line::Closed { connection, code });
                    break;
                }
            }
        }
        ended
    }
}

/// The number of an update; None of another frame.
pub(super) fn seq(frame: &Value) -> Option<u64> {
    if frame["type"] == "order_update" { frame["seq"].as_u64() } else { None }
}
