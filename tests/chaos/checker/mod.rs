//! The invariants, whatever was done. ARCHITECTURE.md lists them by number: I15 no lock, lease or pause is left over
//! in the database; I20 no service ends by itself or panics; the others are in the files beside this one.
//!
//! The client's log says what was promised, the journal what the engine believes, the cluster's ledger
//! and balances what really happened.

mod accounts;
mod chain;
mod promises;
mod queue;
mod restored;
mod roll;
mod secrets;
mod sockets;
mod story;
#[cfg(test)]
mod tests;

pub(crate) use queue::Queue;
pub(crate) use secrets::{Secret, Writing};

use crate::log::Line;
use crate::witness::{Entry, Order};
use serde_json::Value;
use std::collections::BTreeMap;

/// The wallet's balance of each token, by symbol, in base units.
pub(crate) type Balances = BTreeMap<&'static str, i128>;

/// Everything there is to judge by.
#[derive(Debug)]
pub(crate) struct Evidence {
    pub(crate) lines: Vec<Line>,
    pub(crate) orders: BTreeMap<String, Order>,
    pub(crate) ledger: Vec<Entry>,
    pub(crate) balances_before: Balances,
    pub(crate) balances_after: Balances,
    /// Each order's updates as a gateway tells them when all is over.
    pub(crate) replays: BTreeMap<String, Vec<Value>>,
    pub(crate) queue: Queue,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) writings: Vec<Writing>,
    /// Rows that should be gone from the database and are not, in words.
    pub(crate) leftovers: Vec<String>,
    /// The orders of the database that a restored one has replaced; None if none was restored.
    pub(crate) lost: Option<BTreeMap<String, Order>>,
    /// Landed transactions that are neither in the database nor adopted by an operator.
    pub(crate) unknown: Vec<String>,
    /// Services that ended by themselves, or panicked, in words.
    pub(crate) breakdowns: Vec<String>,
}

/// Breaches of invariants, in words.
#[derive(Debug, Default)]
pub(crate) struct Violations(Vec<String>);

impl Violations {
    fn add(&mut self, text: String) {
        self.0.push(text);
    }

    fn unless(&mut self, holds: bool, text: impl FnOnce() -> String) {
        if !holds {
            self.0.push(text());
        }
    }
}

/// Every breach that the evidence shows.
pub(crate) fn check(evidence: &Evidence) -> Vec<String> {
    let mut violations = Violations::default();
    if let Some(lost) = &evidence.lost {
        // What clients were told since the backup is gone with the database that held it.
        restored::check(evidence, lost, &mut violations);
        promises::check_ends(evidence, &mut violations);
        story::check(evidence, &mut violations);
        secrets::check(evidence, &mut violations);
        accounts::check(evidence, &mut violations);
        return violations.0;
    }
    promises::check(evidence, &mut violations);
    story::check(evidence, &mut violations);
    chain::check(evidence, &mut violations);
    sockets::check(evidence, &mut violations);
    queue::check(evidence, &mut violations);
    secrets::check(evidence, &mut violations);
    accounts::check(evidence, &mut violations);
    roll::check(evidence, &mut violations);
    for text in &evidence.leftovers {
        violations.add(format!("I15 {text}"));
    }
    for text in &evidence.breakdowns {
        violations.add(format!("I20 {text}"));
    }
    violations.0
}
