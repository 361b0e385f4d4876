use super::Landed;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_transaction_error::TransactionError;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// Transactions that are remembered whole; about 300 MB.
const TRANSACTIONS_MAX: usize = 50_000;

/// The transactions that have landed since the cluster was started.
#[derive(Default)]
pub(crate) struct History {
    /// Of every transaction: one that were forgotten would look as if it had never landed.
    statuses: HashMap<Signature, Status>,
    transactions: HashMap<Signature, Arc<Landed>>,
    oldest: VecDeque<Signature>,
}

/// How and where a transaction ended.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    /// Its slot.
    pub(crate) slot: u64,
    /// How it ended; None is success.
    pub(crate) error: Option<TransactionError>,
}

impl History {
    /// Remembers a transaction.
    pub(crate) fn add(&mut self, landed: Arc<Landed>) {
        let signature = landed.signature;
        self.statuses.insert(signature, Status { slot: landed.slot, error: landed.error.clone() });
        self.transactions.insert(signature, landed);
        self.oldest.push_back(signature);
        if self.oldest.len() > TRANSACTIONS_MAX
            && let Some(oldest) = self.oldest.pop_front()
        {
            self.transactions.remove(&oldest);
        }
    }

    /// Forgets transactions whose blocks were rolled back.
    pub(crate) fn forget(&mut self, signatures: &HashSet<Signature>) {
        self.statuses.retain(|signature, _| !signatures.contains(signature));
        self.transactions.retain(|signature, _| !signatures.contains(signature));
        self.oldest.retain(|signature| !signatures.contains(signature));
    }

    /// The transactions that named an account, the newest first.
    pub(crate) fn naming<'a>(&'a self, address: &'a Pubkey) -> impl Iterator<Item = &'a Arc<Landed>> {
        let newest = self.oldest.iter().rev().filter_map(|signature| self.transactions.get(signature));
        newest.filter(|landed| landed.accounts.addresses.contains(address))
    }

    /// How many transactions have landed.
    pub(crate) fn count(&self) -> usize {
        self.statuses.len()
    }

    /// Where a transaction landed; None if it has not.
    pub(crate) fn status(&self, signature: &Signature) -> Option<&Status> {
        self.statuses.get(signature)
    }

    /// A transaction that landed, unless it is too long ago.
    pub(crate) fn transaction(&self, signature: &Signature) -> Option<&Arc<Landed>> {
        self.transactions.get(signature)
    }
}
