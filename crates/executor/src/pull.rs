use crate::executor::Executor;
use crate::metrics;
use journal::{Claim, Claimed, Delivery};
use order_core::order;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, info_span};

/// How long an idle executor waits to be rung before it looks for orders by itself. A stop takes no
/// longer to be noticed.
const LOOK_EVERY: Duration = Duration::from_millis(800);

/// While there are more orders than permits, the queue is only emptied of what was rung for them.
const NO_WAIT: Duration = Duration::from_millis(1);

/// How long a queue that has failed is not asked again while there is work.
const QUEUE_PAUSE: Duration = Duration::from_secs(5);

/// The pause after the database did not answer.
const DATABASE_PAUSE: Duration = Duration::from_millis(500);

/// How many calls must fail in a row before it is worth a line in the log.
const FAILURES_TO_MENTION: u32 = 3;

/// Orders that are looked at for each that can be taken: other executors look at the same ones.
const CANDIDATES: usize = 4;

/// Orders that this version cannot read are left to others for this long.
const UNREADABLE_FOR: Duration = Duration::from_secs(30);

/// As many of them are remembered; more are met again and again.
const UNREADABLE_MAX: usize = 1_000;

/// The queue, which only rings: what there is to do is in the journal.
#[derive(Debug, Default)]
struct Bell {
    failures: u32,
    failed_at: Option<Instant>,
}

/// Orders that this version cannot read, and since when it knows.
#[derive(Debug, Default)]
struct Unreadable(HashMap<order::Id, Instant>);

impl Executor {
    /// Takes orders until `shutdown`, never more than there are free permits for, and works on each in a
    /// task of `orders`.
    pub(crate) async fn pull(self: &Arc<Self>, shutdown: &CancellationToken, orders: &TaskTracker) {
        let (mut bell, mut unreadable) = (Bell::default(), Unreadable::default());
        let mut more = false;
        while let Some(free) = self.permits.free(shutdown).await {
            let rung = bell.listen(self, free, more, shutdown).await;
            let looks_by_itself = faults::defect!("publish_without_sweep", false, instead of true);
            if !rung && !looks_by_itself {
                continue;
            }
            match self.take(free, &mut unreadable).await {
                Ok(claims) => {
                    more = claims.len() >= free;
                    for claim in claims {
                        self.start(claim, orders);
                    }
                }
                Err(error) => {
                    more = false;
                    tracing::warn!(%error, "no orders were taken; trying again until the database is back");
                    shutdown.run_until_cancelled(sleep(DATABASE_PAUSE)).await;
                }
            }
        }
    }

    /// Claims up to `free` orders that are due.
    async fn take(&self, free: usize, unreadable: &mut Unreadable) -> Result<Vec<Claim>, journal::Error> {
        let candidates = free.saturating_mul(CANDIDATES);
        let due = self.journal.orders.due(candidates, &self.permits.busy(), &unreadable.ids()).await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let claimed = faults::effect!("claim", self.journal.orders.claim_some(&due, free, self.lease).await)?;
        let mut claims = Vec::with_capacity(claimed.len());
        for claimed in claimed {
            match claimed {
                Claimed::Order(claim) => claims.push(*claim),
                Claimed::Unreadable { id, reason } => {
                    metrics::unreadable();
                    tracing::error!(order.id = %id, reason, "the order is left to an executor that can read it");
                    unreadable.remember(id);
                }
            }
        }
        Ok(claims)
    }

    fn start(self: &Arc<Self>, claim: Claim, orders: &TaskTracker) {
        // The lease of an order that was claimed without a permit would have to run out.
        let Some(permit) = self.permits.take(claim.owner()) else { return };
        let executor = Arc::clone(self);
        orders.spawn(async move {
            let span = info_span!("order", order.id = %claim.order().id());
            if let Some(traceparent) = claim.traceparent() {
                service::trace::continue_from(&span, traceparent);
            }
            executor.drive(claim, permit).instrument(span).await;
            metrics::active(executor.leases.orders().len());
        });
    }

    /// Takes messages off the queue. What names no order that there is, is parked.
    async fn heard(&self, deliveries: Vec<Delivery>) {
        let ids: Vec<order::Id> = deliveries.iter().filter_map(|delivery| delivery.order_id).collect();
        let known = match self.journal.orders.known(&ids).await {
            Ok(known) => known,
            // They come again.
            Err(error) => return tracing::warn!(%error, "messages were not looked at"),
        };
        for delivery in deliveries {
            match delivery.order_id {
                None => self.park(delivery, "it names no order").await,
                Some(id) if !known.contains(&id) => {
                    self.park(delivery, "it names an order that does not exist").await;
                }
                Some(id) => {
                    if let Err(error) = faults::effect!("acknowledge", delivery.acknowledge().await) {
                        tracing::debug!(order.id = %id, %error, "a message was not acknowledged: it comes again");
                    }
                }
            }
        }
    }

    async fn park(&self, delivery: Delivery, reason: &str) {
        if let Err(error) = self.journal.parked.park(delivery, reason).await {
            tracing::warn!(reason, %error, "a message was not parked: it comes again");
        }
    }
}

impl Bell {
    /// Waits until it is rung, or it is time to look; not at all if there is `more` to do anyway. Takes
    /// up to `max` messages off the queue. Whether it was rung.
    async fn listen(
        &mut self,
        executor: &Executor,
        max: usize,
        more: bool,
        shutdown: &CancellationToken,
    ) -> bool {
        if more && self.failed_at.is_some_and(|failed| failed.elapsed() < QUEUE_PAUSE) {
            return false;
        }
        let wait = if more { NO_WAIT } else { LOOK_EVERY };
        // Not cancelled by the shutdown: a message that is just then on its way would be late.
        match executor.queue.next(max, wait).await {
            Ok(deliveries) => {
                *self = Self::default();
                let rung = !deliveries.is_empty();
                if rung {
                    executor.heard(deliveries).await;
                }
                rung
            }
            Err(error) => {
                self.failed_at = Some(Instant::now());
                self.failures = self.failures.saturating_add(1);
                // Said once, and not while the first connection is being made.
                if self.failures == FAILURES_TO_MENTION {
                    tracing::warn!(%error, "the queue does not ring; orders are looked for until it is back");
                }
                if !more {
                    shutdown.run_until_cancelled(sleep(LOOK_EVERY)).await;
                }
                false
            }
        }
    }
}

impl Unreadable {
    fn remember(&mut self, id: order::Id) {
        if self.0.len() < UNREADABLE_MAX {
            self.0.insert(id, Instant::now());
        }
    }

    fn ids(&mut self) -> Vec<order::Id> {
        self.0.retain(|_, since| since.elapsed() < UNREADABLE_FOR);
        self.0.keys().copied().collect()
    }
}
