//! I6 at most one landing, and the order says so; I7 nothing is sent that was not persisted before; I8 no
//! second signature before the chain's no; I9 the balances add up; I10 each fill keeps the order's minimum.

use super::{Balances, Evidence, Violations};
use crate::log::Line;
use crate::witness::{Entry, Moment, Order};
use order_core::order::{Event, Fill, Observation};
use order_core::token;
use serde_json::Value;
use std::collections::BTreeMap;

/// The ledger's entries of one signature.
#[derive(Debug, Default)]
struct Seen {
    /// When a node first got it.
    received: Option<Moment>,
    /// The error of each block that has it and was not abandoned.
    landed: Vec<Value>,
}

pub(super) fn check(evidence: &Evidence, violations: &mut Violations) {
    let seen = seen(&evidence.ledger);
    let known: BTreeMap<&str, &Order> = evidence
        .orders
        .values()
        .flat_map(|order| order.transactions.iter().map(move |one| (one.signature.as_str(), order)))
        .collect();
    for (signature, seen) in &seen {
        match known.get(signature) {
            Some(order) => check_write_ahead(order, signature, seen, violations),
            None if seen.received.is_some() => {
                violations.add(format!("I7 the cluster received {signature}, which the journal lacks"));
            }
            None => {}
        }
        violations.unless(seen.landed.len() <= 1, || format!("I6 {signature} landed {:?}", seen.landed));
    }
    let heights = Heights::of(&evidence.ledger);
    let mut expected = evidence.balances_before.clone();
    for order in evidence.orders.values() {
        check_landings(order, &seen, violations);
        check_replacements(order, violations);
        check_expiries(order, &heights, violations);
        check_denials(order, &seen, violations);
        check_floor(order, violations);
        add_changes(order, &mut expected);
    }
    violations.unless(expected == evidence.balances_after, || {
        let (before, after) = (&evidence.balances_before, &evidence.balances_after);
        format!("I9 the wallet had {before:?}, by its orders it has {expected:?}, by the cluster {after:?}")
    });
    let quoted = quoted(&evidence.lines);
    for (id, frames) in &evidence.replays {
        let key = evidence.orders.get(id).and_then(|order| order.key.as_deref());
        check_minimum(id, frames, key.and_then(|key| quoted.get(key)).copied(), violations);
    }
}

/// The minimum outputs that clients were quoted, by their orders' keys.
fn quoted(lines: &[Line]) -> BTreeMap<&str, &str> {
    let quoted = lines.iter().filter_map(|line| match line {
        Line::Quoted { key, minimum_output } => Some((key.as_str(), minimum_output.as_str())),
        Line::Asked { .. }
        | Line::Answered { .. }
        | Line::Following { .. }
        | Line::Frame { .. }
        | Line::Closed { .. }
        | Line::Spied { .. }
        | Line::RollBegins
        | Line::RollEnds => None,
    });
    quoted.collect()
}

fn seen(ledger: &[Entry]) -> BTreeMap<&str, Seen> {
    let mut signatures: BTreeMap<&str, Seen> = BTreeMap::new();
    for entry in ledger {
        match entry {
            Entry::Received { signature, at } => {
                let seen = signatures.entry(signature).or_default();
                seen.received.get_or_insert(at.timestamp_micros());
            }
            Entry::Landed { signature, err } => {
                signatures.entry(signature).or_default().landed.push(err.clone());
            }
            Entry::RolledBack { signature } => {
                signatures.entry(signature).or_default().landed.pop();
            }
            Entry::Finalized { .. } => {}
        }
    }
    signatures
}

fn check_write_ahead(order: &Order, signature: &str, seen: &Seen, violations: &mut Violations) {
    let persisted = order.events.iter().find_map(|event| match &event.event {
        Event::TransactionSigned { transaction } if transaction.signature.to_string() == signature => {
            Some(event.committed)
        }
        _ => None,
    });
    let before = matches!((persisted, seen.received), (Some(persisted), Some(at)) if persisted <= at);
    violations.unless(before || seen.received.is_none(), || {
        format!(
            "I7 {signature} of order {} was persisted at {persisted:?}, received at {:?}",
            order.id, seen.received
        )
    });
}

fn check_landings(order: &Order, seen: &BTreeMap<&str, Seen>, violations: &mut Violations) {
    let id = &order.id;
    let mut successes = Vec::new();
    for transaction in &order.transactions {
        let landed = seen.get(transaction.signature.as_str()).and_then(|seen| seen.landed.last());
        let state = match landed {
            Some(Value::Null) => {
                successes.push(transaction.signature.as_str());
                "landed"
            }
            Some(_) => "reverted",
            None => "expired",
        };
        violations.unless(transaction.state == state, || {
            format!(
                "I6 {} of order {id} is {}, the ledger says {state}",
                transaction.signature, transaction.state
            )
        });
    }
    let confirmed = usize::from(order.status == "confirmed");
    violations.unless(successes.len() == confirmed, || {
        format!("I6 order {id} is {}, and these landed: {successes:?}", order.status)
    });
}

fn check_replacements(order: &Order, violations: &mut Violations) {
    for pair in order.transactions.windows(2) {
        let (one, next) = (&pair[0], &pair[1]);
        let void = one.state == "reverted" || one.state == "expired";
        let settled = one.observed.is_some_and(|observed| observed <= next.signed);
        violations.unless(void && settled, || {
            format!("I8 order {}: {next:?} was signed although {one:?} might have landed", order.id)
        });
    }
}

/// Checks that an expired transaction could not land any more when the engine said so.
fn check_expiries(order: &Order, heights: &Heights, violations: &mut Violations) {
    for one in order.transactions.iter().filter(|one| one.state == "expired") {
        let height = one.observed.and_then(|observed| heights.at(observed));
        violations.unless(height.is_some_and(|height| height > one.last_valid_block_height), || {
            format!("I8 order {}: {one:?} expired when the height {height:?} was finalized", order.id)
        });
    }
}

/// No transaction that was told as expired has landed. Nodes deny landings, and some all the time.
fn check_denials(order: &Order, seen: &BTreeMap<&str, Seen>, violations: &mut Violations) {
    let mut signature = None;
    for event in &order.events {
        match &event.event {
            Event::TransactionSigned { transaction } | Event::TransactionFound { transaction } => {
                signature = Some(transaction.signature.to_string());
            }
            Event::Observed { observation: Observation::Expired } => {
                let landed = signature.as_deref().and_then(|signature| seen.get(signature));
                violations.unless(landed.is_none_or(|seen| seen.landed.is_empty()), || {
                    format!("I8 order {}: {signature:?} was told as expired, and it landed", order.id)
                });
            }
            _ => {}
        }
    }
}

/// From when on which height was finalized, in the order of time.
struct Heights(Vec<(Moment, u64)>);

impl Heights {
    fn of(ledger: &[Entry]) -> Self {
        let heights = ledger.iter().filter_map(|entry| match entry {
            Entry::Finalized { height, at } => Some((at.timestamp_micros(), *height)),
            Entry::Received { .. } | Entry::Landed { .. } | Entry::RolledBack { .. } => None,
        });
        Self(heights.collect())
    }

    /// The height that was finalized at a moment.
    fn at(&self, moment: Moment) -> Option<u64> {
        let before = self.0.partition_point(|(at, _)| *at <= moment);
        self.0[..before].last().map(|(_, height)| *height)
    }
}

fn add_changes(order: &Order, balances: &mut Balances) {
    for observation in observations(order) {
        match observation {
            Observation::Landed { fill } => {
                fill.iter().for_each(|fill| add_fill(order, fill, balances));
                if has_marker(order) {
                    add(balances, "SOL", -MARKER_RENT);
                }
            }
            Observation::Reverted { network_fee, .. } => {
                add(balances, "SOL", -i128::from(network_fee.get()));
            }
            Observation::Expired => {}
        }
    }
}

/// Observations of the order's transactions in the end: a landing that was dropped does not count.
fn observations(order: &Order) -> Vec<&Observation> {
    let mut observations = Vec::new();
    for event in &order.events {
        match &event.event {
            Event::Observed { observation } => observations.push(observation),
            Event::RolledBack { observation } => {
                observations.pop();
                observations.push(observation);
            }
            _ => {}
        }
    }
    observations
}

/// True if the order's last transaction says that it creates a marker, which then keeps its rent until every
/// transaction of the order is certainly dead.
fn has_marker(order: &Order) -> bool {
    let mut signed = order.events.iter().rev().filter_map(|event| match &event.event {
        Event::TransactionSigned { transaction } | Event::TransactionFound { transaction } => {
            Some(transaction)
        }
        _ => None,
    });
    signed.next().is_some_and(|transaction| transaction.marker.is_some())
}

fn add_fill(order: &Order, fill: &Fill, balances: &mut Balances) {
    let Some(Event::Accepted { intent, .. }) = order.events.first().map(|event| &event.event) else { return };
    add(balances, &intent.token_in().symbol, -i128::from(fill.amount_in.get()));
    add(balances, &intent.token_out().symbol, i128::from(fill.amount_out.get()));
    add(balances, "SOL", -i128::from(fill.network_fee.get()));
    add(balances, "SOL", -i128::from(fill.tip.get()));
    for left in &fill.leftovers {
        if let Some(token) = token::known().find(|token| token.mint == left.mint) {
            add(balances, &token.symbol, i128::from(left.amount.get()));
        }
    }
}

fn add(balances: &mut Balances, symbol: &str, change: i128) {
    if let Some(balance) = balances.get_mut(symbol) {
        *balance += change;
    }
}

/// The lamports that an order's marker locks.
const MARKER_RENT: i128 = 890_880;

/// The first quote fixes what every later one, and the fill, must give.
fn check_floor(order: &Order, violations: &mut Violations) {
    let Some(Event::Accepted { intent, .. }) = order.events.first().map(|event| &event.event) else { return };
    let quoted = order.events.iter().filter_map(|event| match &event.event {
        Event::RouteChosen { quote } => Some(quote.amount_out()),
        _ => None,
    });
    let filled = observations(order).into_iter().filter_map(|observation| match observation {
        Observation::Landed { fill } => fill.as_ref().map(|fill| fill.amount_out),
        Observation::Reverted { .. } | Observation::Expired => None,
    });
    let given: Vec<_> = quoted.chain(filled).collect();
    let reference = intent.reference().map(|reference| reference.amount_out).or(given.first().copied());
    let Some(floor) = reference.map(|reference| intent.max_slippage().min_out(reference)) else { return };
    violations.unless(given.iter().all(|given| *given >= floor), || {
        format!("I10 order {} accepts {floor:?} or more, and its quotes and fill are {given:?}", order.id)
    });
}

/// The minimum is fixed once, by the quote if the order names one, and the fill is not below it.
fn check_minimum(id: &str, frames: &[Value], quoted: Option<&str>, violations: &mut Violations) {
    let minimums = frames.iter().filter_map(|frame| frame["data"]["minimumOutput"].as_str());
    let mut minimums: Vec<&str> = minimums.collect();
    minimums.dedup();
    violations.unless(minimums.len() <= 1, || format!("I10 order {id} had the minimums {minimums:?}"));
    if let (Some(quoted), Some(minimum)) = (quoted, minimums.first()) {
        violations.unless(atoms(quoted) == atoms(minimum), || {
            format!("I10 order {id} has the minimum {minimum}, its quote had {quoted}")
        });
    }
    let output = frames.last().and_then(|frame| frame["data"]["executedOutput"].as_str());
    if let (Some(output), Some(minimum)) = (output, minimums.first()) {
        let enough = atoms(output) >= atoms(minimum) && atoms(minimum).is_some();
        violations.unless(enough, || format!("I10 order {id} got {output}, less than {minimum}"));
    }
}

/// No token has more decimals than this: enough to compare amounts of the same token.
fn atoms(decimal: &str) -> Option<u64> {
    order_core::Atoms::parse(decimal, 9).ok().map(order_core::Atoms::get)
}
