//! I13 what each WebSocket told is a run without gap or repetition, is what the journal holds, and has the
//! end; whoever asked, wherever and whenever, was told the same.

use super::{Evidence, Violations};
use crate::log::Line;
use serde_json::Value;
use std::collections::BTreeMap;
use system_tests::is_terminal;

/// The frames of one WebSocket.
#[derive(Debug)]
struct Run<'a> {
    order_id: &'a str,
    after: u64,
    updates: Vec<&'a Value>,
    /// The code, if it was closed in good order.
    closed: Option<Option<u16>>,
}

pub(super) fn check(evidence: &Evidence, violations: &mut Violations) {
    let runs = runs(&evidence.lines);
    let mut ends: BTreeMap<&str, bool> = BTreeMap::new();
    for (connection, run) in &runs {
        check_run(*connection, run, evidence, violations);
        *ends.entry(run.order_id).or_default() |= has_ended(run.updates.last().copied());
    }
    for (id, _) in ends.iter().filter(|(_, ended)| !**ended) {
        violations.add(format!("I13 nobody was told the end of order {id}"));
    }
    for (id, replay) in &evidence.replays {
        check_replay(id, replay, evidence, violations);
    }
}

fn runs(lines: &[Line]) -> BTreeMap<u64, Run<'_>> {
    let mut runs = BTreeMap::new();
    for line in lines {
        match line {
            Line::Following { connection, order_id, after } => {
                runs.insert(*connection, Run { order_id, after: *after, updates: Vec::new(), closed: None });
            }
            Line::Frame { connection, frame, .. } if frame["type"] == "order_update" => {
                if let Some(run) = runs.get_mut(connection) {
                    run.updates.push(frame);
                }
            }
            Line::Closed { connection, code } => {
                if let Some(run) = runs.get_mut(connection) {
                    run.closed = Some(*code);
                }
            }
            Line::Frame { .. }
            | Line::Quoted { .. }
            | Line::Asked { .. }
            | Line::Answered { .. }
            | Line::Spied { .. }
            | Line::RollBegins
            | Line::RollEnds => {}
        }
    }
    runs
}

fn check_run(connection: u64, run: &Run<'_>, evidence: &Evidence, violations: &mut Violations) {
    let id = run.order_id;
    let seqs: Vec<Option<u64>> = run.updates.iter().map(|update| update["seq"].as_u64()).collect();
    let expected = (run.after + 1..).take(seqs.len()).map(Some);
    violations.unless(seqs.iter().copied().eq(expected), || {
        format!("I13 connection {connection} on order {id} after {}: seqs {seqs:?}", run.after)
    });
    let replay = evidence.replays.get(id).map(Vec::as_slice).unwrap_or_default();
    for update in &run.updates {
        let told = replay.iter().find(|later| later["seq"] == update["seq"]);
        violations.unless(told == Some(*update), || {
            format!("I13 order {id}: connection {connection} was told {update}, later it is {told:?}")
        });
    }
    let whole = run.closed != Some(Some(1000)) || has_ended(run.updates.last().copied());
    violations.unless(whole, || {
        format!("I13 connection {connection} on order {id} was closed with 1000 before the end")
    });
}

/// The last telling against the journal.
fn check_replay(id: &str, replay: &[Value], evidence: &Evidence, violations: &mut Violations) {
    let Some(order) = evidence.orders.get(id) else { return };
    let told: Vec<(Option<u64>, Option<u64>)> =
        replay.iter().map(|update| (update["seq"].as_u64(), update["attempt"].as_u64())).collect();
    let recorded = order.events.iter().map(|event| (Some(event.seq), Some(u64::from(event.attempt))));
    violations.unless(told.iter().copied().eq(recorded), || {
        format!("I13 order {id} has {} events, and the gateway tells {told:?}", order.events.len())
    });
    let status = replay.last().and_then(|update| update["status"].as_str());
    violations.unless(status == Some(order.status.as_str()), || {
        format!("I13 order {id} is {}, and the gateway says {status:?}", order.status)
    });
}

fn has_ended(update: Option<&Value>) -> bool {
    update.is_some_and(|update| update["status"].as_str().is_some_and(is_terminal))
}
