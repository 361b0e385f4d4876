mod accounts;
mod evidence;
mod send;
mod shared;

use crate::fill::{Balances, InvalidBalances, Trade};
use crate::rpc::{CALL_TIMEOUT, Nodes};
use crate::senders::{InvalidSenders, SenderKeys, SenderPlace, Senders};
use crate::transaction::Version;
use crate::wire::{InContext, WirePrioritizationFee, WireSimulation, WireStatus, WireTransaction};
use crate::{Account, Error, Hash, TransactionFailure, metrics, transaction};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use order_core::order::Fill;
use order_core::{Atoms, Signature, UnknownName};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use solana_pubkey::Pubkey;
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

pub use accounts::Scan;
pub(crate) use evidence::AccountSignature;
pub use send::NotTaken;
pub(crate) use send::is_known;
use shared::Shared;

/// How sure the cluster is of what it says, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Commitment {
    /// One node has executed it; its fork may yet be dropped.
    Processed,
    /// Two thirds of the stake have voted for it.
    Confirmed,
    /// It can no longer be rolled back.
    Finalized,
}

impl Commitment {
    /// Every commitment, weakest first.
    pub const ALL: [Self; 3] = [Self::Processed, Self::Confirmed, Self::Finalized];

    /// The name in RPC calls and configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Processed => "processed",
            Self::Confirmed => "confirmed",
            Self::Finalized => "finalized",
        }
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Commitment {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|commitment| commitment.name() == name).ok_or_else(|| UnknownName {
            name: name.chars().take(100).collect(),
            expected: Self::ALL.map(Self::name).join(", "),
        })
    }
}

/// Accounts as they were in one slot.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The slot of the bank that answered.
    pub slot: u64,
    /// The accounts in the order they were asked for; None where there is none.
    pub accounts: Vec<Option<Account>>,
}

/// A recent blockhash: what a transaction must name to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blockhash {
    /// The hash.
    pub hash: Hash,
    /// The last block height at which a transaction with it can land.
    pub last_valid_block_height: u64,
    /// The slot of the bank that gave it: a transaction with it lands in a later one.
    pub slot: u64,
}

/// How far the chain is, in one bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochInfo {
    /// The epoch.
    pub epoch: u64,
    /// The slot.
    pub slot: u64,
    /// The number of blocks below and including it.
    pub block_height: u64,
}

/// The result of a simulation.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulation {
    /// The slot of the bank it ran on.
    pub slot: u64,
    /// Why it would fail; None if it would succeed.
    pub failure: Option<TransactionFailure>,
    /// The programs' logs.
    pub logs: Vec<String>,
    /// Compute units it took.
    pub units: u64,
    /// Bytes of the accounts that it loaded; None from a node too old to say.
    pub loaded_bytes: Option<u32>,
    /// The watched accounts after it, in the order they were asked for.
    pub accounts: Vec<Option<Account>>,
    /// Every balance before and after; None from a node too old to say.
    pub balances: Option<Balances>,
}

impl Simulation {
    /// The fill that the trade would have. None if the node gave no balances.
    ///
    /// # Errors
    /// The balances are not those of the trade: something moved the wrong way, or not at all.
    pub fn fill(
        &self,
        transaction: &transaction::Unsigned,
        trade: &Trade,
    ) -> Result<Option<Fill>, InvalidBalances> {
        let balances = self.balances.as_ref();
        balances.map(|balances| balances.fill(trade, transaction.accounts(), self.slot)).transpose()
    }

    /// By how much it would change each token account that lives through it, in atoms. Empty if the node
    /// gave no balances.
    pub fn token_changes(&self, transaction: &transaction::Unsigned) -> HashMap<Pubkey, i128> {
        let balances = self.balances.as_ref();
        balances.map_or_else(HashMap::new, |balances| balances.token_changes(&transaction.every_account()))
    }
}

/// A node's status of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureStatus {
    /// Where it landed.
    pub slot: u64,
    /// How sure that is.
    pub commitment: Commitment,
    /// Why it was reverted; None if it succeeded.
    pub failure: Option<TransactionFailure>,
}

/// A node's statuses of several signatures, in one bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statuses {
    /// The slot of the bank that answered.
    pub slot: u64,
    /// In the order they were asked for. None means only that this node does not know.
    pub statuses: Vec<Option<SignatureStatus>>,
}

/// A transaction that is in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LandedTransaction {
    /// The block's slot.
    pub slot: u64,
    /// The transaction as it goes over the wire.
    pub bytes: Vec<u8>,
    /// Why it was reverted; None if it succeeded.
    pub failure: Option<TransactionFailure>,
    /// The programs' logs.
    pub logs: Vec<String>,
    /// Every balance before and after.
    pub balances: Balances,
}

/// Speaks JSON-RPC to one cluster through one or more nodes. Cheap to clone.
///
/// Reads go to the first node that answers; a transaction goes to every node and every sender.
#[derive(Debug, Clone)]
pub struct Client {
    nodes: Arc<Nodes>,
    /// Take transactions, and are asked nothing.
    senders: Arc<Senders>,
    shared: Arc<Shared>,
}

impl Client {
    /// Most accounts that nodes give in one call.
    pub const ACCOUNTS_MAX: usize = 100;
    /// Most signatures that nodes look up in one call.
    pub const SIGNATURES_MAX: usize = 256;
    /// Most accounts that nodes look up the priority fees of.
    pub const FEE_ACCOUNTS_MAX: usize = 128;

    /// A client of the nodes at these URLs, the preferred one first. Connects on first use.
    ///
    /// # Errors
    /// No URL, or one that is not http or https.
    pub fn new(urls: &[String]) -> Result<Self, Error> {
        metrics::describe();
        Ok(Self { nodes: Arc::new(Nodes::new(urls)?), senders: Arc::default(), shared: Arc::default() })
    }

    /// The same, with relays and block engines that take transactions too, each as `FORM+URL`. They get the same
    /// bytes as the nodes, so however many take them, they land once. They are asked nothing else: their word counts
    /// for nothing.
    ///
    /// # Errors
    /// See [`InvalidSenders`].
    pub fn with_senders(self, senders: &[String], keys: &SenderKeys) -> Result<Self, InvalidSenders> {
        Ok(Self { senders: Arc::new(Senders::new(senders, keys)?), ..self })
    }

    /// Where the senders are.
    pub fn sender_places(&self) -> Vec<SenderPlace> {
        self.senders.places()
    }

    /// Asks each sender whether it is there: the status of HTTP that it answers with, or why there is none. Nothing
    /// is sent.
    pub async fn reach_senders(&self) -> Vec<Result<u16, String>> {
        self.senders.reach().await
    }

    /// A blockhash to build on, at `confirmed`: a finalized one is partly used up, a processed one may vanish.
    /// Its last valid block height must fit the block heights that this node and the others tell.
    ///
    /// # Errors
    /// No usable answer from any node.
    pub async fn latest_blockhash(&self) -> Result<Blockhash, Error> {
        let heights = self.heights().await;
        let mut last = None;
        for node in self.nodes.order() {
            match self.blockhash_of(node, &heights).await {
                Ok(blockhash) => return Ok(blockhash),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or(Error::InvalidUrl { position: 1 }))
    }

    /// How many blocks the chain has.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn block_height(&self, commitment: Commitment) -> Result<u64, Error> {
        self.call("getBlockHeight", json!([{ "commitment": commitment.name() }])).await
    }

    /// The current slot.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn slot(&self, commitment: Commitment) -> Result<u64, Error> {
        self.call("getSlot", json!([{ "commitment": commitment.name() }])).await
    }

    /// The name of the cluster: the same for all its nodes, for ever.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn genesis_hash(&self) -> Result<Hash, Error> {
        const METHOD: &str = "getGenesisHash";
        let text: String = self.call(METHOD, json!([])).await?;
        text.parse().map_err(|_| malformed(METHOD, "it is no hash".to_owned()))
    }

    /// An account's lamports; zero if there is none.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn balance(&self, address: &Pubkey, commitment: Commitment) -> Result<Atoms, Error> {
        let params = json!([address.to_string(), { "commitment": commitment.name() }]);
        let answer: InContext<u64> = self.call("getBalance", params).await?;
        Ok(Atoms::new(answer.value))
    }

    /// The lamports that an account of this many bytes must hold.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn minimum_balance(&self, data_len: u64) -> Result<Atoms, Error> {
        self.call("getMinimumBalanceForRentExemption", json!([data_len])).await.map(Atoms::new)
    }

    /// The least priority fee that landed in each recent slot while these accounts were written,
    /// in micro-lamports per compute unit, oldest first.
    ///
    /// # Errors
    /// More than [`Self::FEE_ACCOUNTS_MAX`] accounts, or no usable answer.
    pub async fn recent_prioritization_fees(&self, writable: &[Pubkey]) -> Result<Vec<u64>, Error> {
        const METHOD: &str = "getRecentPrioritizationFees";
        limit(METHOD, writable.len(), Self::FEE_ACCOUNTS_MAX)?;
        let mut fees: Vec<WirePrioritizationFee> = self.call(METHOD, json!([texts(writable)])).await?;
        fees.sort_by_key(|fee| fee.slot);
        Ok(fees.into_iter().map(|fee| fee.prioritization_fee).collect())
    }

    /// Runs a transaction without landing it, on the latest processed state of a node that has
    /// reached `min_slot`. Neither its signatures nor its blockhash are looked at.
    ///
    /// # Errors
    /// No usable answer. A transaction that would fail is an `Ok` with its failure.
    pub async fn simulate(
        &self,
        transaction: &[u8],
        watch: &[Pubkey],
        min_slot: u64,
    ) -> Result<Simulation, Error> {
        const METHOD: &str = "simulateTransaction";
        let params = json!([BASE64.encode(transaction), {
            "encoding": "base64",
            "sigVerify": false,
            "replaceRecentBlockhash": true,
            "commitment": Commitment::Processed.name(),
            "minContextSlot": min_slot,
            "accounts": { "encoding": "base64", "addresses": texts(watch) },
        }]);
        let answer: InContext<WireSimulation> = self.call(METHOD, params).await?;
        answer.value.decode(answer.context.slot).map_err(|reason| malformed(METHOD, reason))
    }

    /// A node's statuses of these signatures, in its recent blocks or in its whole history; at
    /// most [`Self::SIGNATURES_MAX`].
    ///
    /// # Errors
    /// Too many signatures, or no usable answer.
    pub async fn signature_statuses(
        &self,
        signatures: &[Signature],
        history: bool,
    ) -> Result<Statuses, Error> {
        self.told_statuses(signatures, history).await.map(|(_, statuses)| statuses)
    }

    /// The same with the number of the node that told them.
    pub(crate) async fn told_statuses(
        &self,
        signatures: &[Signature],
        history: bool,
    ) -> Result<(usize, Statuses), Error> {
        limit(STATUSES, signatures.len(), Self::SIGNATURES_MAX)?;
        let params = json!([texts(signatures), { "searchTransactionHistory": history }]);
        let (node, answer) = self.nodes.call(STATUSES, &params, CALL_TIMEOUT).await?;
        Ok((node, decode_statuses(signatures.len(), answer)?))
    }

    /// A landed transaction, from the first node that has it; None if none has it (yet) at this commitment.
    /// `Processed` is read as `Confirmed`, the weakest that nodes accept here.
    ///
    /// # Errors
    /// No usable answer, or one that cannot be read while no other node shows the transaction.
    pub async fn transaction(
        &self,
        signature: &Signature,
        commitment: Commitment,
    ) -> Result<Option<LandedTransaction>, Error> {
        const METHOD: &str = "getTransaction";
        let params = transaction_params(signature, commitment);
        // A node that shows it unreadably has it all the same: that outweighs the nodes that lack it.
        let mut unreadable = None;
        let mut absent = None;
        for node in self.nodes.order() {
            let answer = self.nodes.call_one(node, METHOD, &params, CALL_TIMEOUT).await;
            match answer.map(|found: Option<WireTransaction>| found.map(WireTransaction::decode)) {
                Ok(Some(Ok(transaction))) => return Ok(Some(transaction)),
                Ok(Some(Err(reason))) => unreadable = unreadable.or(Some(malformed(METHOD, reason))),
                Ok(None) => absent = Some(Ok(None)),
                Err(error) => absent = absent.or(Some(Err(error))),
            }
        }
        unreadable.map_or(absent.unwrap_or(Ok(None)), Err)
    }

    /// Checks that a node answers and is not behind.
    ///
    /// # Errors
    /// No node is well.
    pub async fn health(&self) -> Result<(), Error> {
        const METHOD: &str = "getHealth";
        let answer: String = self.call(METHOD, json!([])).await?;
        if answer == "ok" { Ok(()) } else { Err(malformed(METHOD, "it is not `ok`".to_owned())) }
    }

    async fn call<T: DeserializeOwned>(&self, method: &'static str, params: Value) -> Result<T, Error> {
        self.nodes.call(method, &params, CALL_TIMEOUT).await.map(|(_, result)| result)
    }
}

/// `Processed` is read as `Confirmed`, the weakest that nodes accept here.
fn transaction_params(signature: &Signature, commitment: Commitment) -> Value {
    json!([signature.to_string(), {
        "encoding": "base64",
        "commitment": commitment.max(Commitment::Confirmed).name(),
        "maxSupportedTransactionVersion": Version::V1.number(),
    }])
}

const STATUSES: &str = "getSignatureStatuses";

fn decode_statuses(asked: usize, answer: InContext<Vec<Option<WireStatus>>>) -> Result<Statuses, Error> {
    complete(STATUSES, asked, answer.value.len())?;
    let mut statuses = Vec::with_capacity(asked);
    for status in answer.value {
        let status = status.map(WireStatus::decode).transpose();
        statuses.push(status.map_err(|reason| malformed(STATUSES, reason))?);
    }
    Ok(Statuses { slot: answer.context.slot, statuses })
}

fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

fn limit(method: &'static str, asked: usize, limit: usize) -> Result<(), Error> {
    if asked > limit { Err(Error::TooMany { method, asked, limit }) } else { Ok(()) }
}

fn complete(method: &'static str, asked: usize, answered: usize) -> Result<(), Error> {
    if asked == answered {
        Ok(())
    } else {
        Err(malformed(method, format!("it has {answered} entries for {asked} that were asked for")))
    }
}

fn malformed(method: &'static str, reason: String) -> Error {
    Error::Malformed { method, reason }
}

#[cfg(test)]
mod tests;
