use journal::{Fence, Orders};
use order_core::order;
use service::CancellationToken;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// A lease is renewed this often within its length, so that two renewals in a row may fail.
const RENEWALS_PER_LEASE: u32 = 4;

/// Leases that one statement renews: it locks as many rows that their owners write to.
const RENEWED_AT_ONCE: usize = 1_000;

/// The orders that this process holds.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    held: Mutex<HashMap<order::Id, (Fence, CancellationToken)>>,
}

/// One order that is held, until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    leases: Arc<Leases>,
    id: order::Id,
    fence: Fence,
    lost: CancellationToken,
}

impl Leases {
    /// Keeps a claim's lease alive from now on.
    pub(crate) fn hold(self: &Arc<Self>, id: order::Id, fence: Fence) -> Held {
        let lost = CancellationToken::new();
        let earlier = self.lock().insert(id, (fence, lost.clone()));
        if let Some((_, earlier)) = earlier {
            // This process lost the order without noticing, and claimed it again.
            earlier.cancel();
        }
        Held { leases: Arc::clone(self), id, fence, lost }
    }

    /// The orders that are held now.
    pub(crate) fn orders(&self) -> Vec<order::Id> {
        self.lock().keys().copied().collect()
    }

    /// Renews every lease, again and again, and tells the holders of those that were lost.
    pub(crate) async fn renew(&self, orders: &Orders, lease: Duration) {
        let every = lease / RENEWALS_PER_LEASE;
        let mut ticks = interval_at(Instant::now() + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let asked: Vec<(order::Id, Fence)> =
                self.lock().iter().map(|(id, (fence, _))| (*id, *fence)).collect();
            if asked.is_empty() {
                continue;
            }
            for asked in asked.chunks(RENEWED_AT_ONCE) {
                match orders.renew(asked, lease).await {
                    Ok(kept) => self.lose(asked, &kept.into_iter().collect()),
                    // The fence protects the orders; what is lost meanwhile shows at the next renewal.
                    Err(error) => tracing::warn!(%error, "leases were not renewed"),
                }
            }
        }
    }

    fn lose(&self, asked: &[(order::Id, Fence)], kept: &HashSet<order::Id>) {
        let held = self.lock();
        for (id, fence) in asked.iter().filter(|(id, _)| !kept.contains(id)) {
            if let Some((current, lost)) = held.get(id)
                && current == fence
            {
                // Said by whoever still works on the order: it may have ended just now.
                lost.cancel();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<order::Id, (Fence, CancellationToken)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Waits until another executor has the order.
    pub(crate) async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.leases.lock();
        if held.get(&self.id).is_some_and(|(fence, _)| *fence == self.fence) {
            held.remove(&self.id);
        }
    }
}
