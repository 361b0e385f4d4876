//! The steps of an attempt: each asks the outside world what the order's state needs, and says what came of it.
//! No step records anything.

mod deadline;
mod land;
mod route;
mod settle;
mod sign;

pub(crate) use deadline::Deadline;
pub(crate) use land::LandStep;
pub(crate) use route::RouteStep;
pub(crate) use settle::SettleStep;
pub(crate) use sign::{SignStep, Simulator, Survey};

use crate::metrics;
use order_core::order::{Event, Step};
use order_core::{Failure, Order};
use tracing::{Instrument as _, info_span};

/// The steps that an order can need.
pub(crate) struct Steps {
    pub(crate) route: RouteStep,
    pub(crate) sign: SignStep,
    pub(crate) land: LandStep,
    pub(crate) settle: SettleStep,
}

impl Steps {
    /// Does what the order's state asks for. Returns the event that came of it, or the failure that ends the
    /// attempt; None if that is for another executor to find out.
    pub(crate) async fn take(
        &self,
        order: &Order,
        deadline: &mut Deadline,
    ) -> Option<Result<Event, Failure>> {
        let started = tokio::time::Instant::now();
        let attempt = order.attempt();
        let (step, outcome) = match order.next_step() {
            Step::Begin { attempt } => {
                deadline.restart();
                ("begin", Ok(Event::RoutingStarted { attempt }))
            }
            Step::Route { min_out } => {
                let route = deadline.spend(|| self.route.route(order, min_out, deadline));
                let quote = route.instrument(info_span!("route", attempt)).await;
                ("route", quote.map(|quote| Event::RouteChosen { quote }))
            }
            Step::Sign { quote, min_out } => {
                let sign = deadline.spend(|| self.sign.sign(order, quote, min_out));
                ("sign", sign.instrument(info_span!("sign", attempt)).await)
            }
            Step::Land { transaction } => {
                let land = self.land.land(order, transaction);
                let observation = land.instrument(info_span!("land", attempt)).await?;
                ("land", Ok(Event::Observed { observation }))
            }
            Step::Settle { failure } => {
                let settle = self.settle.settle(order, failure);
                ("settle", settle.instrument(info_span!("settle", attempt)).await)
            }
            Step::End => return None,
        };
        metrics::step(step, started.elapsed());
        Some(outcome)
    }
}
