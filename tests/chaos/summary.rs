//! The results of several runs, as tables in Markdown.

use crate::nemesis::Tally;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The result of a seed's run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) seed: u64,
    pub(crate) orders: usize,
    pub(crate) tally: Tally,
    pub(crate) violations: usize,
    /// The run came to no end, on a machine that others used too much.
    pub(crate) inconclusive: bool,
}

impl Outcome {
    fn faults(&self) -> usize {
        self.tally.faults.values().sum()
    }
}

/// The sums over some runs.
pub(crate) fn counts(outcomes: &[Outcome]) -> String {
    let sum = |count: fn(&Outcome) -> usize| outcomes.iter().map(count).sum::<usize>();
    let (orders, faults) = (sum(|outcome| outcome.orders), sum(Outcome::faults));
    let violations = sum(|outcome| outcome.violations);
    let counts = format!("orders={orders} faults={faults} violations={violations}");
    match sum(|outcome| usize::from(outcome.inconclusive)) {
        0 => counts,
        inconclusive => format!("{counts} inconclusive={inconclusive}"),
    }
}

/// A line for each seed, and a line for each kind of fault.
pub(crate) fn table(outcomes: &[Outcome]) -> String {
    let mut text = String::from("\n| seed | orders | faults | violations |\n|---|---|---|---|\n");
    for outcome in outcomes {
        let Outcome { seed, orders, violations, inconclusive, .. } = outcome;
        let note = if *inconclusive { ", inconclusive" } else { "" };
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {seed} | {orders} | {} | {violations}{note} |", outcome.faults());
    }
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for (kind, count) in outcomes.iter().flat_map(|outcome| &outcome.tally.faults) {
        *kinds.entry(kind).or_default() += count;
    }
    text.push_str("\n| fault | times |\n|---|---|\n");
    for (kind, count) in kinds {
        let _ = writeln!(text, "| {kind} | {count} |");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(seed: u64, faults: &[(&str, usize)], violations: usize) -> Outcome {
        let faults = faults.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect();
        let tally = Tally { faults, ..Tally::default() };
        Outcome { seed, orders: 10, tally, violations, inconclusive: false }
    }

    #[test]
    fn runs_are_added_up_by_seed_and_by_kind() {
        let outcomes = [outcome(1, &[("a", 1), ("b", 2)], 0), outcome(2, &[("b", 3)], 1)];
        assert_eq!(counts(&outcomes), "orders=20 faults=6 violations=1");
        let expected = "
| seed | orders | faults | violations |
|---|---|---|---|
| 1 | 10 | 3 | 0 |
| 2 | 10 | 3 | 1 |

| fault | times |
|---|---|
| a | 1 |
| b | 5 |
";
        assert_eq!(table(&outcomes), expected);
    }
    #[test]
    fn a_run_without_a_verdict_is_told_apart_from_one_without_violations() {
        let outcomes = [Outcome { inconclusive: true, ..outcome(7, &[], 0) }];
        assert_eq!(counts(&outcomes), "orders=10 faults=0 violations=0 inconclusive=1");
        assert!(table(&outcomes).contains("| 7 | 10 | 0 | 0, inconclusive |"));
    }
}
