use crate::cluster::{Advance, Bank, Cluster};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::broadcast;

/// How many blocks a subscriber may fall behind before it is cut off: what it missed is lost, and
/// it has to read the accounts anew.
const ADVANCES_KEPT: usize = 256;

/// The cluster as all connections share it.
pub(crate) struct Node {
    cluster: RwLock<Cluster>,
    advances: broadcast::Sender<Arc<Advance>>,
}

impl Node {
    /// Puts a cluster behind a lock.
    pub(crate) fn new(cluster: Cluster) -> Self {
        Self { cluster: RwLock::new(cluster), advances: broadcast::Sender::new(ADVANCES_KEPT) }
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
        let slot = advance.slot;
        // Sent under the lock, so that subscribers see the blocks in order. Nobody may listen.
        let _ = self.advances.send(Arc::new(advance));
        Ok((slot, changed))
    }
}
