//! The one loop that moves an order.

use crate::metrics;
use crate::steps::{Deadline, Steps};
use crate::worker::{Leases, Permit};
use journal::{AppendError, Claim, Journal};
use live::Live;
use order_core::order::{Event, Observation, RetryPolicy, Step};
use service::CancellationToken;
use std::sync::Arc;
use std::time::Duration;

/// Drives claimed orders.
pub(crate) struct Driver {
    pub(crate) journal: Journal,
    pub(crate) live: Live,
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
    pub(crate) async fn drive(&self, mut claim: Claim, mut permit: Permit) {
        match self.advance(&mut claim, &mut permit).await {
            Ok(true) => return,
            Ok(false) => {}
            Err(AppendError::Fenced) => tracing::info!("another executor has the order: letting go"),
            Err(error @ (AppendError::Illegal(_) | AppendError::Journal(_))) => {
                tracing::error!(%error, "letting go of the order: an event could not be recorded");
            }
        }
        // Harmless where another has it by now.
        if let Err(error) = self.journal.release(claim).await {
            tracing::warn!(%error, "the order was not given back: its lease will run out");
        }
    }

    /// Returns true if the last recorded event released the claim. The order's state alone does
    /// not say: a retry that was just claimed is in the state that the failed attempt left it in.
    async fn advance(&self, claim: &mut Claim, permit: &mut Permit) -> Result<bool, AppendError> {
        let held = self.leases.hold(claim.order().id(), claim.fence());
        if let Some(event) = claim.order().interruption(&self.retry, rand::random()) {
            return self.record(claim, event).await;
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
                outcome = self.steps.take(claim.order(), &mut deadline) => outcome.map(|outcome| {
                    let failed = |failure| claim.order().attempt_failed(failure, &self.retry, rand::random());
                    outcome.unwrap_or_else(failed)
                }),
            };
            let Some(event) = event else { return Ok(false) };
            if self.record(claim, event).await? {
                return Ok(true);
            }
        }
    }

    /// Records an event; true if it released the claim.
    async fn record(&self, claim: &mut Claim, event: Event) -> Result<bool, AppendError> {
        let recorded = self.journal.append(claim, event).await?;
        metrics::recorded(claim, &recorded);
        tracing::info!(
            order.seq = recorded.seq,
            attempt = recorded.attempt,
            status = %claim.order().status(),
            failure = claim.order().state().failure().map(tracing::field::display),
            "{}",
            recorded.event.kind()
        );
        faults::effect!("publish", self.live.publish(claim.order().id(), &recorded).await);
        Ok(gives_up(&recorded.event))
    }
}

/// True if the journal takes the claim back with this event.
fn gives_up(event: &Event) -> bool {
    match event {
        Event::AttemptFailed { .. }
        | Event::Failed { .. }
        | Event::Settled { .. }
        | Event::RolledBack { .. }
        | Event::Cancelled
        | Event::Expired
        | Event::Observed { observation: Observation::Landed { .. } } => true,
        Event::Observed { observation: Observation::Reverted { .. } | Observation::Expired }
        | Event::Accepted { .. }
        | Event::RoutingStarted { .. }
        | Event::RouteChosen { .. }
        | Event::TransactionSigned { .. }
        | Event::TransactionFound { .. } => false,
    }
}
