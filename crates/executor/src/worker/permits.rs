//! Permits: the bounds of the orders that this process works on, and of those that it waits for.

use order_core::AccountId;
use service::CancellationToken;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Orders that this process holds at most, those whose transactions are in flight included: each of
/// those costs a row in the landing watch and a renewal of its lease.
pub(crate) const HELD_MAX: usize = 10_000;

/// The permits to work on orders.
#[derive(Debug)]
pub(crate) struct Permits {
    work: Arc<Semaphore>,
    held: Arc<Semaphore>,
    /// How many orders of each account are worked on.
    busy: Mutex<BTreeMap<AccountId, u64>>,
}

/// One order's permit: to work on it, until it waits for the chain, and to hold it.
#[derive(Debug)]
pub(crate) struct Permit {
    permits: Arc<Permits>,
    account: AccountId,
    work: Option<OwnedSemaphorePermit>,
    _held: OwnedSemaphorePermit,
}

impl Permits {
    /// Permits for as many orders to be worked on at once.
    pub(crate) fn new(work: usize) -> Arc<Self> {
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits));
        Arc::new(Self { work: semaphore(work), held: semaphore(HELD_MAX), busy: Mutex::default() })
    }

    /// How many orders can be taken, once there is one that can; None when it is time to stop.
    pub(crate) async fn free(&self, shutdown: &CancellationToken) -> Option<usize> {
        for semaphore in [&self.held, &self.work] {
            // Given back at once: only one task takes permits.
            let permit = shutdown.run_until_cancelled(semaphore.acquire()).await;
            drop(permit?.ok()?);
        }
        (!shutdown.is_cancelled()).then(|| self.work.available_permits().min(self.held.available_permits()))
    }

    /// A permit for an order of this account; None if all are taken.
    pub(crate) fn take(self: &Arc<Self>, account: &AccountId) -> Option<Permit> {
        let held = Arc::clone(&self.held).try_acquire_owned().ok()?;
        let work = Arc::clone(&self.work).try_acquire_owned().ok()?;
        let busy = &mut *self.lock();
        let orders = busy.entry(account.clone()).or_default();
        *orders = orders.saturating_add(1);
        Some(Permit { permits: Arc::clone(self), account: account.clone(), work: Some(work), _held: held })
    }

    /// How many orders of each account are worked on.
    pub(crate) fn busy(&self) -> Vec<(AccountId, u64)> {
        self.lock().iter().map(|(account, orders)| (account.clone(), *orders)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AccountId, u64>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// The order only waits from here on: another may be worked on.
    pub(crate) fn wait(&mut self) {
        if self.work.take().is_none() {
            return;
        }
        let mut busy = self.permits.lock();
        let left = busy.get(&self.account).copied().unwrap_or_default().saturating_sub(1);
        if left == 0 {
            busy.remove(&self.account);
        } else {
            busy.insert(self.account.clone(), left);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_order_that_waits_for_the_chain_makes_room_for_another() {
        let (permits, shutdown) = (Permits::new(1), CancellationToken::new());
        let [one, two] = ["one", "two"].map(|name| name.parse::<AccountId>().unwrap());
        let mut waiting = permits.take(&one).unwrap();
        assert!(permits.take(&two).is_none());
        assert_eq!(permits.busy(), [(one.clone(), 1)]);
        waiting.wait();
        assert_eq!(permits.free(&shutdown).await, Some(1));
        let other = permits.take(&two).unwrap();
        assert_eq!(permits.busy(), [(two.clone(), 1)]);
        drop((waiting, other));
        assert_eq!(permits.busy(), []);
        shutdown.cancel();
        assert_eq!(permits.free(&shutdown).await, None);
    }
}
