//! The stages of an order, each from one event to the next.

use order_core::Timestamp;
use order_core::order::{Event, Order, Recorded};
use std::time::Duration;

/// Measures the stages of one claimed order by the database's clock.
#[derive(Debug)]
pub(crate) struct Stages {
    /// The latest event; None until one was recorded under this claim, unless that is the acceptance.
    latest: Option<Timestamp>,
}

impl Stages {
    /// Begins with a claimed order.
    pub(crate) fn begin(order: &Order, accepted_at: Timestamp) -> Self {
        Self { latest: (order.seq() == 1).then_some(accepted_at) }
    }

    /// The stage that a recorded event ends, and its time; None if that is no stage or began under another claim.
    pub(super) fn pass(&mut self, recorded: &Recorded) -> Option<(&'static str, Duration)> {
        let latest = self.latest.replace(recorded.at);
        let stage = match &recorded.event {
            // Later attempts begin after a pause.
            Event::RoutingStarted { attempt: 1 } => "claimed",
            Event::RouteChosen { .. } => "routed",
            Event::TransactionSigned { .. } => "signed",
            Event::Observed { .. } => "landed",
            Event::Accepted { .. }
            | Event::RoutingStarted { .. }
            | Event::TransactionFound { .. }
            | Event::Settled { .. }
            | Event::RolledBack { .. }
            | Event::AttemptFailed { .. }
            | Event::Failed { .. }
            | Event::Cancelled
            | Event::Expired => return None,
        };
        Some((stage, recorded.at.signed_duration_since(latest?).to_std().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use order_core::order::Observation;

    fn at(milliseconds: i64, event: Event) -> Recorded {
        let at = Timestamp::from_timestamp_millis(milliseconds).unwrap();
        Recorded { seq: 2, attempt: 1, event, at }
    }

    #[test]
    fn a_stage_is_the_time_from_the_event_before() {
        let mut stages = Stages { latest: Timestamp::from_timestamp_millis(1_000) };
        let passed = stages.pass(&at(1_020, Event::RoutingStarted { attempt: 1 }));
        assert_eq!(passed, Some(("claimed", Duration::from_millis(20))));
        assert_eq!(stages.pass(&at(1_030, Event::Expired)), None);
        let landed = at(1_500, Event::Observed { observation: Observation::Expired });
        assert_eq!(stages.pass(&landed), Some(("landed", Duration::from_millis(470))));
        // The clock was set back.
        assert_eq!(stages.pass(&landed).unwrap().1, Duration::ZERO);
    }

    #[test]
    fn a_stage_that_began_under_another_claim_has_no_time() {
        let mut stages = Stages { latest: None };
        let landed = at(1_500, Event::Observed { observation: Observation::Expired });
        assert_eq!(stages.pass(&landed), None);
        assert!(stages.pass(&landed).is_some());
    }

    #[test]
    fn an_attempt_after_a_pause_is_no_stage() {
        let mut stages = Stages { latest: Timestamp::from_timestamp_millis(1_000) };
        assert_eq!(stages.pass(&at(3_000, Event::RoutingStarted { attempt: 2 })), None);
    }
}
