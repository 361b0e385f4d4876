//! The cluster itself: blocks, the accounts they leave, and the transactions in them. It knows
//! neither HTTP nor any clock; whoever drives it says when the next block is due.

mod bank;
mod block;
mod commitment;
mod feature;
mod history;
mod ledger;
mod queue;
mod transaction;

pub(crate) use bank::{BLOCKHASH_AGE_MAX, Bank, EPOCH_SLOTS, LAG_MAX};
pub(crate) use block::Block;
pub(crate) use commitment::{Commitment, FINALIZATION_LAG};
pub(crate) use feature::{FEATURE_PROGRAM, set_version_1, takes};
pub(crate) use history::{History, Status};
pub(crate) use ledger::Ledger;
pub(crate) use queue::QueueFull;
pub(crate) use transaction::{
    Accounts, Balances, Landed, TRANSACTION_BYTES_MAX, TRANSACTION_V1_BYTES_MAX, compute_unit_price,
    cost_units, is_charged,
};

use order_core::Timestamp;
use queue::{Due, Queue};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use solana_hash::Hash;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use std::sync::Arc;

/// The most transactions of one block: keeps a block short enough for its slot. The rest waits.
const BLOCK_TRANSACTIONS_MAX: usize = 500;

/// Empty blocks after which no earlier blockhash is valid any more.
const EXPIRING_BLOCKS: u64 = BLOCKHASH_AGE_MAX + 1;

/// Empty blocks after the first one: as far as a node looks back that lags, when the longest fork
/// was rolled back.
const FIRST_BLOCKS: u64 = LAG_MAX + 2 * FINALIZATION_LAG;

/// When a transaction that was taken is executed, if not in the next block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Delay {
    /// So many slots from now.
    Slots(u64),
    /// So many blocks before the last one in which its blockhash is valid; 0 is that block.
    BeforeExpiry(u64),
    /// So many blocks after the last one in which its blockhash is valid: too late to land.
    AfterExpiry(u64),
}

/// A fork that was given up.
pub(crate) struct Abandoned {
    /// The last slot that was kept.
    pub(crate) parent: u64,
    /// The transactions that had landed after it, in order.
    pub(crate) signatures: Vec<Signature>,
}

/// The step from one block to the next, as subscribers see it.
pub(crate) struct Advance {
    /// The new slot.
    pub(crate) slot: u64,
    /// The slot of the block before.
    pub(crate) parent: u64,
    /// The newest slot that is final.
    pub(crate) root: u64,
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
}

/// A cluster as all its nodes know it.
pub(crate) struct Cluster {
    /// The accounts.
    pub(crate) bank: Bank,
    /// The transactions that have landed.
    pub(crate) history: History,
    ledger: Ledger,
    waiting: Queue,
    /// The source of blockhashes: never the same in two runs, so that no transaction of an
    /// earlier run can land in a later one.
    entropy: [u8; 32],
}

impl Cluster {
    /// A cluster that is about to produce its first block.
    pub(crate) fn new(bank: Bank, ledger: Ledger, entropy: [u8; 32]) -> Self {
        Self { bank, history: History::default(), ledger, waiting: Queue::default(), entropy }
    }

    /// A random number that no other cluster has.
    pub(crate) fn entropy(&self) -> &[u8; 32] {
        &self.entropy
    }

    /// Produces the first block and enough others that it is finalized for every node that lags.
    ///
    /// # Errors
    /// See [`Self::advance`].
    pub(crate) fn begin(
        &mut self,
        now: Timestamp,
        first: impl FnOnce(&mut Bank) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.advance(now, first)?;
        for _ in 0..FIRST_BLOCKS {
            self.advance(now, |_| Ok(()))?;
        }
        Ok(())
    }

    /// Takes a transaction for a block, the next one unless it is delayed. The caller has verified
    /// its signatures.
    pub(crate) fn submit(
        &mut self,
        signature: Signature,
        transaction: VersionedTransaction,
        delay: Option<Delay>,
    ) -> Result<(), QueueFull> {
        if self.history.status(&signature).is_some() {
            return Ok(());
        }
        let due = delay.map_or(Due::Next, |delay| self.due(&transaction, delay));
        self.waiting.add(signature, transaction, due)
    }

    /// Writes down that a node was handed a transaction, whatever becomes of it.
    pub(crate) fn received(
        &mut self,
        signature: &Signature,
        now: Timestamp,
        node: usize,
    ) -> anyhow::Result<()> {
        self.ledger.received(signature, self.bank.slot(Commitment::Processed), now, node)
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
        Ok((self.seal(now, landed)?, changed?))
    }

    /// Produces so many empty blocks that every blockhash there is expires; what waits goes on
    /// waiting, and expires with them.
    ///
    /// # Errors
    /// See [`Self::advance`].
    pub(crate) fn expire_blockhashes(&mut self, now: Timestamp) -> anyhow::Result<Vec<Advance>> {
        let blocks = 0..EXPIRING_BLOCKS;
        let advances = blocks.map(|_| {
            self.bank.begin(now);
            self.seal(now, Vec::new())
        });
        advances.collect()
    }

    /// Gives up the fork of the last `slots` slots and produces the first block of another one,
    /// which has none of its transactions. They land again so many slots later as `again` says, if
    /// they still may; without it only if somebody sends them again.
    ///
    /// # Errors
    /// So many slots are not open any more. Also see [`Self::advance`].
    pub(crate) fn roll_back(
        &mut self,
        now: Timestamp,
        slots: u64,
        again: Option<u64>,
    ) -> anyhow::Result<(Advance, Abandoned)> {
        anyhow::ensure!(
            (1..=FINALIZATION_LAG).contains(&slots),
            "only the last {FINALIZATION_LAG} slots are not final: slots must be from 1 to {FINALIZATION_LAG}"
        );
        let undone = self.bank.roll_back(slots)?;
        self.ledger.rolled_back(&undone, now)?;
        let landed: Vec<_> = undone.iter().rev().flat_map(|block| block.landed.iter().cloned()).collect();
        let signatures: Vec<Signature> = landed.iter().map(|landed| landed.signature).collect();
        self.history.forget(&signatures.iter().copied().collect());
        if let Some(again) = again {
            let due = Due::Slot(self.bank.slot(Commitment::Processed).saturating_add(again.max(1)));
            for landed in landed {
                // A full queue loses them, as forks may.
                let _ = self.waiting.add(landed.signature, landed.transaction.clone(), due);
            }
        }
        self.bank.begin(now);
        let advance = self.seal(now, Vec::new())?;
        let parent = advance.parent;
        Ok((advance, Abandoned { parent, signatures }))
    }

    fn due(&self, transaction: &VersionedTransaction, delay: Delay) -> Due {
        let hash = transaction.message.recent_blockhash();
        let last_valid = self.bank.usable_blockhash(hash, self.bank.height());
        let last_valid = last_valid.map(|block| block.height.saturating_add(BLOCKHASH_AGE_MAX));
        match (delay, last_valid) {
            (Delay::Slots(slots), _) => {
                Due::Slot(self.bank.slot(Commitment::Processed).saturating_add(slots).saturating_add(1))
            }
            (Delay::BeforeExpiry(blocks), Some(last)) => Due::Height(last.saturating_sub(blocks)),
            (Delay::AfterExpiry(blocks), Some(last)) => Due::Height(last.saturating_add(blocks.max(1))),
            (Delay::BeforeExpiry(_) | Delay::AfterExpiry(_), None) => Due::Next,
        }
    }

    fn execute_waiting(&mut self) -> Vec<Arc<Landed>> {
        let (slot, height) = (self.bank.slot(Commitment::Processed), self.bank.height());
        let mut landed = Vec::new();
        for (signature, transaction) in self.waiting.take(slot, height, BLOCK_TRANSACTIONS_MAX) {
            let hash = transaction.message.recent_blockhash();
            if self.bank.usable_blockhash(hash, height).is_none() {
                tracing::debug!(%signature, "transaction dropped: its blockhash expired");
                continue;
            }
            if self.history.status(&signature).is_some() {
                continue;
            }
            if !takes(&self.bank, &transaction, slot) {
                tracing::debug!(%signature, "transaction dropped: its version is not active");
                continue;
            }
            let executed = transaction::execute(&mut self.bank, transaction, landed.len());
            landed.extend(executed.map(Arc::new));
        }
        landed
    }

    /// Ends the block that was begun. The ledger knows before anybody else does.
    fn seal(&mut self, now: Timestamp, landed: Vec<Arc<Landed>>) -> anyhow::Result<Advance> {
        let hash = self.next_blockhash();
        for landed in &landed {
            self.history.add(landed.clone());
        }
        let before = self.bank.slot(Commitment::Processed).saturating_sub(1);
        let parent = self.bank.block_until(before).map_or(before, |block| block.slot);
        let block = self.bank.seal(landed, hash);
        self.ledger.landed(&block, now)?;
        // Each block reaches each commitment once: slots of an abandoned fork bring nothing.
        let blocks = Commitment::ALL
            .map(|commitment| self.bank.block_of(block.slot.saturating_sub(commitment.lag())).cloned());
        if let [_, _, Some(finalized)] = &blocks {
            self.ledger.finalized(finalized.height, now)?;
        }
        Ok(Advance { slot: block.slot, parent, root: self.bank.slot(Commitment::Finalized), blocks })
    }

    fn next_blockhash(&self) -> Hash {
        let slot = self.bank.slot(Commitment::Processed);
        let digest = Sha256::new().chain_update(self.entropy).chain_update(slot.to_le_bytes()).finalize();
        Hash::new_from_array(digest.into())
    }
}
