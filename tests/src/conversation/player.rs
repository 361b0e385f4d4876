//! One side of the conversation: asks, and keeps the shapes of the answers.

use super::Transcript;
use super::shape::shape;
use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::{AddressLookupTableAccount, Message, VersionedMessage, v0};
use solana_pubkey::Pubkey;
use solana_signer::Signer as _;
use solana_transaction::versioned::VersionedTransaction;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

/// A node has an answer to everything here within this time.
const PATIENCE: Duration = Duration::from_secs(120);

/// Pause between two looks at a condition.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The addresses of a node.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    /// Where its JSON-RPC answers.
    pub rpc: SocketAddr,
    /// Where its PubSub answers.
    pub pubsub: SocketAddr,
}

pub(super) struct Player {
    pub(super) node: Node,
    pub(super) wallet: Keypair,
    pub(super) said: Transcript,
    http: reqwest::Client,
}

impl Player {
    pub(super) fn new(node: Node, wallet: &Path) -> Result<Self> {
        let bytes: Vec<u8> = serde_json::from_slice(&std::fs::read(wallet)?)?;
        let wallet = Keypair::try_from(bytes.as_slice()).context("reading the wallet")?;
        Ok(Self { node, wallet, said: Transcript::new(), http: crate::gateway::http() })
    }

    pub(super) fn payer(&self) -> Pubkey {
        self.wallet.pubkey()
    }

    /// Posts a body, and keeps the shape of the answer.
    pub(super) async fn post(&mut self, step: &str, body: &str) -> Result<Value> {
        let answer = self.posted(body).await.with_context(|| step.to_owned())?;
        self.keep(step, &answer)?;
        Ok(answer)
    }

    /// Calls a method, and keeps the shape of the answer.
    pub(super) async fn ask(&mut self, step: &str, method: &str, params: Value) -> Result<Value> {
        self.post(step, &request(method, &params)).await
    }

    /// The result of a call that is no step of its own.
    pub(super) async fn result(&self, method: &str, params: Value) -> Result<Value> {
        let mut answer = self.posted(&request(method, &params)).await?;
        ensure!(answer.get("error").is_none(), "{method}: {answer}");
        Ok(answer["result"].take())
    }

    /// Keeps the shape of an answer or a notification.
    pub(super) fn keep(&mut self, step: &str, answer: &Value) -> Result<()> {
        let before = self.said.insert(step.to_owned(), shape(answer));
        ensure!(before.is_none(), "two steps have the name {step}");
        Ok(())
    }

    async fn posted(&self, body: &str) -> Result<Value> {
        let url = format!("http://{}", self.node.rpc);
        let request = self.http.post(url).header("content-type", "application/json").body(body.to_owned());
        let text = request.send().await?.text().await?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Asks again and again until the answer is there.
    pub(super) async fn until(
        &self,
        what: &str,
        method: &str,
        params: Value,
        is_there: fn(&Value) -> bool,
    ) -> Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let result = self.result(method, params.clone()).await?;
            if is_there(&result) {
                return Ok(result);
            }
            ensure!(Instant::now() < deadline, "waited in vain for {what}: {result}");
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// A blockhash that the confirmed chain knows, and the last height at which it may be used.
    pub(super) async fn blockhash(&self) -> Result<(String, u64)> {
        let latest = self.result("getLatestBlockhash", json!([{ "commitment": "confirmed" }])).await?;
        let hash = latest["value"]["blockhash"].as_str().context("a blockhash")?.to_owned();
        Ok((hash, latest["value"]["lastValidBlockHeight"].as_u64().context("a height")?))
    }

    /// A transaction of the wallet, with its signature. It is of the first version, which has no lookup tables.
    pub(super) async fn legacy(&self, instructions: &[Instruction]) -> Result<(String, String)> {
        let hash = self.blockhash().await?.0.parse()?;
        let message = Message::new_with_blockhash(instructions, Some(&self.payer()), &hash);
        self.signed(VersionedMessage::Legacy(message))
    }

    /// A transaction of the wallet that names accounts by a lookup table.
    pub(super) async fn with_table(
        &self,
        instructions: &[Instruction],
        table: AddressLookupTableAccount,
    ) -> Result<(String, String)> {
        let hash = self.blockhash().await?.0.parse()?;
        let message = v0::Message::try_compile(&self.payer(), instructions, &[table], hash)?;
        self.signed(VersionedMessage::V0(message))
    }

    pub(super) fn signed(&self, message: VersionedMessage) -> Result<(String, String)> {
        let transaction = VersionedTransaction::try_new(message, &[&self.wallet])?;
        let signature = transaction.signatures.first().context("a signature")?.to_string();
        Ok((encode(&transaction)?, signature))
    }

    /// Waits until a transaction has a commitment.
    pub(super) async fn landed(&self, signature: &str, commitment: &str) -> Result<()> {
        let is_there: fn(&Value) -> bool = match commitment {
            "finalized" => |found| found["value"][0]["confirmationStatus"] == "finalized",
            _ => |found| {
                ["confirmed", "finalized"].iter().any(|name| found["value"][0]["confirmationStatus"] == *name)
            },
        };
        let params = json!([[signature], { "searchTransactionHistory": true }]);
        self.until("a landing", "getSignatureStatuses", params, is_there).await?;
        Ok(())
    }
}

pub(super) fn encode(transaction: &VersionedTransaction) -> Result<String> {
    Ok(BASE64_STANDARD.encode(wincode::serialize(transaction)?))
}

fn request(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
}
