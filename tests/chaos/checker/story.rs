//! I4 legal transitions, one end, last; I5 seq without a gap; I11 fences never fall back; I12 attempts are
//! counted.

use super::{Evidence, Violations};
use crate::witness::Order;
use order_core::order::{Event, Observation};

/// The executors' default.
const ATTEMPTS: usize = 3;

pub(super) fn check(evidence: &Evidence, violations: &mut Violations) {
    for order in evidence.orders.values() {
        let id = &order.id;
        check_numbers(order, violations);
        for pair in order.events.windows(2) {
            let (one, next) = (&pair[0], &pair[1]);
            violations.unless(may_follow(&one.event, &next.event), || {
                format!(
                    "I4 order {id}: {} follows {} at seq {}",
                    next.event.kind(),
                    one.event.kind(),
                    next.seq
                )
            });
            violations.unless(one.fence <= next.fence, || {
                format!(
                    "I11 order {id}: the fence falls from {} to {} at seq {}",
                    one.fence, next.fence, next.seq
                )
            });
        }
        match order.replay() {
            Ok(replayed) => violations.unless(replayed.status().name() == order.status, || {
                format!("I5 order {id} is {}, its events say {}", order.status, replayed.status())
            }),
            Err(error) => violations.add(format!("I4 order {id}: {error:#}")),
        }
    }
}

fn check_numbers(order: &Order, violations: &mut Violations) {
    let id = &order.id;
    let seqs: Vec<u64> = order.events.iter().map(|event| event.seq).collect();
    violations.unless(seqs.iter().copied().eq(1..=order.seq), || {
        format!("I5 order {id} has seq {}, and the events {seqs:?}", order.seq)
    });
    let last_fence = order.events.last().map_or(0, |event| event.fence);
    violations.unless(last_fence <= order.fence, || {
        format!("I11 order {id} has fence {}, and an event of fence {last_fence}", order.fence)
    });
    let begun = order.events.iter().filter_map(|event| match event.event {
        Event::RoutingStarted { attempt } => Some(attempt),
        _ => None,
    });
    let begun: Vec<u32> = begun.collect();
    let expected = (1..).take(begun.len());
    violations.unless(begun.len() <= ATTEMPTS && begun.iter().copied().eq(expected), || {
        format!("I12 order {id} began the attempts {begun:?}")
    });
}

/// The rules once more, in other words than the engine's own.
fn may_follow(one: &Event, next: &Event) -> bool {
    let settles = matches!(next, Event::AttemptFailed { .. } | Event::Failed { .. });
    let stops = matches!(next, Event::Cancelled | Event::Expired);
    match one {
        Event::Accepted { .. } | Event::AttemptFailed { .. } => {
            stops || matches!(next, Event::RoutingStarted { .. } | Event::Failed { .. })
        }
        Event::RoutingStarted { .. } => settles || stops || matches!(next, Event::RouteChosen { .. }),
        Event::RouteChosen { .. } => {
            settles
                || stops
                || matches!(next, Event::TransactionSigned { .. } | Event::TransactionFound { .. })
        }
        Event::TransactionSigned { .. } | Event::TransactionFound { .. } => {
            matches!(next, Event::Observed { .. })
        }
        Event::Observed { observation: Observation::Reverted { .. } | Observation::Expired } => {
            settles || matches!(next, Event::TransactionFound { .. })
        }
        Event::Observed { observation: Observation::Landed { .. } }
        | Event::RolledBack { observation: Observation::Landed { .. } } => {
            matches!(next, Event::RolledBack { .. })
        }
        Event::RolledBack { observation: Observation::Reverted { .. } | Observation::Expired }
        | Event::Failed { .. }
        | Event::Settled { .. }
        | Event::Cancelled
        | Event::Expired => false,
    }
}
