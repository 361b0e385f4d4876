use crate::cluster::{Block, Cluster, Commitment, Landed, QueueFull, Status};
use crate::faults::{Fate, Faults};
use crate::network::Network;
use solana_account::AccountSharedData;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use std::sync::{Arc, RwLockReadGuard};

/// One node of the cluster: a port. All know the same cluster, but each may have faults of its own.
#[derive(Clone)]
pub(crate) struct Node {
    /// The state that all nodes share.
    pub(crate) network: Arc<Network>,
    /// Its place in the list of ports, from 0.
    pub(crate) number: usize,
}

impl Node {
    /// The faults of the present, of all nodes.
    pub(crate) fn faults(&self) -> &Faults {
        &self.network.faults
    }

    /// The cluster as the node sees it now; blocks the thread while a block is being produced.
    pub(crate) fn view(&self) -> View<'_> {
        let lag = self.faults().lag(self.number);
        let ahead = self.faults().claims(self.number);
        View { cluster: self.network.read(), lag, ahead }
    }

    /// The first slot that the node's history still has, as of a view.
    pub(crate) fn first_available(&self, view: &View<'_>) -> u64 {
        let kept = self.faults().history_slots(self.number);
        kept.map_or(0, |kept| view.slot(Commitment::Processed).saturating_sub(kept))
    }

    /// True if the node's history has a slot, as of a view.
    pub(crate) fn has(&self, view: &View<'_>, slot: u64) -> bool {
        slot >= self.first_available(view) && !self.faults().lacks(self.number, slot)
    }

    /// Writes down that the node was handed a transaction.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub(crate) fn received(&self, signature: &Signature) -> anyhow::Result<()> {
        self.network.write().received(signature, service::now(), self.number)
    }

    /// Takes a transaction for a block, unless a fault loses or delays it.
    pub(crate) fn submit(
        &self,
        signature: Signature,
        transaction: VersionedTransaction,
    ) -> Result<(), QueueFull> {
        match self.faults().fate(self.number, &signature) {
            Fate::Executed => self.network.write().submit(signature, transaction, None),
            Fate::Delayed(delay) => self.network.write().submit(signature, transaction, Some(delay)),
            Fate::Dropped => Ok(()),
        }
    }
}

/// The cluster as a node sees it, which may be behind.
pub(crate) struct View<'a> {
    cluster: RwLockReadGuard<'a, Cluster>,
    lag: u64,
    ahead: u64,
}

impl View<'_> {
    /// The cluster as it is.
    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// True if the node is behind the cluster.
    pub(crate) fn lags(&self) -> bool {
        self.lag > 0
    }

    /// The newest slot that a commitment sees.
    pub(crate) fn slot(&self, commitment: Commitment) -> u64 {
        self.cluster.bank.slot_behind(commitment, self.lag)
    }

    /// The slot that the node says an answer is of.
    pub(crate) fn claimed(&self, slot: u64) -> u64 {
        slot.saturating_add(self.ahead)
    }

    /// The newest block that a commitment sees.
    pub(crate) fn block(&self, commitment: Commitment) -> Option<&Arc<Block>> {
        self.cluster.bank.block_until(self.slot(commitment))
    }

    /// An account as a commitment sees it.
    pub(crate) fn account(&self, address: &Pubkey, commitment: Commitment) -> Option<AccountSharedData> {
        self.cluster.bank.account_at(address, self.slot(commitment))
    }

    /// The same, so many slots before.
    pub(crate) fn account_before(
        &self,
        address: &Pubkey,
        commitment: Commitment,
        slots: u64,
    ) -> Option<AccountSharedData> {
        self.cluster.bank.account_at(address, self.slot(commitment).saturating_sub(slots))
    }

    /// All accounts of a program as a commitment sees them, in the order of their addresses.
    pub(crate) fn program_accounts(
        &self,
        program: &Pubkey,
        commitment: Commitment,
    ) -> Vec<(Pubkey, AccountSharedData)> {
        self.cluster.bank.program_accounts_at(program, self.slot(commitment))
    }

    /// Where a transaction landed; None if it has not, as far as the node knows.
    pub(crate) fn status(&self, signature: &Signature) -> Option<&Status> {
        let seen = self.slot(Commitment::Processed);
        self.cluster.history.status(signature).filter(|status| status.slot <= seen)
    }

    /// A transaction that landed, if a commitment sees it.
    pub(crate) fn transaction(&self, signature: &Signature, commitment: Commitment) -> Option<&Arc<Landed>> {
        let seen = self.slot(commitment);
        self.cluster.history.transaction(signature).filter(|landed| landed.slot <= seen)
    }
}
