//! The worker: takes as many orders as there are permits, and works on each in a task of its own.

mod bell;
mod leases;
mod permits;

pub(crate) use bell::Bell;
pub(crate) use leases::Leases;
pub(crate) use permits::{Permit, Permits};

use crate::drive::Driver;
use crate::metrics;
use journal::{Claim, Claimed, Orders};
use order_core::{AccountAddress, order};
use service::{CancellationToken, TaskTracker};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tracing::{Instrument as _, info_span};

/// The pause after the database did not answer.
const DATABASE_PAUSE: Duration = Duration::from_millis(500);

/// Orders that are looked at for each that can be taken: other executors look at the same ones.
const CANDIDATES: usize = 4;

/// Orders that this version cannot read are left to others for this long.
const UNREADABLE_FOR: Duration = Duration::from_secs(30);

/// As many of them are remembered; more are met again and again.
const UNREADABLE_MAX: usize = 1_000;

/// Takes orders and has them driven.
pub(crate) struct Worker {
    pub(crate) orders: Orders,
    pub(crate) bell: Bell,
    pub(crate) permits: Arc<Permits>,
    pub(crate) leases: Arc<Leases>,
    pub(crate) lease: Duration,
    /// Only orders that one of them signs are taken.
    pub(crate) wallets: Vec<AccountAddress>,
    pub(crate) driver: Arc<Driver>,
}

/// Orders that this version cannot read, and since when it knows.
#[derive(Debug, Default)]
struct Unreadable(HashMap<order::Id, Instant>);

impl Worker {
    /// Takes orders until `shutdown`, never more than there are free permits for, and works on each in a
    /// task of `orders`.
    pub(crate) async fn pull(mut self, shutdown: &CancellationToken, orders: &TaskTracker) {
        let mut unreadable = Unreadable::default();
        let mut more = false;
        while let Some(free) = self.permits.free(shutdown).await {
            self.bell.listen(free, more, shutdown).await;
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
        let (busy, except) = (self.permits.busy(), unreadable.ids());
        let due = self.orders.due(candidates, &busy, &self.wallets, &except).await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let claimed = faults::effect!("claim", self.orders.claim_some(&due, free, self.lease).await)?;
        let mut claims = Vec::with_capacity(claimed.len());
        for claimed in claimed {
            match claimed {
                Claimed::Order(claim) => {
                    metrics::claimed();
                    claims.push(*claim);
                }
                Claimed::Unreadable { id, reason } => {
                    metrics::unreadable();
                    tracing::error!(order.id = %id, reason, "the order is left to an executor that can read it");
                    unreadable.remember(id);
                }
            }
        }
        Ok(claims)
    }

    fn start(&self, claim: Claim, orders: &TaskTracker) {
        // The lease of an order that was claimed without a permit would have to run out.
        let Some(permit) = self.permits.take(claim.order().account()) else { return };
        let (driver, leases) = (Arc::clone(&self.driver), Arc::clone(&self.leases));
        orders.spawn(async move {
            let span = info_span!("order", order.id = %claim.order().id());
            if let Some(traceparent) = claim.traceparent() {
                service::trace::continue_from(&span, traceparent);
            }
            driver.drive(claim, permit).instrument(span).await;
            metrics::active(leases.orders().len());
        });
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
