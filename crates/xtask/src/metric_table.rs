//! The metrics that the services declare, read from each crate's `metrics.rs`, as the table in `deploy/METRICS.md`.

use crate::workspace;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};

/// The document with the table.
const DOCUMENT: &str = "deploy/METRICS.md";

/// The lines around the table.
const BEGIN: &str = "<!-- metrics: written by `cargo xtask configuration` -->\n";
const END: &str = "<!-- end of the metrics -->\n";

/// The file of a crate that alone names metrics.
const FILE: &str = "metrics.rs";

/// Units of metrics, each with its ending of a name before `_total`. Amounts of tokens and prices have none other.
const UNITS: [(&str, &str); 8] = [
    ("_seconds", "seconds"),
    ("_bytes", "bytes"),
    ("_lamports", "lamports"),
    ("_usd", "US dollars"),
    ("_bps", "hundredths of a percent"),
    ("_items", "items"),
    ("_up", "0 or 1"),
    ("_info", "always 1"),
];

/// The kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Counter, Self::Gauge, Self::Histogram];

    /// The name, as in the macros that describe and record.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric as its crate describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// The crate that records it.
    pub of: String,
    /// The name, as Prometheus shows it.
    pub name: String,
    /// The kind.
    pub kind: Kind,
    /// The meaning.
    pub meaning: String,
}

impl Metric {
    /// The unit that the name ends with; None if it counts things.
    pub fn unit(&self) -> Option<&'static str> {
        let name = self.name.trim_end_matches("_total");
        UNITS.into_iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, unit)| unit)
    }
}

/// A crate's `metrics.rs`: the metrics that it describes, and the names that it records.
#[derive(Debug)]
pub struct Declarations {
    /// The file, from the top of the project.
    pub path: String,
    /// The described metrics, in their order.
    pub described: Vec<Metric>,
    /// The recorded ones by kind and name.
    pub recorded: Vec<(Kind, String)>,
}

/// The declarations of all crates.
///
/// # Errors
/// A source cannot be read.
pub fn declarations() -> Result<Vec<Declarations>> {
    let root = workspace::root();
    let mut files = Vec::new();
    collect(&root.join("crates"), &mut files)?;
    files.sort();
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let path = path.strip_prefix(&root).unwrap_or(path).to_string_lossy().into_owned();
        let of = path.split('/').nth(1).unwrap_or_default().to_owned();
        Ok(Declarations { described: described(&of, &text), recorded: recorded(&text), path })
    };
    files.iter().map(read).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry.context("reading a folder of the sources")?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.file_name().is_some_and(|name| name == FILE) {
            files.push(path);
        }
    }
    Ok(())
}

fn described(of: &str, text: &str) -> Vec<Metric> {
    let mut found: Vec<(usize, Metric)> = Vec::new();
    for kind in Kind::ALL {
        let mark = format!("describe_{}!(", kind.name());
        for (at, _) in text.match_indices(&mark) {
            let rest = text.get(at..).unwrap_or_default();
            let Some((name, rest)) = literal(rest) else { continue };
            let Some((meaning, _)) = literal(rest) else { continue };
            found.push((at, Metric { of: of.to_owned(), name, kind, meaning }));
        }
    }
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, metric)| metric).collect()
}

fn recorded(text: &str) -> Vec<(Kind, String)> {
    let mut found = Vec::new();
    for kind in Kind::ALL {
        let mark = format!("{}!(", kind.name());
        for (at, _) in text.match_indices(&mark) {
            let (before, rest) = text.split_at(at);
            if !before.ends_with('_') {
                found.extend(literal(rest).map(|(name, _)| (kind, name)));
            }
        }
    }
    found
}

/// The first string literal of a text, and the text after it. A backslash at the end of a line joins it to the next.
fn literal(text: &str) -> Option<(String, &str)> {
    let (_, rest) = text.split_once('"')?;
    let (content, rest) = rest.split_once('"')?;
    let mut lines = content.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    Some((lines.fold(first, |joined, line| joined + line.trim_start()), rest))
}

/// Replaces the table in the document.
///
/// # Errors
/// The document has no place for the table.
pub fn write() -> Result<()> {
    let document = read()?;
    let (before, rest) = document.split_once(BEGIN).context("the document has no place for the table")?;
    let (_, after) = rest.split_once(END).context("the place for the table has no end")?;
    let path = workspace::root().join(DOCUMENT);
    std::fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", table()?))
        .with_context(|| format!("writing {}", path.display()))
}

/// Checks that the document has the table of the metrics as they are.
///
/// # Errors
/// It has not.
pub fn check() -> Result<()> {
    ensure!(read()?.contains(&table()?), "{DOCUMENT} is out of date: run `cargo xtask configuration`");
    Ok(())
}

fn read() -> Result<String> {
    let path = workspace::root().join(DOCUMENT);
    std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
}

fn table() -> Result<String> {
    let mut table = "| Metric | Of | Kind | Unit | Meaning |\n|---|---|---|---|---|\n".to_owned();
    for metric in declarations()?.iter().flat_map(|declarations| &declarations.described) {
        let (unit, kind) = (metric.unit().unwrap_or_default(), metric.kind.name());
        let Metric { of, name, meaning, .. } = metric;
        table.push_str(&format!("| `{name}` | {of} | {kind} | {unit} | {meaning} |\n"));
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_read() {
        let text = r#"
    describe_counter!("orders_total", "Orders, by \
        status.");
    describe_histogram!(
        "orders_seconds",
        "Time of an order."
    );
    metrics::counter!("orders_total", "status" => status).increment(1);
    histogram!("orders_seconds").record(took);
"#;
        let metric = |name: &str, kind, meaning: &str| Metric {
            of: "executor".to_owned(),
            name: name.to_owned(),
            kind,
            meaning: meaning.to_owned(),
        };
        let counter = metric("orders_total", Kind::Counter, "Orders, by status.");
        let histogram = metric("orders_seconds", Kind::Histogram, "Time of an order.");
        assert_eq!((counter.unit(), histogram.unit()), (None, Some("seconds")));
        assert_eq!(described("executor", text), [counter, histogram]);
        let names = [(Kind::Counter, "orders_total"), (Kind::Histogram, "orders_seconds")];
        assert_eq!(recorded(text), names.map(|(kind, name)| (kind, name.to_owned())));
    }
}
