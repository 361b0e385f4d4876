//! I14 the queue is empty, but for what a server that was killed has forgotten of it, and nothing was parked
//! but what nobody could work on.

use super::{Evidence, Violations};
use crate::nemesis::POISON;
use system_tests::is_terminal;

/// The messages that are left on the queue, and those that are parked.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// The texts of the messages.
    pub(crate) messages: Vec<String>,
    /// How many of them would still be given to an executor, or be given again.
    pub(crate) deliverable: u64,
    /// True if NATS was killed. It writes down what was acknowledged and what was removed in two places,
    /// and neither at once: after a kill it may hold messages that it takes for acknowledged.
    pub(crate) killed: bool,
    /// The messages that were parked for the operator.
    pub(crate) parked: Vec<String>,
}

pub(super) fn check(evidence: &Evidence, violations: &mut Violations) {
    let Queue { messages, deliverable, killed, parked } = &evidence.queue;
    violations.unless(*deliverable == 0, || format!("I14 {deliverable} messages are still to be delivered"));
    for message in messages {
        let ended = evidence.orders.get(message).is_some_and(|order| is_terminal(&order.status));
        violations.unless(ended && *killed, || format!("I14 `{message}` is left on the queue"));
    }
    for message in parked.iter().filter(|message| *message != POISON) {
        violations.add(format!("I14 `{message}` was parked"));
    }
}
