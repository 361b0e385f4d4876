//! The one loop that moves an order.

use crate::deadline::Deadline;
use crate::executor::Executor;
use crate::metrics;
use crate::permits::Permit;
use journal::{AppendError, Claim};
use order_core::Order;
use order_core::order::{Event, Observation, Step};
use tracing::{Instrument as _, info_span};

impl Executor {
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
        // Harmless where another has the order by now.
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
                () = self.halt.cancelled() => claim.order().interruption(&self.retry, rand::random()),
                event = self.step(claim.order(), &mut deadline) => event,
            };
            let Some(event) = event else { return Ok(false) };
            if self.record(claim, event).await? {
                return Ok(true);
            }
        }
    }

    /// Does what the order's state asks for, and says what came of it; None if that is for another
    /// executor to find out.
    async fn step(&self, order: &Order, deadline: &mut Deadline) -> Option<Event> {
        let started = tokio::time::Instant::now();
        let (step, outcome) = match order.next_step() {
            Step::Begin { attempt } => {
                *deadline = Deadline::after(self.attempt_timeout);
                ("begin", Ok(Event::RoutingStarted { attempt }))
            }
            Step::Route { min_out } => {
                let route = deadline.spend(|| self.route(order, min_out, deadline));
                let quote = route.instrument(info_span!("route", attempt = order.attempt())).await;
                ("route", quote.map(|quote| Event::RouteChosen { quote }))
            }
            Step::Sign { quote, min_out } => {
                let sign = deadline.spend(|| self.sign(order, quote, min_out));
                ("sign", sign.instrument(info_span!("sign", attempt = order.attempt())).await)
            }
            Step::Land { transaction } => {
                let land = self.land(order, transaction);
                let observation = land.instrument(info_span!("land", attempt = order.attempt())).await?;
                ("land", Ok(Event::Observed { observation }))
            }
            Step::Settle { failure } => {
                let settle = self.settle(order, failure);
                ("settle", Ok(settle.instrument(info_span!("settle", attempt = order.attempt())).await))
            }
            Step::End => return None,
        };
        metrics::step(step, started.elapsed());
        Some(outcome.unwrap_or_else(|failure| order.attempt_failed(failure, &self.retry, rand::random())))
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
