use super::block::{Block, Change};
use super::commitment::Commitment;
use anyhow::Context as _;
use litesvm::LiteSVM;
use order_core::Timestamp;
use solana_account::{AccountSharedData, ReadableAccount as _};
use solana_clock::Clock;
use solana_hash::Hash;
use solana_pubkey::Pubkey;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// A blockhash may be used in this many blocks after its own, as on real clusters.
pub(crate) const BLOCKHASH_AGE_MAX: u64 = 150;

/// Blocks kept in memory: all whose blockhash may still be used.
const BLOCKS_KEPT: usize = 151;

/// Slots are counted from the start of the cluster, blocks from somewhat later: on real clusters
/// some slots stay empty, and whoever mixes up the two numbers should notice.
const EMPTY_SLOTS: u64 = 1_000_000;

/// Slots of an epoch, as on mainnet.
pub(crate) const EPOCH_SLOTS: u64 = 432_000;

/// The accounts: as they are now, and as they were in the blocks that are not finalized yet.
pub(crate) struct Bank {
    svm: LiteSVM,
    slot: u64,
    clock: Clock,
    blocks: VecDeque<Arc<Block>>,
    changes: HashMap<Pubkey, Change>,
}

impl Bank {
    /// An empty cluster about to produce the block after `slot`. Programs and accounts of the VM
    /// belong to every block there ever was.
    pub(crate) fn new(svm: LiteSVM, slot: u64) -> Self {
        Self { svm, slot, clock: Clock::default(), blocks: VecDeque::new(), changes: HashMap::new() }
    }

    /// The newest slot that a commitment sees.
    pub(crate) fn slot(&self, commitment: Commitment) -> u64 {
        self.slot.saturating_sub(commitment.lag())
    }

    /// The time and slot that programs see.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The VM, for reading and simulating.
    pub(crate) fn svm(&self) -> &LiteSVM {
        &self.svm
    }

    /// An account as a commitment sees it.
    pub(crate) fn account(&self, address: &Pubkey, commitment: Commitment) -> Option<AccountSharedData> {
        let seen = self.slot(commitment);
        let newer = self.blocks.iter().filter(|block| block.slot > seen);
        newer
            .map(|block| &block.changes)
            .find_map(|changes| changes.get(address))
            .map_or_else(|| self.svm.accounts_db().get_account(address), |change| change.before.clone())
    }

    /// All accounts of a program as a commitment sees them, in the order of their addresses.
    pub(crate) fn program_accounts(
        &self,
        program: &Pubkey,
        commitment: Commitment,
    ) -> Vec<(Pubkey, AccountSharedData)> {
        let accounts = self.svm.accounts_db().inner.iter();
        let owned = accounts.filter(|(_, account)| account.owner() == program).map(|(address, _)| *address);
        let changed = self.blocks.iter().flat_map(|block| block.changes.keys().copied());
        let mut addresses: Vec<Pubkey> = owned.chain(changed).collect::<HashSet<_>>().into_iter().collect();
        addresses.sort_unstable();
        let accounts = addresses.into_iter().filter_map(|address| {
            let account = self.account(&address, commitment)?;
            (account.owner() == program).then_some((address, account))
        });
        accounts.collect()
    }

    /// The newest block that a commitment sees.
    pub(crate) fn block(&self, commitment: Commitment) -> Option<&Arc<Block>> {
        let seen = self.slot(commitment);
        self.blocks.iter().rev().find(|block| block.slot == seen)
    }

    /// The blocks of the last 150 slots, oldest first.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &Arc<Block>> {
        self.blocks.iter()
    }

    /// The block whose hash may be named by a transaction in the block of `height`.
    pub(crate) fn usable_blockhash(&self, hash: &Hash, height: u64) -> Option<&Arc<Block>> {
        let block = self.blocks.iter().rev().find(|block| block.hash == *hash)?;
        (height <= block.height.saturating_add(BLOCKHASH_AGE_MAX)).then_some(block)
    }

    /// Begins the next block.
    pub(crate) fn begin(&mut self, now: Timestamp) {
        self.slot = self.slot.saturating_add(1);
        let epoch = self.slot / EPOCH_SLOTS;
        self.clock = Clock {
            slot: self.slot,
            epoch_start_timestamp: 0,
            epoch,
            leader_schedule_epoch: epoch.saturating_add(1),
            unix_timestamp: now.timestamp(),
        };
        let before = self.svm.accounts_db().get_account(&CLOCK);
        self.svm.set_sysvar(&self.clock);
        self.record(CLOCK, before);
    }

    /// Ends the block that was begun.
    pub(crate) fn seal(&mut self, landed: Vec<Arc<super::Landed>>, hash: Hash) -> Arc<Block> {
        let changes = std::mem::take(&mut self.changes);
        let block =
            Arc::new(Block { slot: self.slot, height: block_height(self.slot), hash, changes, landed });
        self.blocks.push_back(block.clone());
        if self.blocks.len() > BLOCKS_KEPT {
            self.blocks.pop_front();
        }
        block
    }

    /// Writes an account within the block that was begun; no lamports removes it.
    pub(crate) fn write(&mut self, address: Pubkey, account: AccountSharedData) -> anyhow::Result<()> {
        let before = self.svm.accounts_db().get_account(&address);
        self.svm
            .set_account(address, account.into())
            .with_context(|| format!("writing account {address}"))?;
        self.record(address, before);
        Ok(())
    }

    /// Runs a transaction of the accounts `touched` within the block that was begun.
    pub(crate) fn run(
        &mut self,
        transaction: solana_transaction::versioned::VersionedTransaction,
        touched: &[Pubkey],
    ) -> (Vec<Option<AccountSharedData>>, litesvm::types::TransactionResult) {
        let read = |svm: &LiteSVM, address: &Pubkey| svm.accounts_db().get_account(address);
        let before: Vec<_> = touched.iter().map(|address| read(&self.svm, address)).collect();
        let result = self.svm.send_transaction(transaction);
        for (address, before) in touched.iter().zip(&before) {
            if read(&self.svm, address) != *before {
                self.record(*address, before.clone());
            }
        }
        (before, result)
    }

    /// The least lamports that an account of `length` bytes needs.
    pub(crate) fn minimum_balance(&self, length: usize) -> u64 {
        self.svm.minimum_balance_for_rent_exemption(length)
    }

    fn record(&mut self, address: Pubkey, before: Option<AccountSharedData>) {
        let after = self.svm.accounts_db().get_account(&address);
        let change = self.changes.entry(address).or_insert(Change { before, after: None });
        change.after = after;
    }
}

/// The number of the block in a slot.
pub(crate) fn block_height(slot: u64) -> u64 {
    slot.saturating_sub(EMPTY_SLOTS)
}

const CLOCK: Pubkey = Pubkey::from_str_const("SysvarC1ock11111111111111111111111111111111");
