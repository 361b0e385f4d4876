//! I21 an order is known to its account alone.

use super::{Evidence, Violations};
use crate::log::Line;

pub(super) fn check(evidence: &Evidence, violations: &mut Violations) {
    for line in &evidence.lines {
        if let Line::Spied { order_id, status } = line {
            violations.unless(matches!(status, 404 | 429 | 500..), || {
                format!("I21 {order_id} was asked for by another account: {status}")
            });
        }
    }
}
