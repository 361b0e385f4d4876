use super::Landed;
use solana_account::AccountSharedData;
use solana_hash::Hash;
use solana_pubkey::Pubkey;
use std::collections::HashMap;
use std::sync::Arc;

/// The transactions of one slot.
pub(crate) struct Block {
    /// Its slot.
    pub(crate) slot: u64,
    /// Its number, counting blocks only.
    pub(crate) height: u64,
    /// Its blockhash, which transactions of the following blocks may name.
    pub(crate) hash: Hash,
    /// Each account that changed.
    pub(crate) changes: HashMap<Pubkey, Change>,
    /// Its transactions, in order.
    pub(crate) landed: Vec<Arc<Landed>>,
}

/// An account before and after a block; None where it did not exist.
pub(crate) struct Change {
    /// As it was in the block before.
    pub(crate) before: Option<AccountSharedData>,
    /// As the block left it.
    pub(crate) after: Option<AccountSharedData>,
}
