//! Subscriptions over the WebSocket.

use crate::support::{Cluster, cluster};
use futures_util::{SinkExt as _, StreamExt as _};
use order_core::Venue;
use serde_json::{Value, json};
use solana_pubkey::Pubkey;
use solana_signer::Signer as _;
use solana_system_interface::instruction::transfer;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub(crate) struct Socket(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn open(cluster: &Cluster) -> Self {
        let (socket, _) = connect_async(format!("ws://{}/", cluster.address)).await.unwrap();
        Self(socket)
    }

    async fn next(&mut self) -> Value {
        let message = tokio::time::timeout(Duration::from_secs(60), self.0.next()).await;
        let message = message.expect("the cluster said nothing").unwrap().unwrap();
        serde_json::from_str(message.to_text().unwrap()).unwrap()
    }

    /// Sends a request and returns the answer; nothing else may come before it.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 3, "method": method, "params": params });
        self.0.send(Message::text(request.to_string())).await.unwrap();
        loop {
            let message = self.next().await;
            if message["id"] == 3 {
                return message;
            }
        }
    }

    pub(crate) async fn subscribe(&mut self, method: &str, params: Value) -> u64 {
        let answer = self.call(method, params).await;
        answer["result"].as_u64().unwrap_or_else(|| panic!("{answer}"))
    }

    /// The next notification of a subscription.
    pub(crate) async fn notified(&mut self, subscription: u64) -> Value {
        loop {
            let mut message = self.next().await;
            if message["params"]["subscription"] == subscription {
                return message["params"]["result"].take();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_is_told_to_everybody_who_asked() {
    let cluster = cluster(20).await;
    let receiver = Pubkey::new_unique();
    let mut socket = Socket::open(&cluster).await;
    let processed = json!({ "commitment": "processed" });
    let encoded = |commitment| json!({ "commitment": commitment, "encoding": "base64" });
    let address = receiver.to_string();
    let first = socket.subscribe("accountSubscribe", json!([address, encoded("processed")])).await;
    let second = socket.subscribe("accountSubscribe", json!([address, encoded("confirmed")])).await;
    let third = socket.subscribe("accountSubscribe", json!([address, encoded("finalized")])).await;
    let logs = socket.subscribe("logsSubscribe", json!([{ "mentions": [address] }, processed])).await;

    let (transaction, signature) =
        cluster.sign(&[transfer(&cluster.wallet.pubkey(), &receiver, 3_000_000)]).await;
    let ended = socket.subscribe("signatureSubscribe", json!([signature.to_string(), processed])).await;
    cluster.send(&transaction).await;
    let told = socket.notified(first).await;
    let slot = told["context"]["slot"].clone();
    assert_eq!(
        told["value"],
        json!({ "lamports": 3_000_000, "owner": Pubkey::default().to_string(), "data": ["", "base64"],
                "executable": false, "rentEpoch": u64::MAX, "space": 0 })
    );
    let log = socket.notified(logs).await;
    assert_eq!(log["value"]["signature"], signature.to_string());
    assert_eq!(
        socket.notified(ended).await,
        json!({ "context": { "slot": slot }, "value": { "err": null } })
    );
    for later in [second, third] {
        let again = socket.notified(later).await;
        assert_eq!((&again["context"]["slot"], &again["value"]), (&slot, &told["value"]));
    }
    // It has ended: whoever asks now is told at once.
    let late = socket.subscribe("signatureSubscribe", json!([signature.to_string(), processed])).await;
    assert_eq!(socket.notified(late).await["value"], json!({ "err": null }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_programs_accounts_are_followed_through_a_filter() {
    let cluster = cluster(20).await;
    let pool = cluster.pool(Venue::MeteoraDammV2, ["SOL", "USDC"]).await;
    let program = amm::program_id(Venue::MeteoraDammV2).to_string();
    let mut socket = Socket::open(&cluster).await;
    let usdc = crate::support::mint("USDC").to_string();
    let config = json!({
        "commitment": "processed", "encoding": "base64",
        "filters": [{ "dataSize": 1112 }, { "memcmp": { "offset": 200, "bytes": usdc } }],
    });
    let found = cluster.call("getProgramAccounts", json!([program, config])).await;
    let found: Vec<&Value> = found.as_array().unwrap().iter().map(|each| &each["pubkey"]).collect();
    assert!(found.contains(&&json!(pool.to_string())), "{found:?}");
    let following = socket.subscribe("programSubscribe", json!([program, config])).await;
    // Another pool of the program, which the filter keeps out, and then this one.
    let other = cluster.pool(Venue::MeteoraDammV2, ["SOL", "USDT"]).await;
    for pool in [other, pool] {
        cluster.admin(&format!("pools/{pool}/price"), json!({ "changeBps": 10 })).await;
    }
    assert_eq!(socket.notified(following).await["value"]["pubkey"], pool.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_come_in_order_until_unsubscribed() {
    let cluster = cluster(20).await;
    let mut socket = Socket::open(&cluster).await;
    let slots = socket.subscribe("slotSubscribe", json!([])).await;
    let first = socket.notified(slots).await;
    let second = socket.notified(slots).await;
    assert_eq!(second["parent"], first["slot"]);
    assert_eq!(second["slot"].as_u64().unwrap() - second["root"].as_u64().unwrap(), 32);
    assert_eq!(socket.call("accountUnsubscribe", json!([slots])).await["error"]["code"], -32602);
    assert_eq!(socket.call("slotUnsubscribe", json!([slots])).await["result"], true);
    assert_eq!(socket.call("slotUnsubscribe", json!([slots])).await["error"]["code"], -32602);
    assert_eq!(socket.call("blockSubscribe", json!([])).await["error"]["code"], -32601);
    assert_eq!(socket.call("getSlot", json!([])).await["error"]["code"], -32601);
    // Nothing comes between two answers any more.
    let before = cluster.slot("processed").await;
    crate::support::until(async || (cluster.slot("processed").await > before + 3).then_some(())).await;
    let request = json!({ "jsonrpc": "2.0", "id": 4, "method": "x" });
    socket.0.send(Message::text(request.to_string())).await.unwrap();
    assert_eq!(socket.next().await["id"], 4);
}
