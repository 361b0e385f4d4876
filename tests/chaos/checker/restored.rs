//! After a restore from a backup: what was answered since the backup is gone, and yet I6 no order swaps twice, I7
//! nothing was sent that neither database had, I19 landings that the restored one lacks were told to an operator.

use super::{Evidence, Violations};
use crate::restore::landed;
use crate::witness::Order;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(evidence: &Evidence, lost: &BTreeMap<String, Order>, violations: &mut Violations) {
    let landed = landed(&evidence.ledger);
    let mut orders_of: BTreeMap<&str, &str> = BTreeMap::new();
    for order in lost.values().chain(evidence.orders.values()) {
        for transaction in &order.transactions {
            orders_of.insert(&transaction.signature, &order.id);
        }
    }
    let mut swaps: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for signature in &landed {
        match orders_of.get(signature.as_str()) {
            Some(order) => {
                swaps.entry(order).or_default().insert(signature);
            }
            None => violations.add(format!("I7 {signature} landed, and neither database had it")),
        }
    }
    for (order, swaps) in swaps {
        violations.unless(swaps.len() <= 1, || format!("I6 order {order} swapped by {swaps:?}"));
    }
    for order in evidence.orders.values() {
        let by = order.transactions.iter().find(|transaction| landed.contains(&transaction.signature));
        violations.unless(by.is_none() || order.status == "confirmed", || {
            format!("I6 order {} is {}, and {by:?} landed", order.id, order.status)
        });
    }
    for signature in &evidence.unknown {
        violations.add(format!("I19 {signature} landed, and no operator was told"));
    }
}
