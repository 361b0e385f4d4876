//! The table of everything that was tried.

use std::fmt;

/// The outcome of one thing that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// One thing that was tried.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    what: String,
    outcome: Outcome,
    seen: String,
}

impl Row {
    pub(crate) fn passed(what: &str, seen: &str) -> Self {
        Self::new(what, Outcome::Passed, seen)
    }

    pub(crate) fn failed(what: &str, seen: &str) -> Self {
        Self::new(what, Outcome::Failed, seen)
    }

    /// Something that could not be tried.
    pub(crate) fn skipped(what: &str, seen: &str) -> Self {
        Self::new(what, Outcome::Skipped, seen)
    }

    /// Passed if there are no faults.
    pub(crate) fn of(what: &str, faults: &[String], well: &str) -> Self {
        if faults.is_empty() { Self::passed(what, well) } else { Self::failed(what, &faults.join("; ")) }
    }

    fn new(what: &str, outcome: Outcome, seen: &str) -> Self {
        let row = Self { what: what.to_owned(), outcome, seen: seen.replace('\n', " ") };
        println!("{row}");
        row
    }

    pub(crate) fn is_failed(&self) -> bool {
        self.outcome == Outcome::Failed
    }
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "FAILED",
            Outcome::Skipped => "not tried",
        };
        write!(formatter, "| {} | {outcome} | {} |", self.what, self.seen)
    }
}

/// Prints the table.
pub(crate) fn print(rows: &[Row]) {
    println!("\n| real node | | seen |\n|---|---|---|");
    rows.iter().for_each(|row| println!("{row}"));
}
