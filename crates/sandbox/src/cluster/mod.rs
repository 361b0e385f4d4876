//! The cluster itself: blocks, the accounts they leave, and the transactions in them. It knows
//! neither HTTP nor any clock; whoever drives it says when the next block is due.

mod bank;
mod block;
mod commitment;
mod history;
mod ledger;
mod transaction;

pub(crate) use bank::{BLOCKHASH_AGE_MAX, Bank, EPOCH_SLOTS};
pub(crate) use block::Block;
pub(crate) use commitment::{Commitment, FINALIZATION_LAG};
pub(crate) use history::{History, Status};
pub(crate) use ledger::Ledger;
pub(crate) use transaction::{Accounts, Balances, Landed, TRANSACTION_BYTES_MAX, compute_unit_price};

use order_core::Timestamp;
use sha2::{Digest as _, Sha256};
use solana_hash::Hash;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// The most transactions of one block: keeps a block short enough for its slot. The rest waits.
const BLOCK_TRANSACTIONS_MAX: usize = 500;

/// The most transactions that wait for a block, as a node keeps for forwarding.
const QUEUE_MAX: usize = 10_000;

/// More transactions wait for a block than a node keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node's queue of transactions is full; send again later")]
pub(crate) struct QueueFull;

/// The step from one block to the next, as subscribers see it.
pub(crate) struct Advance {
    /// The new slot.
    pub(crate) slot: u64,
    blocks: [Option<Arc<Block>>; 3],
}

impl Advance {
    /// The block that has just reached a commitment.
    pub(crate) fn reached(&self, commitment: Commitment) -> Option<&Arc<Block>> {
        let [processed, confirmed, finalized] = &self.blocks;
        match commitment {
            Commitment::Processed => processed.as_ref(),
            Commitment::Confirmed => confirmed.as_ref(),
            Commitment::Finalized => finalized.as_ref(),
        }
    }

    /// The slot that has just reached a commitment.
    pub(crate) fn slot(&self, commitment: Commitment) -> u64 {
        self.slot.saturating_sub(commitment.lag())
    }
}

/// A cluster of one node.
pub(crate) struct Cluster {
    /// The accounts.
    pub(crate) bank: Bank,
    /// What has landed.
    pub(crate) history: History,
    ledger: Ledger,
    waiting: VecDeque<(Signature, VersionedTransaction)>,
    waiting_signatures: HashSet<Signature>,
    /// What blockhashes are drawn from: never the same in two runs, so that no transaction of an
    /// earlier run can land in a later one.
    entropy: [u8; 32],
}

impl Cluster {
    /// A cluster that is about to produce its first block.
    pub(crate) fn new(bank: Bank, ledger: Ledger, entropy: [u8; 32]) -> Self {
        Self {
            bank,
            history: History::default(),
            ledger,
            waiting: VecDeque::new(),
            waiting_signatures: HashSet::new(),
            entropy,
        }
    }

    /// Produces the first block and enough others that it is finalized.
    ///
    /// # Errors
    /// See [`Self::advance`].
    pub(crate) fn begin(
        &mut self,
        now: Timestamp,
        first: impl FnOnce(&mut Bank) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.advance(now, first)?;
        for _ in 0..FINALIZATION_LAG {
            self.advance(now, |_| Ok(()))?;
        }
        Ok(())
    }

    /// Takes a transaction for the next block. The caller has verified its signatures.
    pub(crate) fn submit(
        &mut self,
        signature: Signature,
        transaction: VersionedTransaction,
    ) -> Result<(), QueueFull> {
        if self.history.status(&signature).is_some() || self.waiting_signatures.contains(&signature) {
            return Ok(());
        }
        if self.waiting.len() >= QUEUE_MAX {
            return Err(QueueFull);
        }
        self.waiting_signatures.insert(signature);
        self.waiting.push_back((signature, transaction));
        Ok(())
    }

    /// Writes down that a node was handed a transaction, whatever becomes of it.
    pub(crate) fn received(&mut self, signature: &Signature, now: Timestamp) -> anyhow::Result<()> {
        self.ledger.received(signature, self.bank.slot(Commitment::Processed), now)
    }

    /// Produces the next block: first `change`, then what waits.
    ///
    /// # Errors
    /// Whatever `change` fails with, and a ledger that cannot be written; the block exists anyway.
    pub(crate) fn advance<T>(
        &mut self,
        now: Timestamp,
        change: impl FnOnce(&mut Bank) -> anyhow::Result<T>,
    ) -> anyhow::Result<(Advance, T)> {
        self.bank.begin(now);
        let changed = change(&mut self.bank);
        let landed = self.execute_waiting();
        let hash = self.next_blockhash();
        for landed in &landed {
            self.history.add(landed.clone());
        }
        let block = self.bank.seal(landed, hash);
        self.ledger.landed(&block, now)?;
        let blocks = Commitment::ALL.map(|commitment| self.bank.block(commitment).cloned());
        Ok((Advance { slot: block.slot, blocks }, changed?))
    }

    fn execute_waiting(&mut self) -> Vec<Arc<Landed>> {
        let height = bank::block_height(self.bank.slot(Commitment::Processed));
        let count = self.waiting.len().min(BLOCK_TRANSACTIONS_MAX);
        let mut landed = Vec::new();
        for (signature, transaction) in self.waiting.drain(..count) {
            self.waiting_signatures.remove(&signature);
            let hash = transaction.message.recent_blockhash();
            if self.bank.usable_blockhash(hash, height).is_none() {
                tracing::debug!(%signature, "transaction dropped: its blockhash expired");
                continue;
            }
            landed.extend(transaction::execute(&mut self.bank, transaction).map(Arc::new));
        }
        landed
    }

    fn next_blockhash(&self) -> Hash {
        let slot = self.bank.slot(Commitment::Processed);
        let digest = Sha256::new().chain_update(self.entropy).chain_update(slot.to_le_bytes()).finalize();
        Hash::new_from_array(digest.into())
    }
}
