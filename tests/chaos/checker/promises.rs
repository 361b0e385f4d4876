//! I1 every accepted order is there once; I2 no other is; I3 each has ended; I18 a refused one is not there.

use super::{Evidence, Violations};
use crate::log::Line;
use std::collections::{BTreeMap, BTreeSet};
use system_tests::is_terminal;

/// Answers that leave open whether the order was recorded. They tell the client to ask again.
const OPEN_CODES: [&str; 4] = ["outcome_unknown", "timeout", "request_timeout", "internal"];

/// A client's knowledge of one of its keys.
#[derive(Debug, Default)]
struct Knowledge {
    asked: u32,
    answered: u32,
    /// The ids of all acceptances.
    ids: BTreeSet<String>,
    /// Some answer left it open whether there is an order.
    open: bool,
}

pub(super) fn check(evidence: &Evidence, violations: &mut Violations) {
    let keys = knowledge(&evidence.lines);
    let mut orders_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for order in evidence.orders.values() {
        match &order.key {
            Some(key) if keys.contains_key(key.as_str()) => {
                orders_of.entry(key).or_default().push(&order.id);
            }
            Some(_) | None => violations.add(format!("I2 nobody asked for order {}", order.id)),
        }
    }
    check_ends(evidence, violations);
    for (key, known) in &keys {
        let orders = orders_of.get(key).map(Vec::as_slice).unwrap_or_default();
        let expected: Vec<&str> = known.ids.iter().map(String::as_str).collect();
        if expected.is_empty() {
            // An unanswered request may have been recorded, too.
            let open = known.open || known.answered < known.asked;
            violations
                .unless(open || orders.is_empty(), || format!("I18 {key} was refused, and is {orders:?}"));
            violations.unless(orders.len() <= 1, || format!("I1 {key} is several orders: {orders:?}"));
        } else {
            violations.unless(orders == expected, || {
                format!("I1 {key} was accepted as {expected:?}, and is {orders:?}")
            });
        }
    }
}

pub(super) fn check_ends(evidence: &Evidence, violations: &mut Violations) {
    for order in evidence.orders.values() {
        violations.unless(is_terminal(&order.status), || {
            format!("I3 order {} is still {} after {} ms", order.id, order.status, order.age_ms)
        });
    }
}

fn knowledge(lines: &[Line]) -> BTreeMap<&str, Knowledge> {
    let mut keys: BTreeMap<&str, Knowledge> = BTreeMap::new();
    for line in lines {
        match line {
            Line::Asked { key } => keys.entry(key).or_default().asked += 1,
            Line::Answered { key, status, order_id, code } => {
                let known = keys.entry(key).or_default();
                known.answered += 1;
                if *status < 300 {
                    known.ids.extend(order_id.clone());
                } else {
                    known.open |= code.as_deref().is_none_or(|code| OPEN_CODES.contains(&code));
                }
            }
            Line::Quoted { .. }
            | Line::Following { .. }
            | Line::Frame { .. }
            | Line::Closed { .. }
            | Line::Spied { .. }
            | Line::RollBegins
            | Line::RollEnds => {}
        }
    }
    keys
}
