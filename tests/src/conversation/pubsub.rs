//! Subscriptions, and what is notified.

use super::player::Player;
use anyhow::{Context, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use solana_pubkey::Pubkey;
use solana_system_interface::instruction::transfer;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// A node tells of every slot: one that is silent for so long tells nothing any more.
const SILENCE: Duration = Duration::from_secs(30);

/// Messages to wait for a certain one through: slots pass meanwhile.
const MESSAGES_MAX: usize = 2_000;

/// The kinds of subscriptions that a transfer is told to.
const KINDS: [&str; 5] = ["slot", "account", "program", "logs", "signature"];

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(player: &Player) -> Result<Self> {
        let (socket, _) = connect_async(format!("ws://{}", player.node.pubsub)).await?;
        Ok(Self(socket))
    }

    async fn send(&mut self, text: &str) -> Result<()> {
        Ok(self.0.send(Message::text(text)).await?)
    }

    /// The first message that is wanted.
    async fn wait_for(&mut self, what: &str, is_wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        for _ in 0..MESSAGES_MAX {
            let message =
                timeout(SILENCE, self.0.next()).await.with_context(|| format!("{what}: silence"))?;
            let Some(message) = message else { bail!("{what}: the node closed the connection") };
            let Message::Text(text) = message.with_context(|| what.to_owned())? else { continue };
            let message = serde_json::from_str(&text).with_context(|| format!("no JSON: {text}"))?;
            if is_wanted(&message) {
                return Ok(message);
            }
        }
        bail!("{what}: it did not come")
    }

    async fn ask(
        &mut self,
        player: &mut Player,
        step: &str,
        id: u64,
        method: &str,
        params: Value,
    ) -> Result<Value> {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string())
            .await?;
        let answer = self.wait_for(step, |message| message["id"] == id).await?;
        player.keep(step, &answer)?;
        Ok(answer)
    }
}

pub(super) async fn play(player: &mut Player) -> Result<()> {
    let mut socket = Socket::open(player).await?;
    let (payer, receiver) = (player.payer(), Pubkey::new_unique());
    let (text, signature) = player.legacy(&[transfer(&payer, &receiver, 3_000_000)]).await?;
    let config = json!({ "encoding": "base64", "commitment": "confirmed" });
    let system = Pubkey::default().to_string();
    let only_receiver =
        json!({ "encoding": "base64", "commitment": "confirmed", "filters": [{ "dataSize": 0 }] });
    let mut ids = Vec::new();
    for (id, kind) in (1..).zip(KINDS) {
        let params = match kind {
            "slot" => json!([]),
            "account" => json!([receiver.to_string(), config]),
            "program" => json!([system, only_receiver]),
            "logs" => json!([{ "mentions": [receiver.to_string()] }, { "commitment": "confirmed" }]),
            _ => json!([signature, { "commitment": "confirmed" }]),
        };
        let method = format!("{kind}Subscribe");
        let answer = socket.ask(player, &method, id, &method, params).await?;
        ids.push(answer["result"].as_u64().with_context(|| format!("{method}: {answer}"))?);
    }
    let sent = json!([text, { "encoding": "base64", "skipPreflight": true }]);
    player.result("sendTransaction", sent).await?;
    notifications(player, &mut socket, &signature, &ids).await?;
    faults_of_the_caller(player, &mut socket, &ids).await
}

/// Each kind's notification of the transfer. They come in an order that nobody promises.
async fn notifications(player: &mut Player, socket: &mut Socket, signature: &str, ids: &[u64]) -> Result<()> {
    let mut missing: Vec<(&str, u64)> = KINDS.into_iter().zip(ids.iter().copied()).collect();
    while !missing.is_empty() {
        let is_wanted =
            |message: &Value| missing.iter().any(|(_, id)| message["params"]["subscription"] == *id);
        let names = missing.iter().map(|(kind, _)| *kind).collect::<Vec<_>>().join(", ");
        let message = socket.wait_for(&format!("a notification of {names}"), is_wanted).await?;
        let Some(place) = missing.iter().position(|(_, id)| message["params"]["subscription"] == *id) else {
            continue;
        };
        let (kind, _) = missing.remove(place);
        player.keep(&format!("{kind}Notification"), &message)?;
    }
    // Of what has landed already a signature's subscriber is told at once.
    let params = json!([signature, { "commitment": "confirmed" }]);
    let answer = socket.ask(player, "signatureSubscribe too late", 20, "signatureSubscribe", params).await?;
    let id = answer["result"].clone();
    let told =
        socket.wait_for("a late notification", |message| message["params"]["subscription"] == id).await?;
    player.keep("signatureNotification too late", &told)
}

async fn faults_of_the_caller(player: &mut Player, socket: &mut Socket, ids: &[u64]) -> Result<()> {
    let mut number = 30;
    let account = ids.get(1).copied().unwrap_or_default();
    let steps = [
        ("accountUnsubscribe", json!([account])),
        ("accountUnsubscribe again", json!([account])),
        ("accountSubscribe to no address", json!(["no address"])),
        ("signatureSubscribe to no signature", json!(["no signature"])),
        ("nothingSubscribe", json!([])),
    ];
    for (step, params) in steps {
        number += 1;
        let method = step.split(' ').next().unwrap_or_default();
        socket.ask(player, step, number, method, params).await?;
    }
    socket.send("{").await?;
    let answer = socket.wait_for("an answer to no JSON", |message| message.get("error").is_some()).await?;
    player.keep("no JSON, by WebSocket", &answer)
}
