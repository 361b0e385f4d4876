//! I17 while the services are replaced and nothing is broken, clients see no error but 503, and their
//! WebSockets are closed in good order, with a code that says to come again.

use super::{Evidence, Violations};
use crate::log::Line;
use std::collections::BTreeSet;

/// The order has ended, the service ends, the order was refused, and what is 503 for a request: the events
/// cannot be read just now, as when all clients of a gateway come back to the other one at once.
const CLOSED: [Option<u16>; 4] = [Some(1000), Some(1001), Some(1008), Some(1013)];

pub(super) fn check(evidence: &Evidence, violations: &mut Violations) {
    let mut rolling = false;
    // What was begun before may still feel the faults.
    let (mut asked, mut opened) = (BTreeSet::new(), BTreeSet::new());
    for line in &evidence.lines {
        match line {
            Line::RollBegins => rolling = true,
            Line::RollEnds => rolling = false,
            Line::Asked { key } if rolling => drop(asked.insert(key)),
            Line::Following { connection, .. } if rolling => drop(opened.insert(connection)),
            Line::Answered { key, status, code, .. } if asked.contains(key) => {
                violations.unless(*status < 500 && *status != 429 || *status == 503, || {
                    format!("I17 {key} was answered with {status} ({code:?}) during the rolling restart")
                });
            }
            Line::Closed { connection, code } if opened.contains(connection) => {
                violations.unless(CLOSED.contains(code), || {
                    format!("I17 connection {connection} was closed with {code:?} in the rolling restart")
                });
            }
            Line::Quoted { .. }
            | Line::Spied { .. }
            | Line::Asked { .. }
            | Line::Answered { .. }
            | Line::Following { .. }
            | Line::Frame { .. }
            | Line::Closed { .. } => {}
        }
    }
}
