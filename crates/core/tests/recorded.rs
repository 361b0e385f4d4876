//! Events that version 0.1 recorded are read, and written as it would have written them.
//!
//! `data/events-0.1.jsonl` has the orders of a run on the sandbox: over two hops, split over several paths, with a
//! named quote, failed after three attempts, and expired.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use order_core::order::{Event, Id, Recorded, Status};
use order_core::{Order, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

#[derive(Deserialize)]
struct Line {
    order: String,
    seq: u64,
    attempt: u32,
    at: Timestamp,
    body: Value,
}

fn lines() -> impl Iterator<Item = Line> {
    include_str!("data/events-0.1.jsonl").lines().map(|line| serde_json::from_str(line).unwrap())
}

/// The histories by order.
fn histories() -> BTreeMap<String, Vec<Recorded>> {
    let mut histories: BTreeMap<String, Vec<Recorded>> = BTreeMap::new();
    for Line { order, seq, attempt, at, body } in lines() {
        let event = serde_json::from_value(body).unwrap();
        histories.entry(order).or_default().push(Recorded { seq, attempt, event, at });
    }
    histories
}

/// The status after each event.
fn statuses(history: &[Recorded]) -> Vec<Status> {
    let after = |length| Order::replay(Id(Uuid::nil()), &history[..length]).unwrap().status();
    (1..=history.len()).map(after).collect()
}

#[test]
fn every_recorded_order_goes_through_its_states() {
    use Status::{Building, Confirmed, Expired, Failed, Pending, Routing, Submitted};
    let histories = histories();
    let confirmed = [Pending, Routing, Building, Submitted, Confirmed];
    for order in ["small", "split", "tokens", "named"] {
        assert_eq!(statuses(&histories[order]), confirmed, "{order}");
    }
    assert_eq!(statuses(&histories["poor"]), [Pending, Routing, Pending, Routing, Pending, Routing, Failed]);
    assert_eq!(statuses(&histories["expired"]), [Pending, Routing, Building, Pending, Expired]);
    assert_eq!(histories.len(), 6);
}

#[test]
fn recorded_routes_have_their_paths() {
    let paths = |order: &str| -> Vec<usize> {
        let chosen = histories()[order].iter().find_map(|recorded| match &recorded.event {
            Event::RouteChosen { quote } => Some(quote.route.clone()),
            _ => None,
        });
        chosen.unwrap().paths().iter().map(|path| path.hops().count()).collect()
    };
    assert_eq!(paths("small"), [2]);
    assert_eq!(paths("tokens"), [2]);
    assert_eq!(paths("named"), [1, 1]);
    assert_eq!(paths("split"), [1, 1, 1, 2]);
}

/// So an executor of version 0.1 reads what this version records.
#[test]
fn events_are_written_as_they_were() {
    for Line { order, seq, body, .. } in lines() {
        let event: Event = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(serde_json::to_value(&event).unwrap(), body, "{order} {seq}");
    }
}
