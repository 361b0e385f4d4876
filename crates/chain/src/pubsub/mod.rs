//! Follows accounts and slots over a node's WebSocket.

use crate::wire::{InContext, WireAccount};
use crate::{Account, Commitment, rpc};
use futures_util::{SinkExt, Stream, StreamExt};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// A message of the node, or the end of the connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// Every subscription stands (again). Whatever changed before may have been missed: read a
    /// snapshot now.
    Connected,
    /// An account changed. One without lamports was closed.
    Account {
        /// The slot of the change.
        slot: u64,
        /// The account's address.
        address: Pubkey,
        /// Its new value.
        account: Account,
    },
    /// The node works on a new slot.
    Slot {
        /// The slot.
        slot: u64,
    },
    /// The connection is lost; the stream reconnects by itself after a pause.
    Lost {
        /// Why, for people.
        reason: String,
    },
}

/// Follows these accounts and the slot, for ever: the stream never ends, it reconnects, each time to
/// the next of the nodes at these URLs.
///
/// The URLs may hold keys: they are never part of a notice. One that is no `ws` or `wss` address
/// shows as a connection that is lost.
pub fn follow(
    urls: Vec<String>,
    addresses: Vec<Pubkey>,
    commitment: Commitment,
) -> impl Stream<Item = Notice> + Send + use<> {
    rpc::install_tls();
    async_stream::stream! {
        let mut pause = PAUSE_MIN;
        for url in urls.iter().cycle() {
            let reason = match Connection::open(url, &addresses, commitment).await {
                Err(reason) => reason,
                Ok(mut connection) => loop {
                    match connection.next().await {
                        Ok(notice) => {
                            if notice == Notice::Connected {
                                pause = PAUSE_MIN;
                            }
                            yield notice;
                        }
                        Err(reason) => break reason,
                    }
                },
            };
            crate::metrics::subscription_lost();
            yield Notice::Lost { reason };
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(PAUSE_MAX);
        }
    }
}

/// The newest slot that a node works on, and the task that keeps it up to date, for ever. It is 0 until a node has told
/// one. Where nodes cannot be followed, it stays as it is.
pub fn newest_slot(urls: Vec<String>) -> (watch::Receiver<u64>, impl Future<Output = ()> + Send + use<>) {
    let (newest, receiver) = watch::channel(0);
    let following = async move {
        let mut notices = std::pin::pin!(follow(urls, Vec::new(), Commitment::Processed));
        while let Some(notice) = notices.next().await {
            if let Notice::Slot { slot } = notice {
                newest.send_replace(slot);
            }
        }
    };
    (receiver, following)
}

/// The URLs of nodes' WebSockets: those that are named, or else those of their RPC URLs as ws or wss.
pub fn websocket_urls(named: &[String], rpc_urls: &[String]) -> Vec<String> {
    let named: Vec<String> = named.iter().filter(|url| !url.is_empty()).cloned().collect();
    if !named.is_empty() {
        return named;
    }
    let url = |url: &String| {
        let (scheme, rest) = url.split_once("://")?;
        match scheme {
            "http" => Some(format!("ws://{rest}")),
            "https" => Some(format!("wss://{rest}")),
            _ => None,
        }
    };
    rpc_urls.iter().filter_map(url).collect()
}

/// The pause before the first reconnection; it doubles with each that fails.
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// A node that comes back is used again within this time.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// A node that takes longer to accept the connection or the subscriptions is as good as down.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// A ping is due when the node has been silent for so long, so that nothing between cuts the connection.
const PING_AFTER: Duration = Duration::from_secs(5);
/// A node that tells of no slot for so long is of no use, even if it answers pings.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// The longest account there is has 10 MiB, in base64 a third more.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The id of the slot subscription's request; account `n` has the id `n + 1`.
const SLOT_REQUEST: u64 = 0;

/// One connection with its subscriptions.
struct Connection {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    addresses: Vec<Pubkey>,
    /// Which account a subscription is for.
    subscriptions: BTreeMap<u64, Pubkey>,
    /// Requests that the node has not answered yet.
    unanswered: usize,
    /// Until when all must be answered.
    answers_due: Instant,
    /// When the node last told anything.
    heard: Instant,
}

impl Connection {
    async fn open(url: &str, addresses: &[Pubkey], commitment: Commitment) -> Result<Self, String> {
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let opening = connect_async_with_config(url, Some(config), true);
        let opened =
            timeout(OPEN_TIMEOUT, opening).await.map_err(|_| "connecting took too long".to_owned())?;
        let (socket, _) = opened.map_err(|error| format!("cannot connect: {error}"))?;
        let now = Instant::now();
        let mut connection = Self {
            socket,
            addresses: addresses.to_vec(),
            subscriptions: BTreeMap::new(),
            unanswered: addresses.len().saturating_add(1),
            answers_due: now + OPEN_TIMEOUT,
            heard: now,
        };
        let subscribing = connection.subscribe(commitment);
        timeout(OPEN_TIMEOUT, subscribing).await.map_err(|_| "subscribing took too long".to_owned())??;
        Ok(connection)
    }

    async fn subscribe(&mut self, commitment: Commitment) -> Result<(), String> {
        let slot = json!({ "jsonrpc": "2.0", "id": SLOT_REQUEST, "method": "slotSubscribe" });
        self.socket.feed(Message::text(slot.to_string())).await.map_err(|error| error.to_string())?;
        for (id, address) in (1u64..).zip(&self.addresses) {
            let options = json!({ "encoding": "base64", "commitment": commitment.name() });
            let params = json!([address.to_string(), options]);
            let request =
                json!({ "jsonrpc": "2.0", "id": id, "method": "accountSubscribe", "params": params });
            self.socket.feed(Message::text(request.to_string())).await.map_err(|error| error.to_string())?;
        }
        self.socket.flush().await.map_err(|error| error.to_string())
    }

    /// The next notice; an error says why the connection is of no more use.
    async fn next(&mut self) -> Result<Notice, String> {
        loop {
            if self.unanswered > 0 && Instant::now() > self.answers_due {
                return Err("the node does not answer the subscriptions".to_owned());
            }
            match timeout(PING_AFTER, self.socket.next()).await {
                Ok(Some(Ok(Message::Text(text)))) => {
                    self.heard = Instant::now();
                    if let Some(notice) = self.read(&text)? {
                        return Ok(notice);
                    }
                }
                Ok(None | Some(Ok(Message::Close(_)))) => {
                    return Err("the node closed the connection".to_owned());
                }
                Ok(Some(Ok(
                    Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_),
                ))) => {}
                Ok(Some(Err(error))) => return Err(error.to_string()),
                Err(_) => self.ping().await?,
            }
            if self.heard.elapsed() > SILENCE_MAX {
                return Err(format!("the node told nothing for {} s", SILENCE_MAX.as_secs()));
            }
        }
    }

    async fn ping(&mut self) -> Result<(), String> {
        let ping = self.socket.send(Message::Ping(Vec::new().into()));
        let sent =
            timeout(PING_AFTER, ping).await.map_err(|_| "the node takes nothing any more".to_owned())?;
        sent.map_err(|error| error.to_string())
    }

    /// The meaning of a message; None if it is no news.
    fn read(&mut self, text: &str) -> Result<Option<Notice>, String> {
        let not_understood = |error: serde_json::Error| format!("a message is not understood: {error}");
        let message: WireMessage = serde_json::from_str(text).map_err(not_understood)?;
        if let Some(error) = message.error {
            return Err(format!("the node refused a subscription: {}", error.get()));
        }
        if let (Some(id), Some(result)) = (message.id, &message.result) {
            let subscription: u64 = serde_json::from_str(result.get()).map_err(not_understood)?;
            return Ok(self.answered(id, subscription));
        }
        let (Some(method), Some(params)) = (message.method, message.params) else {
            return Ok(None);
        };
        match method.as_str() {
            "slotNotification" => {
                let slot: WireSlot = serde_json::from_str(params.result.get()).map_err(not_understood)?;
                Ok(Some(Notice::Slot { slot: slot.slot }))
            }
            "accountNotification" => {
                let Some(address) = self.subscriptions.get(&params.subscription).copied() else {
                    return Ok(None);
                };
                let change: InContext<WireAccount> =
                    serde_json::from_str(params.result.get()).map_err(not_understood)?;
                let account = change.value.decode()?;
                Ok(Some(Notice::Account { slot: change.context.slot, address, account }))
            }
            _ => Ok(None),
        }
    }

    /// Takes note of a subscription. The connection counts once all of them stand.
    fn answered(&mut self, id: u64, subscription: u64) -> Option<Notice> {
        let account = id.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        if let Some(address) = account.and_then(|index| self.addresses.get(index)) {
            self.subscriptions.insert(subscription, *address);
        }
        self.unanswered = self.unanswered.saturating_sub(1);
        (self.unanswered == 0).then_some(Notice::Connected)
    }
}

#[derive(Deserialize)]
struct WireMessage {
    id: Option<u64>,
    result: Option<Box<RawValue>>,
    error: Option<Box<RawValue>>,
    method: Option<String>,
    params: Option<WireParams>,
}

#[derive(Deserialize)]
struct WireParams {
    subscription: u64,
    result: Box<RawValue>,
}

#[derive(Deserialize)]
struct WireSlot {
    slot: u64,
}

#[cfg(test)]
mod tests;
