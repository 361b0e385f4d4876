//! The one loop that moves an order.

use crate::metrics::{self, Stages};
use crate::steps::{Deadline, Steps};
use crate::worker::{Leases, Permit};
use cache::Cache;
use journal::{Appended, Claim, Orders, Unrecorded};
use order_core::order::{Event, Recorded, RetryPolicy, Step};
use order_core::{Order, Timestamp};
use service::CancellationToken;
use std::sync::Arc;
use std::time::Duration;

/// Drives claimed orders.
pub(crate) struct Driver {
    pub(crate) orders: Orders,
    pub(crate) cache: Cache,
    pub(crate) leases: Arc<Leases>,
    pub(crate) steps: Steps,
    pub(crate) retry: RetryPolicy,
    /// Time that one attempt has, up to the signature.
    pub(crate) attempt_timeout: Duration,
    /// Cancelled when attempts are broken off.
    pub(crate) abort: CancellationToken,
}

impl Driver {
    /// Moves a claimed order on until it has ended, or waits for its next attempt, or somebody else
    /// must go on: its state says what to do, what comes of it is recorded, and so on. The permit to work
    /// is given back as soon as the order waits for the chain.
    pub(crate) async fn drive(&self, claim: Claim, mut permit: Permit) {
        let claim = match self.advance(claim, &mut permit).await {
            Ok(None) => return,
            Ok(Some(claim)) => claim,
            Err(Unrecorded::Fenced) => {
                tracing::info!("another executor has the order: letting go");
                return;
            }
            Err(Unrecorded::Stopped { claim }) => {
                tracing::info!("the order was stopped before its signature: letting go");
                *claim
            }
            Err(Unrecorded::Illegal { claim, error }) => {
                tracing::error!(%error, "letting go of the order: an event could not be recorded");
                *claim
            }
            Err(Unrecorded::Journal { claim, error }) => {
                tracing::error!(%error, "letting go of the order: an event could not be recorded");
                *claim
            }
        };
        // Harmless where another has it by now.
        if let Err(error) = self.orders.release(claim).await {
            tracing::warn!(%error, "the order was not given back: its lease will run out");
        }
    }

    /// Returns the claim if it holds and this executor does not go on with the order.
    async fn advance(&self, mut claim: Claim, permit: &mut Permit) -> Result<Option<Claim>, Unrecorded> {
        let held = self.leases.hold(claim.order().id(), claim.fence());
        let mut stages = Stages::begin(claim.order(), claim.created_at());
        if let Some(event) = claim.order().interruption(&self.retry, rand::random()) {
            return self.record(claim, event, &mut stages).await;
        }
        let mut deadline = Deadline::after(self.attempt_timeout);
        loop {
            if matches!(claim.order().next_step(), Step::Land { .. }) {
                permit.wait();
            }
            let event = tokio::select! {
                biased;
                () = held.lost() => {
                    tracing::warn!("the lease was lost");
                    metrics::lease_lost();
                    None
                }
                () = self.abort.cancelled() => claim.order().interruption(&self.retry, rand::random()),
                event = self.next_event(claim.order(), &mut deadline) => event,
            };
            let Some(event) = event else { return Ok(Some(claim)) };
            match self.record(claim, event, &mut stages).await? {
                Some(held) => claim = held,
                None => return Ok(None),
            }
        }
    }

    /// Takes the order's next step; a failure of it is the end of the attempt.
    async fn next_event(&self, order: &Order, deadline: &mut Deadline) -> Option<Event> {
        let outcome = self.steps.take(order, deadline).await?;
        Some(outcome.unwrap_or_else(|failure| order.attempt_failed(failure, &self.retry, rand::random())))
    }

    /// Records an event; None if it ended the claim.
    async fn record(
        &self,
        claim: Claim,
        event: Event,
        stages: &mut Stages,
    ) -> Result<Option<Claim>, Unrecorded> {
        match self.orders.append(claim, event).await? {
            Appended::Held { claim, recorded } => {
                self.tell(claim.order(), claim.created_at(), &recorded, stages).await;
                Ok(Some(claim))
            }
            Appended::Ended { order, created_at, recorded } => {
                self.tell(&order, created_at, &recorded, stages).await;
                Ok(None)
            }
        }
    }

    /// Counts, logs and publishes a recorded event.
    async fn tell(&self, order: &Order, created_at: Timestamp, recorded: &Recorded, stages: &mut Stages) {
        metrics::recorded(order, created_at, recorded, stages);
        log(order, created_at, recorded);
        faults::effect!("publish", self.cache.publish(order.id(), recorded).await);
    }
}

/// Logs an event: those that an operator needs at `info`, so that an order takes less than a kilobyte. The others are
/// in the database, and the step that led to a signature has logged it.
fn log(order: &Order, created_at: Timestamp, recorded: &Recorded) {
    let kind = recorded.event.kind();
    let failure = order.state().failure().map(tracing::field::display);
    let Recorded { seq, attempt, at, .. } = recorded;
    if order.status().is_terminal() || matches!(recorded.event, Event::AttemptFailed { .. }) {
        let took_ms = at.signed_duration_since(created_at).num_milliseconds();
        tracing::info!(order.seq = seq, attempt, status = %order.status(), took_ms, failure, "{kind}");
    } else {
        tracing::debug!(order.seq = seq, attempt, status = %order.status(), failure, "{kind}");
    }
}
