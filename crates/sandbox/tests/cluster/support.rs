//! A cluster of the test's own, and a client that speaks to it over the network.
use amm::{Market, Pool, PoolToken};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Parser as _;
use order_core::{Mint, PoolAddress, Venue};
use serde_json::{Value, json};
use service::CancellationToken;
use solana_account::Account;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::{VersionedMessage, v0};
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_signer::Signer as _;
use solana_transaction::versioned::VersionedTransaction;
use spl_associated_token_account_interface::address::{
    get_associated_token_address, get_associated_token_address_with_program_id,
};
use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

/// Nothing here takes longer, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

static NUMBER: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Cluster {
    /// The first node.
    pub(crate) address: SocketAddr,
    /// All nodes.
    pub(crate) nodes: Vec<SocketAddr>,
    pub(crate) wallet: Keypair,
    folder: PathBuf,
    shutdown: CancellationToken,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.shutdown.cancel();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(crate) async fn cluster(slot_ms: u64) -> Cluster {
    cluster_of(1, slot_ms).await
}

/// A cluster of so many nodes.
pub(crate) async fn cluster_of(nodes: usize, slot_ms: u64) -> Cluster {
    let listen = vec!["127.0.0.1:0"; nodes].join(",");
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let folder = std::env::temp_dir().join(format!("sandbox-{}-{number}", std::process::id()));
    let path = |name: &str| folder.join(name).display().to_string();
    let (wallet, ledger) = (path("wallet.json"), path("ledger.jsonl"));
    let slot_ms = slot_ms.to_string();
    let configuration = sandbox::Configuration::parse_from([
        "sandbox",
        "--listen",
        &listen,
        "--wallet",
        &wallet,
        "--ledger",
        &ledger,
        "--slot-ms",
        &slot_ms,
    ]);
    let server = sandbox::bind(&configuration).await.unwrap();
    let (nodes, shutdown) = (server.addresses().unwrap(), CancellationToken::new());
    let address = nodes[0];
    tokio::spawn(server.serve(shutdown.clone()));
    let bytes: Vec<u8> = serde_json::from_slice(&std::fs::read(&wallet).unwrap()).unwrap();
    let wallet = Keypair::try_from(bytes.as_slice()).unwrap();
    Cluster { address, nodes, wallet, folder, shutdown }
}

impl Cluster {
    /// The file of the wallet's keypair.
    pub(crate) fn wallet_file(&self) -> String {
        self.folder.join("wallet.json").display().to_string()
    }

    pub(crate) async fn http(&self, method: &str, path: &str, body: &str) -> Value {
        let response = self.response(0, method, path, body).await.unwrap();
        let (_, body) = response.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {response}"))
    }

    /// A node's whole response, if the connection lasts.
    pub(crate) async fn response(
        &self,
        node: usize,
        method: &str,
        path: &str,
        body: &str,
    ) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(self.nodes[node]).await?;
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut response = String::new();
        stream.read_to_string(&mut response).await?;
        Ok(response)
    }

    /// The response of a node to a call, if the connection lasts.
    pub(crate) async fn raw(&self, node: usize, method: &str, params: Value) -> std::io::Result<String> {
        let request = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        self.response(node, "POST", "/", &request.to_string()).await
    }

    /// The answer of a node to a call.
    pub(crate) async fn ask(&self, node: usize, method: &str, params: Value) -> Value {
        let response = self.raw(node, method, params).await.unwrap();
        let (_, body) = response.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {response}"))
    }

    /// Begins a fault.
    pub(crate) async fn fault(&self, script: Value) -> u64 {
        self.admin("faults", script).await["id"].as_u64().unwrap()
    }

    /// Ends a fault and says how often it struck.
    pub(crate) async fn heal(&self, fault: u64) -> u64 {
        self.http("DELETE", &format!("/admin/faults/{fault}"), "").await["struck"].as_u64().unwrap()
    }

    /// A whole JSON-RPC answer.
    pub(crate) async fn answer(&self, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        self.http("POST", "/", &request.to_string()).await
    }

    /// The result of a call that succeeds.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        let mut answer = self.answer(method, params).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    /// The error of a call that fails.
    pub(crate) async fn error(&self, method: &str, params: Value) -> Value {
        let mut answer = self.answer(method, params).await;
        assert!(answer.get("result").is_none(), "{method}: {answer}");
        answer["error"].take()
    }

    pub(crate) async fn admin(&self, path: &str, body: Value) -> Value {
        let answer = self.http("POST", &format!("/admin/{path}"), &body.to_string()).await;
        assert!(answer.get("error").is_none(), "{path}: {answer}");
        answer
    }

    pub(crate) async fn blockhash(&self) -> String {
        let answer = self.call("getLatestBlockhash", json!([{ "commitment": "processed" }])).await;
        answer["value"]["blockhash"].as_str().unwrap().to_owned()
    }

    /// A signed transaction of the wallet and its signature.
    pub(crate) async fn sign(&self, instructions: &[Instruction]) -> (String, Signature) {
        let blockhash = self.blockhash().await.parse().unwrap();
        let message = v0::Message::try_compile(&self.wallet.pubkey(), instructions, &[], blockhash).unwrap();
        let transaction =
            VersionedTransaction::try_new(VersionedMessage::V0(message), &[&self.wallet]).unwrap();
        (encode(&transaction), transaction.signatures[0])
    }

    pub(crate) async fn send(&self, transaction: &str) -> Value {
        self.call("sendTransaction", json!([transaction, sent(false)])).await
    }

    /// Sends without preflight, waits until it is confirmed, and reads it back.
    pub(crate) async fn land(&self, instructions: &[Instruction]) -> Value {
        let (transaction, signature) = self.sign(instructions).await;
        self.call("sendTransaction", json!([transaction, sent(true)])).await;
        self.landed(&signature).await
    }

    pub(crate) async fn landed(&self, signature: &Signature) -> Value {
        let config = json!({ "commitment": "confirmed", "maxSupportedTransactionVersion": 1 });
        until(async || {
            let landed = self.call("getTransaction", json!([signature.to_string(), config])).await;
            (!landed.is_null()).then_some(landed)
        })
        .await
    }

    pub(crate) async fn status(&self, signature: &Signature) -> Value {
        let params = json!([[signature.to_string()], { "searchTransactionHistory": true }]);
        self.call("getSignatureStatuses", params).await["value"][0].take()
    }

    pub(crate) async fn slot(&self, commitment: &str) -> u64 {
        self.call("getSlot", json!([{ "commitment": commitment }])).await.as_u64().unwrap()
    }

    /// A seeded pool by its program and the symbols of its tokens.
    pub(crate) async fn pool(&self, venue: Venue, symbols: [&str; 2]) -> PoolAddress {
        let pools = self.http("GET", "/admin/pools", "").await;
        let mut pools = pools.as_array().unwrap().iter();
        let found =
            pools.find(|pool| pool["venue"] == venue.name() && pool["tokens"] == json!(symbols)).unwrap();
        found["address"].as_str().unwrap().parse().unwrap()
    }

    /// The pool as one snapshot of the newest state shows it.
    pub(crate) async fn market(&self, pool: PoolAddress) -> Market {
        let mut accounts = self.accounts(&[pool.pubkey()]).await;
        for _ in 0..amm::LOOKS_MAX {
            let decoded = Pool::decode(pool, &accounts[&pool.pubkey()]).unwrap();
            let mut addresses = decoded.dependencies(|address| accounts.get(address));
            addresses.extend([pool.pubkey(), amm::CLOCK_ADDRESS]);
            accounts = self.accounts(&addresses).await;
        }
        let clock = amm::Clock::decode(&accounts[&amm::CLOCK_ADDRESS]).unwrap();
        let pool = Pool::decode(pool, &accounts[&pool.pubkey()]).unwrap();
        pool.load(|address| accounts.get(address), clock).unwrap()
    }

    async fn accounts(&self, addresses: &[Pubkey]) -> HashMap<Pubkey, Account> {
        let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let config = json!({ "commitment": "processed", "encoding": "base64" });
        let answer = self.call("getMultipleAccounts", json!([texts, config])).await;
        let found = addresses.iter().zip(answer["value"].as_array().unwrap());
        found.filter(|(_, shown)| !shown.is_null()).map(|(key, shown)| (*key, account(shown))).collect()
    }

    pub(crate) fn token_account(&self, mint: Mint) -> Pubkey {
        get_associated_token_address(&self.wallet.pubkey(), &mint.pubkey())
    }

    /// The account of a token of either token program.
    pub(crate) fn account_of(&self, token: &PoolToken) -> Pubkey {
        let program = amm::token_program_id(token.program);
        get_associated_token_address_with_program_id(&self.wallet.pubkey(), &token.mint.pubkey(), &program)
    }

    /// The ledger's lines about a signature, by kind.
    pub(crate) fn ledger(&self, signature: &Signature) -> (usize, Vec<Value>) {
        let text = std::fs::read_to_string(self.folder.join("ledger.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let ours = lines.filter(|line| line["signature"] == signature.to_string());
        let (received, landed): (Vec<_>, Vec<_>) = ours.partition(|line| line["kind"] == "received");
        (received.len(), landed)
    }
}

/// Waits until frozen slots have left out several blocks, so that none is under way any more.
pub(crate) async fn stand_still(cluster: &Cluster) {
    let struck = async || {
        let reports = cluster.http("GET", "/admin/faults", "").await;
        let mut reports = reports.as_array().unwrap().iter();
        reports.find(|report| report["fault"] == "freezeSlots").unwrap()["struck"].as_u64().unwrap()
    };
    let before = struck().await;
    until(async || (struck().await >= before + 3).then_some(())).await;
}

/// The configuration of `sendTransaction`.
pub(crate) fn sent(skip_preflight: bool) -> Value {
    json!({ "encoding": "base64", "skipPreflight": skip_preflight, "preflightCommitment": "processed" })
}

pub(crate) fn encode(transaction: &VersionedTransaction) -> String {
    BASE64_STANDARD.encode(wincode::serialize(transaction).unwrap())
}

pub(crate) fn account(shown: &Value) -> Account {
    Account {
        lamports: shown["lamports"].as_u64().unwrap(),
        data: BASE64_STANDARD.decode(shown["data"][0].as_str().unwrap()).unwrap(),
        owner: shown["owner"].as_str().unwrap().parse().unwrap(),
        executable: false,
        rent_epoch: u64::MAX,
    }
}

/// The gain of the wallet's token account of a mint in a transaction, in base units.
pub(crate) fn gained(landed: &Value, owner: &Pubkey, mint: Mint) -> i128 {
    let amount = |balances: &Value| {
        let mut balances = balances.as_array().unwrap().iter();
        let found = balances
            .find(|balance| balance["owner"] == owner.to_string() && balance["mint"] == mint.to_string());
        found.map_or(0, |balance| {
            balance["uiTokenAmount"]["amount"].as_str().unwrap().parse::<i128>().unwrap()
        })
    };
    amount(&landed["meta"]["postTokenBalances"]) - amount(&landed["meta"]["preTokenBalances"])
}

pub(crate) fn mint(symbol: &str) -> Mint {
    order_core::token::known().find(|token| token.symbol == symbol).unwrap().mint
}

/// Asks again and again until there is an answer.
pub(crate) async fn until<T, Fut: Future<Output = Option<T>>>(mut ask: impl FnMut() -> Fut) -> T {
    let asked = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(asked.elapsed() < PATIENCE, "waited in vain");
        sleep(Duration::from_millis(2)).await;
    }
}
