use super::block::{Block, Change};
use super::commitment::Commitment;
use anyhow::Context as _;
use litesvm::LiteSVM;
use order_core::Timestamp;
use solana_account::{Account, AccountSharedData, ReadableAccount as _};
use solana_clock::Clock;
use solana_hash::Hash;
use solana_pubkey::Pubkey;
use solana_slot_hashes::SlotHashes;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// A blockhash may be used in this many blocks after its own, as on real clusters.
pub(crate) const BLOCKHASH_AGE_MAX: u64 = 150;

/// The most slots that a node may lag behind the cluster.
pub(crate) const LAG_MAX: u64 = 100;

/// Blocks kept in memory: all whose blockhash may still be used, for a node that lags as far as it
/// may, after the longest fork was rolled back.
const BLOCKS_KEPT: usize = 151 + 100 + 32;

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
    /// Accounts that a rolled back fork had changed: the next block tells of them again.
    restored: Vec<Pubkey>,
}

impl Bank {
    /// An empty cluster about to produce the block after `slot`. Programs and accounts of the VM
    /// belong to every block there ever was.
    pub(crate) fn new(svm: LiteSVM, slot: u64) -> Self {
        Self {
            svm,
            slot,
            clock: Clock::default(),
            blocks: VecDeque::new(),
            changes: HashMap::new(),
            restored: Vec::new(),
        }
    }

    /// The newest slot that a commitment sees.
    pub(crate) fn slot(&self, commitment: Commitment) -> u64 {
        self.slot_behind(commitment, 0)
    }

    /// The newest slot that a commitment sees on a node that is `lag` slots behind. Slots of an
    /// abandoned fork are empty: it is the one of the newest block that is old enough.
    pub(crate) fn slot_behind(&self, commitment: Commitment, lag: u64) -> u64 {
        let behind = commitment.lag().saturating_add(lag);
        let limit = self.slot.saturating_sub(behind);
        if behind == 0 {
            return limit;
        }
        self.block_until(limit).map_or(limit, |block| block.slot)
    }

    /// The newest block of a slot up to this one.
    pub(crate) fn block_until(&self, slot: u64) -> Option<&Arc<Block>> {
        self.blocks.iter().rev().find(|block| block.slot <= slot)
    }

    /// The block of exactly this slot.
    pub(crate) fn block_of(&self, slot: u64) -> Option<&Arc<Block>> {
        self.block_until(slot).filter(|block| block.slot == slot)
    }

    /// The time and slot that programs see.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Changes what programs the VM has, from the next transaction on.
    pub(crate) fn change_programs(&mut self, change: impl FnOnce(&mut LiteSVM)) {
        change(&mut self.svm);
    }

    /// The VM, for reading and simulating.
    pub(crate) fn svm(&self) -> &LiteSVM {
        &self.svm
    }

    /// An account as a commitment sees it.
    pub(crate) fn account(&self, address: &Pubkey, commitment: Commitment) -> Option<AccountSharedData> {
        self.account_at(address, self.slot(commitment))
    }

    /// An account as it was after the block of a slot.
    pub(crate) fn account_at(&self, address: &Pubkey, slot: u64) -> Option<AccountSharedData> {
        self.blocks_after(slot)
            .map(|block| &block.changes)
            .find_map(|changes| changes.get(address))
            .map_or_else(|| self.svm.accounts_db().get_account(address), |change| change.before.clone())
    }

    /// A copy of the VM as it was after the block of a slot.
    ///
    /// # Errors
    /// An account cannot be written, which never happens for what was read before.
    pub(crate) fn svm_at(&self, slot: u64) -> anyhow::Result<LiteSVM> {
        let mut svm = self.svm.clone();
        for block in self.blocks_after(slot).rev() {
            restore(&mut svm, block)?;
        }
        Ok(svm)
    }

    /// All accounts of a program as they were after the block of a slot, in the order of their
    /// addresses.
    pub(crate) fn program_accounts_at(
        &self,
        program: &Pubkey,
        slot: u64,
    ) -> Vec<(Pubkey, AccountSharedData)> {
        let accounts = self.svm.accounts_db().inner.iter();
        let owned = accounts.filter(|(_, account)| account.owner() == program).map(|(address, _)| *address);
        let changed = self.blocks.iter().flat_map(|block| block.changes.keys().copied());
        let mut addresses: Vec<Pubkey> = owned.chain(changed).collect::<HashSet<_>>().into_iter().collect();
        addresses.sort_unstable();
        let accounts = addresses.into_iter().filter_map(|address| {
            let account = self.account_at(&address, slot)?;
            (account.owner() == program).then_some((address, account))
        });
        accounts.collect()
    }

    /// The accounts that the oldest block which is kept left behind, in the order of their addresses.
    pub(crate) fn oldest_changes(&self) -> Vec<(&Pubkey, &AccountSharedData)> {
        let changes = self.blocks.front().into_iter().flat_map(|block| &block.changes);
        let mut accounts: Vec<_> =
            changes.filter_map(|(address, change)| Some((address, change.after.as_ref()?))).collect();
        accounts.sort_unstable_by_key(|(address, _)| **address);
        accounts
    }

    /// The blocks up to a slot, newest first.
    pub(crate) fn blocks_until(&self, slot: u64) -> impl Iterator<Item = &Arc<Block>> {
        self.blocks.iter().rev().skip_while(move |block| block.slot > slot)
    }

    fn blocks_after(&self, slot: u64) -> impl DoubleEndedIterator<Item = &Arc<Block>> {
        let first = self.blocks.partition_point(|block| block.slot <= slot);
        self.blocks.range(first..)
    }

    /// The block whose hash may be named by a transaction in the block of `height`.
    pub(crate) fn usable_blockhash(&self, hash: &Hash, height: u64) -> Option<&Arc<Block>> {
        let block = self.blocks.iter().rev().find(|block| block.hash == *hash)?;
        (height <= block.height.saturating_add(BLOCKHASH_AGE_MAX)).then_some(block)
    }

    /// The number of the next block, or of the one that was begun.
    pub(crate) fn height(&self) -> u64 {
        let next = self.blocks.back().map(|block| block.height.saturating_add(1));
        next.unwrap_or_else(|| self.slot.saturating_sub(EMPTY_SLOTS))
    }

    /// Undoes the blocks of the last `slots` slots, and answers with them, the newest first. Their
    /// slots stay empty. The next block must begin before anybody looks.
    ///
    /// # Errors
    /// See [`Self::svm_at`].
    pub(crate) fn roll_back(&mut self, slots: u64) -> anyhow::Result<Vec<Arc<Block>>> {
        let kept = self.slot.saturating_sub(slots);
        let mut undone = Vec::new();
        while let Some(block) = self.blocks.pop_back_if(|block| block.slot > kept) {
            restore(&mut self.svm, &block)?;
            self.restored.extend(block.changes.keys());
            undone.push(block);
        }
        Ok(undone)
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
        for address in std::mem::take(&mut self.restored) {
            self.record(address, self.svm.accounts_db().get_account(&address));
        }
        let before = self.svm.accounts_db().get_account(&CLOCK);
        self.svm.set_sysvar(&self.clock);
        self.record(CLOCK, before);
        // Programs ask whether a slot had a block. Nobody reads the account, so that it has no history.
        let hashes: Vec<_> = self.blocks.iter().map(|block| (block.slot, block.hash)).collect();
        self.svm.set_sysvar(&SlotHashes::new(&hashes));
    }

    /// Ends the block that was begun.
    pub(crate) fn seal(&mut self, landed: Vec<Arc<super::Landed>>, hash: Hash) -> Arc<Block> {
        let changes = std::mem::take(&mut self.changes);
        let block = Arc::new(Block { slot: self.slot, height: self.height(), hash, changes, landed });
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

/// Writes the accounts that a block changed as they were before it.
fn restore(svm: &mut LiteSVM, block: &Block) -> anyhow::Result<()> {
    for (address, change) in &block.changes {
        // An account without lamports is removed.
        let before = change.before.clone().map(Account::from).unwrap_or_default();
        svm.set_account(*address, before).with_context(|| format!("restoring account {address}"))?;
    }
    Ok(())
}

const CLOCK: Pubkey = Pubkey::from_str_const("SysvarC1ock11111111111111111111111111111111");
