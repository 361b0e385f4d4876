//! The one loop that moves an order.

use crate::deadline::Deadline;
use crate::executor::Executor;
use crate::metrics;
use crate::permits::Permit;
use journal::{Appended, Claim, Unrecorded};
use order_core::order::{Event, Recorded, Step};
use order_core::{Order, Timestamp};
use tracing::{Instrument as _, info_span};

impl Executor {
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
        // Harmless where another has the order by now.
        if let Err(error) = self.journal.orders.release(claim).await {
            tracing::warn!(%error, "the order was not given back: its lease will run out");
        }
    }

    /// Returns the claim if it holds and this executor does not go on with the order.
    async fn advance(&self, claim: Claim, permit: &mut Permit) -> Result<Option<Claim>, Unrecorded> {
        let mut claim = claim;
        let held = self.leases.hold(claim.order().id(), claim.fence());
        if let Some(event) = claim.order().interruption(&self.retry, rand::random()) {
            return self.record(claim, event).await;
        }
        let mut deadline = Deadline::after(self.attempt_timeout);
        loop {
            if matches!(claim.order().next_step(), Step::Land { .. }) {
                faults::defect!("permit_held", {}, instead of permit.wait());
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
            let Some(event) = event else { return Ok(Some(claim)) };
            match self.record(claim, event).await? {
                Some(held) => claim = held,
                None => return Ok(None),
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

    /// Records an event; None if it ended the claim.
    async fn record(&self, claim: Claim, event: Event) -> Result<Option<Claim>, Unrecorded> {
        match self.journal.orders.append(claim, event).await? {
            Appended::Held { claim, recorded } => {
                self.tell(claim.order(), claim.created_at(), &recorded).await;
                Ok(Some(claim))
            }
            Appended::Ended { order, created_at, recorded } => {
                self.tell(&order, created_at, &recorded).await;
                Ok(None)
            }
        }
    }

    /// Counts, logs and publishes a recorded event.
    async fn tell(&self, order: &Order, created_at: Timestamp, recorded: &Recorded) {
        metrics::recorded(order, created_at, recorded);
        tracing::info!(
            order.seq = recorded.seq,
            attempt = recorded.attempt,
            status = %order.status(),
            failure = order.state().failure().map(tracing::field::display),
            "{}",
            recorded.event.kind()
        );
        faults::effect!("publish", self.live.publish(order.id(), recorded).await);
    }
}
