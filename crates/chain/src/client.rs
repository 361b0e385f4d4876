use crate::fill::{Balances, Trade};
use crate::{Account, Error, Hash, TransactionFailure, transaction};
use order_core::order::Fill;
use order_core::{Atoms, Signature, UnknownName};
use solana_pubkey::Pubkey;
use std::fmt;
use std::str::FromStr;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blockhash {
    /// The hash.
    pub hash: Hash,
    /// The last block height at which a transaction with it can land.
    pub last_valid_block_height: u64,
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

/// What a transaction would do now.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulation {
    /// The slot of the bank it ran on.
    pub slot: u64,
    /// Why it would fail; None if it would succeed.
    pub failure: Option<TransactionFailure>,
    /// What the programs logged.
    pub logs: Vec<String>,
    /// Compute units it took.
    pub units: u64,
    /// The watched accounts after it, in the order they were asked for.
    pub accounts: Vec<Option<Account>>,
    /// Every balance before and after; None from a node too old to say.
    pub balances: Option<Balances>,
}

impl Simulation {
    /// What the trade would move. None if the node gave no balances, or none that fit.
    pub fn fill(&self, transaction: &transaction::Unsigned, trade: &Trade) -> Option<Fill> {
        self.balances.as_ref()?.fill(trade, transaction.accounts(), self.slot).ok()
    }
}

/// What a node knows of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureStatus {
    /// Where it landed.
    pub slot: u64,
    /// How sure that is.
    pub commitment: Commitment,
    /// Why it was reverted; None if it succeeded.
    pub failure: Option<TransactionFailure>,
}

/// What a node knows of several signatures, in one bank.
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
    /// Why it was reverted; None if it succeeded.
    pub failure: Option<TransactionFailure>,
    /// What the programs logged.
    pub logs: Vec<String>,
    /// Every balance before and after.
    pub balances: Balances,
}

/// Speaks JSON-RPC to one cluster through one or more nodes. Cheap to clone.
///
/// Reads go to the first node that answers; a transaction goes to every node.
#[derive(Debug, Clone)]
pub struct Client {}

impl Client {
    /// Most accounts that nodes give in one call.
    pub const ACCOUNTS_MAX: usize = 100;
    /// Most signatures that nodes look up in one call.
    pub const SIGNATURES_MAX: usize = 256;

    /// A client of the nodes at these URLs, the preferred one first. Connects on first use.
    ///
    /// # Errors
    /// No URL, or one that is not http or https.
    pub fn new(urls: Vec<String>) -> Result<Self, Error> {
        let _ = urls;
        unimplemented!()
    }

    /// Accounts at one slot; at most [`Self::ACCOUNTS_MAX`].
    ///
    /// # Errors
    /// Too many addresses, or no usable answer.
    pub async fn accounts(&self, addresses: &[Pubkey], commitment: Commitment) -> Result<Snapshot, Error> {
        let _ = (addresses, commitment);
        unimplemented!()
    }

    /// Every account of a program that has exactly this many bytes.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn program_accounts(
        &self,
        program: &Pubkey,
        data_size: u64,
        commitment: Commitment,
    ) -> Result<Vec<(Pubkey, Account)>, Error> {
        let _ = (program, data_size, commitment);
        unimplemented!()
    }

    /// A blockhash to build on, at `confirmed`: finalized ones are a fifth used up, processed ones may vanish.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn latest_blockhash(&self) -> Result<Blockhash, Error> {
        unimplemented!()
    }

    /// How many blocks the chain has.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn block_height(&self, commitment: Commitment) -> Result<u64, Error> {
        let _ = commitment;
        unimplemented!()
    }

    /// The current slot.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn slot(&self, commitment: Commitment) -> Result<u64, Error> {
        let _ = commitment;
        unimplemented!()
    }

    /// The name of the cluster: the same for all its nodes, for ever.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn genesis_hash(&self) -> Result<Hash, Error> {
        unimplemented!()
    }

    /// An account's lamports; zero if there is none.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn balance(&self, address: &Pubkey, commitment: Commitment) -> Result<Atoms, Error> {
        let _ = (address, commitment);
        unimplemented!()
    }

    /// The lamports that an account of this many bytes must hold.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn minimum_balance(&self, data_len: u64) -> Result<Atoms, Error> {
        let _ = data_len;
        unimplemented!()
    }

    /// The least priority fee that landed in each recent slot while these accounts were written,
    /// in micro-lamports per compute unit, oldest first.
    ///
    /// # Errors
    /// More than 128 accounts, or no usable answer.
    pub async fn recent_prioritization_fees(&self, writable: &[Pubkey]) -> Result<Vec<u64>, Error> {
        let _ = writable;
        unimplemented!()
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
        let _ = (transaction, watch, min_slot);
        unimplemented!()
    }

    /// Hands signed bytes to every node. `Ok` means that at least one took them, or has them
    /// already; it does not mean that they land.
    ///
    /// # Errors
    /// No node took them. They may land all the same.
    pub async fn send(&self, transaction: &[u8]) -> Result<(), Error> {
        let _ = transaction;
        unimplemented!()
    }

    /// What a node knows of these signatures, in its recent blocks or in its whole history; at
    /// most [`Self::SIGNATURES_MAX`].
    ///
    /// # Errors
    /// Too many signatures, or no usable answer.
    pub async fn signature_statuses(
        &self,
        signatures: &[Signature],
        history: bool,
    ) -> Result<Statuses, Error> {
        let _ = (signatures, history);
        unimplemented!()
    }

    /// A landed transaction; None if the node does not have it (yet) at this commitment.
    /// `Processed` is read as `Confirmed`, the weakest that nodes accept here.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn transaction(
        &self,
        signature: &Signature,
        commitment: Commitment,
    ) -> Result<Option<LandedTransaction>, Error> {
        let _ = (signature, commitment);
        unimplemented!()
    }

    /// Whether a node answers and is not behind.
    ///
    /// # Errors
    /// No node is well.
    pub async fn health(&self) -> Result<(), Error> {
        unimplemented!()
    }
}
