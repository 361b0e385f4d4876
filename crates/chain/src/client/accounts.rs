use super::{Client, Commitment, Snapshot, complete, limit, malformed, texts};
use crate::Error;
use crate::rpc::{CALL_TIMEOUT, SCAN_TIMEOUT};
use crate::wire::{InContext, KeyedAccount, WireAccount, decode_accounts};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::{Value, json};
use solana_pubkey::Pubkey;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

pub(super) const ACCOUNTS: &str = "getMultipleAccounts";

/// Which accounts of a program are wanted. Nodes take four conditions at most.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scan {
    /// Those of exactly so many bytes.
    pub data_size: Option<u64>,
    /// Those that have these bytes at these places.
    pub bytes: Vec<(usize, Vec<u8>)>,
}

impl Client {
    /// Accounts at one slot; at most [`Self::ACCOUNTS_MAX`].
    ///
    /// # Errors
    /// Too many addresses, or no usable answer.
    pub async fn accounts(&self, addresses: &[Pubkey], commitment: Commitment) -> Result<Snapshot, Error> {
        let params = params(addresses, commitment, None)?;
        let (_, answer) = self.nodes.call(ACCOUNTS, &params, CALL_TIMEOUT).await?;
        read(addresses, answer)
    }

    /// Accounts at one slot, from a node that has reached `min_slot` and answers within `timeout`, with
    /// that node's number.
    ///
    /// # Errors
    /// Too many addresses, or no usable answer; also if no node is that far.
    pub async fn accounts_since(
        &self,
        addresses: &[Pubkey],
        commitment: Commitment,
        min_slot: u64,
        timeout: Duration,
    ) -> Result<(usize, Snapshot), Error> {
        let params = params(addresses, commitment, Some(min_slot))?;
        let (node, answer) = self.nodes.call(ACCOUNTS, &params, timeout).await?;
        Ok((node, read(addresses, answer)?))
    }

    /// The same accounts as every node has them, each with the node's number, the quickest first. Once
    /// one has answered, the others have `patience` left: one that hangs holds up nobody.
    ///
    /// # Errors
    /// Too many addresses, or no usable answer from any node.
    pub async fn accounts_of_each(
        &self,
        addresses: &[Pubkey],
        commitment: Commitment,
        timeout: Duration,
        patience: Duration,
    ) -> Result<Vec<(usize, Snapshot)>, Error> {
        let params = params(addresses, commitment, None)?;
        let ask = async |node| {
            let answer = self.nodes.call_one(node, ACCOUNTS, &params, timeout).await;
            (node, answer.and_then(|answer| read(addresses, answer)))
        };
        let mut asked: FuturesUnordered<_> = (0..self.nodes.count()).map(ask).collect();
        let (mut answers, mut failure) = (Vec::new(), None);
        let mut until = Instant::now() + timeout;
        while let Ok(Some((node, answer))) = timeout_at(until, asked.next()).await {
            match answer {
                Ok(snapshot) => {
                    if answers.is_empty() {
                        until = until.min(Instant::now() + patience);
                    }
                    answers.push((node, snapshot));
                }
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            _ if !answers.is_empty() => Ok(answers),
            Some(error) => Err(error),
            None => Err(malformed(ACCOUNTS, "no node has answered in time".to_owned())),
        }
    }

    /// Asks this node first from now on.
    pub fn prefer(&self, node: usize) {
        self.nodes.prefer(node);
    }

    /// The addresses of a program's accounts that a scan finds. Public nodes refuse it for large programs.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn program_addresses(
        &self,
        program: &Pubkey,
        scan: &Scan,
        commitment: Commitment,
    ) -> Result<Vec<Pubkey>, Error> {
        const METHOD: &str = "getProgramAccounts";
        let size = scan.data_size.map(|size| json!({ "dataSize": size }));
        let bytes = scan.bytes.iter().map(|(offset, bytes)| {
            json!({ "memcmp": { "offset": offset, "bytes": BASE64.encode(bytes), "encoding": "base64" } })
        });
        let filters: Vec<Value> = size.into_iter().chain(bytes).collect();
        let options = json!({
            "encoding": "base64",
            "commitment": commitment.name(),
            "filters": filters,
            "dataSlice": { "offset": 0, "length": 0 },
        });
        let params = json!([program.to_string(), options]);
        let (_, answer): (_, Vec<KeyedAccount>) = self.nodes.call(METHOD, &params, SCAN_TIMEOUT).await?;
        Ok(answer.into_iter().map(|keyed| keyed.pubkey).collect())
    }
}

pub(super) fn params(
    addresses: &[Pubkey],
    commitment: Commitment,
    min_slot: Option<u64>,
) -> Result<Value, Error> {
    limit(ACCOUNTS, addresses.len(), Client::ACCOUNTS_MAX)?;
    let mut options = json!({ "encoding": "base64", "commitment": commitment.name() });
    if let (Some(slot), Some(options)) = (min_slot, options.as_object_mut()) {
        options.insert("minContextSlot".to_owned(), json!(slot));
    }
    Ok(json!([texts(addresses), options]))
}

pub(super) fn read(
    addresses: &[Pubkey],
    answer: InContext<Vec<Option<WireAccount>>>,
) -> Result<Snapshot, Error> {
    let accounts = decode_accounts(answer.value).map_err(|reason| malformed(ACCOUNTS, reason))?;
    complete(ACCOUNTS, addresses.len(), accounts.len())?;
    Ok(Snapshot { slot: answer.context.slot, accounts })
}
