//! The measurements as a table for people and as JSON for programs.

use crate::machine::Machine;
use crate::usage::{Kind, Usage};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;
use system_tests::Times;

/// One load of a series.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) series: &'static str,
    pub(crate) setting: String,
    /// Time from the first request to the end of the last.
    pub(crate) length: Duration,
    pub(crate) times: Times,
    pub(crate) refusals: Vec<String>,
    /// Processor time from the first request to the end of the last.
    pub(crate) usage: Usage<Duration>,
    /// Memory at the end, in kB, where it is measured.
    pub(crate) memory: Usage<u64>,
}

/// A row in numbers, as JSON has it. Times are in microseconds.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Figures {
    /// The revision that was measured.
    pub(crate) build: String,
    pub(crate) round: usize,
    pub(crate) series: &'static str,
    pub(crate) setting: String,
    pub(crate) count: usize,
    pub(crate) refused: usize,
    pub(crate) per_second: u64,
    /// None if nothing was timed.
    pub(crate) latency_us: Option<Latency>,
    /// Processor time by kind of process, for each that was counted.
    pub(crate) processor_us: BTreeMap<Kind, u64>,
    pub(crate) memory_kb: BTreeMap<Kind, u64>,
}

/// Times within which so many of a thousand were answered.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
}

/// All that a run has measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) rows: Vec<Figures>,
}

impl Row {
    /// Its numbers, of a build in a round.
    pub(crate) fn figures(&self, build: &str, round: usize) -> Figures {
        let count = self.times.count();
        let each = |time: Duration| micros(time) / u64::try_from(count.max(1)).unwrap_or(u64::MAX);
        let latency = Latency {
            p50: micros(self.times.per_mille(500)),
            p99: micros(self.times.per_mille(990)),
            p999: micros(self.times.per_mille(999)),
        };
        Figures {
            build: build.to_owned(),
            round,
            series: self.series,
            setting: self.setting.clone(),
            count,
            refused: self.refusals.len(),
            per_second: per_second(count, self.length),
            latency_us: (count > 0).then_some(latency),
            processor_us: self.usage.0.iter().map(|(kind, time)| (*kind, each(*time))).collect(),
            memory_kb: self.memory.0.clone(),
        }
    }
}

impl Figures {
    /// Processor time of what an operator runs, for each that was counted.
    pub(crate) fn engine_us(&self) -> u64 {
        self.processor_us.iter().filter(|(kind, _)| kind.is_engine()).map(|(_, time)| time).sum()
    }

    fn is_memory(&self) -> bool {
        !self.memory_kb.is_empty()
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn per_second(count: usize, length: Duration) -> u64 {
    let count = u128::try_from(count).unwrap_or(u128::MAX);
    u64::try_from(count.saturating_mul(1_000_000) / length.as_micros().max(1)).unwrap_or(u64::MAX)
}

/// Microseconds as milliseconds with two decimals.
pub(crate) fn milliseconds(micros: u64) -> String {
    let hundredths = micros.saturating_add(5) / 10;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

impl Report {
    /// The tables, in Markdown.
    pub(crate) fn tables(&self) -> String {
        let mut text = format!("{}\n\n", self.machine);
        let kinds = Kind::ALL.map(Kind::name).join(" | ");
        _ = writeln!(text, "Milliseconds of processor time for each order, quote or event:\n");
        _ = writeln!(
            text,
            "| build | series | load | count | refused | per second | p50 / p99 / p99.9, ms | {kinds} | engine |"
        );
        _ = writeln!(text, "|{}", "---|".repeat(8 + Kind::ALL.len()));
        for row in self.rows.iter().filter(|row| row.count > 0) {
            _ = writeln!(text, "{}", time_row(row));
        }
        if self.rows.iter().any(Figures::is_memory) {
            _ = writeln!(text, "\nMegabytes of memory:\n\n| build | load | {kinds} |");
            _ = writeln!(text, "|{}", "---|".repeat(2 + Kind::ALL.len()));
            for row in self.rows.iter().filter(|row| row.is_memory()) {
                let cells = Kind::ALL.map(|kind| megabytes(row.memory_kb.get(&kind).copied()));
                _ = writeln!(text, "| {} | {} | {} |", row.build, row.setting, cells.join(" | "));
            }
        }
        text
    }
}

fn time_row(row: &Figures) -> String {
    let Figures { build, series, setting, count, refused, per_second, latency_us, .. } = row;
    let latency = latency_us.map_or_else(String::new, |Latency { p50, p99, p999 }| {
        [p50, p99, p999].map(milliseconds).join(" / ")
    });
    let cells =
        Kind::ALL.map(|kind| row.processor_us.get(&kind).copied().map(milliseconds).unwrap_or_default());
    format!(
        "| {build} | {series} | {setting} | {count} | {refused} | {per_second} | {latency} | {} | {} |",
        cells.join(" | "),
        milliseconds(row.engine_us())
    )
}

fn megabytes(kb: Option<u64>) -> String {
    kb.map(|kb| format!("{}", kb.div_ceil(1_024))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            series: "accept",
            setting: "10 connections".to_owned(),
            length: Duration::from_secs(2),
            times: (1..=1_000).map(Duration::from_micros).collect(),
            refusals: vec!["429".to_owned()],
            usage: Usage(
                [(Kind::Gateway, Duration::from_secs(1)), (Kind::Load, Duration::from_secs(3))].into(),
            ),
            memory: Usage::default(),
        }
    }

    #[test]
    fn figures_are_for_each_that_was_counted() {
        let figures = row().figures("this", 1);
        assert_eq!((figures.count, figures.refused, figures.per_second), (1_000, 1, 500));
        assert_eq!(figures.processor_us[&Kind::Gateway], 1_000);
        assert_eq!(figures.engine_us(), 1_000, "the load is not the engine's");
        assert_eq!(figures.latency_us.map(|latency| latency.p999), Some(999));
    }

    #[test]
    fn nothing_timed_is_no_latency() {
        let figures = Row { times: Times::default(), ..row() }.figures("this", 1);
        assert!(figures.latency_us.is_none());
    }

    #[test]
    fn milliseconds_are_rounded_to_two_decimals() {
        assert_eq!([4, 5, 12_345].map(milliseconds), ["0.00", "0.01", "12.35"]);
    }
}
