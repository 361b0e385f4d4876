use crate::cluster::{Abandoned, Advance, Bank, Cluster};
use crate::faults::Faults;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::broadcast;

/// How many blocks a subscriber may fall behind before it is cut off: what it missed is lost, and
/// it has to read the accounts anew.
const ADVANCES_KEPT: usize = 256;

/// The cluster as all nodes share it.
pub(crate) struct Network {
    cluster: RwLock<Cluster>,
    advances: broadcast::Sender<Arc<Advance>>,
    /// The faults of the present.
    pub(crate) faults: Faults,
}

impl Network {
    /// Puts a cluster behind a lock.
    pub(crate) fn new(cluster: Cluster) -> Self {
        Self {
            cluster: RwLock::new(cluster),
            advances: broadcast::Sender::new(ADVANCES_KEPT),
            faults: Faults::default(),
        }
    }

    /// For looking; blocks the thread while a block is being produced.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Cluster> {
        self.cluster.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For handing in transactions; blocks the thread while anybody looks.
    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Cluster> {
        self.cluster.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each block from now on.
    pub(crate) fn advances(&self) -> broadcast::Receiver<Arc<Advance>> {
        self.advances.subscribe()
    }

    /// Produces the next block, which begins with `change`, and tells the subscribers. Answers
    /// with the block's slot too.
    ///
    /// # Errors
    /// See [`Cluster::advance`].
    pub(crate) fn advance<T>(
        &self,
        change: impl FnOnce(&mut Bank) -> anyhow::Result<T>,
    ) -> anyhow::Result<(u64, T)> {
        let mut cluster = self.write();
        let (advance, changed) = cluster.advance(service::now(), change)?;
        Ok((self.tell(advance), changed))
    }

    /// Lets every blockhash expire and tells the subscribers of the blocks that it takes. Answers
    /// with the newest slot.
    ///
    /// # Errors
    /// See [`Cluster::expire_blockhashes`].
    pub(crate) fn expire_blockhashes(&self) -> anyhow::Result<u64> {
        let mut cluster = self.write();
        let advances = cluster.expire_blockhashes(service::now())?;
        Ok(advances.into_iter().map(|advance| self.tell(advance)).max().unwrap_or_default())
    }

    /// Gives up a fork and tells the subscribers of the first block of the other one, with whose
    /// slot it answers.
    ///
    /// # Errors
    /// See [`Cluster::roll_back`].
    pub(crate) fn roll_back(&self, slots: u64, again: Option<u64>) -> anyhow::Result<(u64, Abandoned)> {
        let mut cluster = self.write();
        let (advance, abandoned) = cluster.roll_back(service::now(), slots, again)?;
        Ok((self.tell(advance), abandoned))
    }

    /// To be called under the lock, so that subscribers see the blocks in order.
    fn tell(&self, advance: Advance) -> u64 {
        let slot = advance.slot;
        // Nobody may listen.
        let _ = self.advances.send(Arc::new(advance));
        slot
    }
}
