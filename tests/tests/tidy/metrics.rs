//! Metrics: each is declared in its crate's `metrics.rs`, named by the conventions of Prometheus, and exists wherever
//! an alert or a dashboard asks for it.

use crate::documents::headings;
use crate::promql::names;
use crate::{assert_clean, code_lines, read, root, sources};
use serde_json::Value;
use std::collections::BTreeMap;
use xtask::metric_table::{Kind, Metric, declarations};

/// First words of metrics, by the program beside the engine that has them.
const FOREIGN: [(&str, &str); 6] = [
    ("up", "Prometheus"),
    ("ALERTS", "Prometheus"),
    ("pg_", "postgres_exporter"),
    ("redis_", "redis_exporter"),
    ("gnatsd_", "prometheus-nats-exporter"),
    ("node_", "node_exporter"),
];

/// Most words of a meaning.
const WORDS_MAX: usize = 25;

#[test]
fn metrics_are_named_in_one_file_of_a_crate() {
    let mut wrong = Vec::new();
    for (path, text) in sources().into_iter().filter(|(path, _)| !path.ends_with("/metrics.rs")) {
        let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
        if path.starts_with("crates/xtask/") || path.contains("/tests/") {
            continue;
        }
        for (number, line) in code_lines(shipped) {
            if ["counter!(", "gauge!(", "histogram!("].iter().any(|mark| line.contains(mark)) {
                wrong.push(format!("{path}:{number}: metrics are recorded by the crate's metrics.rs alone"));
            }
        }
    }
    assert_clean(&wrong);
}

#[test]
fn metrics_are_described_once_and_recorded() {
    let mut wrong = Vec::new();
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    for file in declarations().unwrap() {
        for metric in &file.described {
            if let Some(other) = places.insert(metric.name.clone(), file.path.clone()) {
                wrong.push(format!("{}: {} is described in {other}, too", file.path, metric.name));
            }
            if !file.recorded.contains(&(metric.kind, metric.name.clone())) {
                wrong.push(format!("{}: no {} `{}` is recorded", file.path, metric.kind.name(), metric.name));
            }
            wrong.extend(faults(metric).into_iter().map(|fault| format!("{}: {fault}", file.path)));
        }
        for (kind, name) in &file.recorded {
            if !file.described.iter().any(|metric| (metric.kind, &metric.name) == (*kind, name)) {
                wrong.push(format!("{}: the {} `{name}` is not described", file.path, kind.name()));
            }
        }
    }
    assert!(places.len() > 30, "the metrics were not found");
    assert_clean(&wrong);
}

/// The conventions that a metric breaks: <https://prometheus.io/docs/practices/naming/>.
fn faults(metric: &Metric) -> Vec<String> {
    let Metric { name, meaning, kind, .. } = metric;
    let mut faults = Vec::new();
    if (*kind == Kind::Counter) != name.ends_with("_total") {
        faults.push(format!("`{name}`: counters, and they alone, end with _total"));
    }
    if *kind == Kind::Histogram && metric.unit().is_none() {
        faults.push(format!("`{name}`: a histogram's name ends with its unit"));
    }
    let parts: Vec<&str> = name.split('_').collect();
    if parts.iter().any(|part| ["ms", "milliseconds", "percent", "sol", "kb"].contains(part)) {
        faults.push(format!("`{name}`: base units alone"));
    }
    if !meaning.ends_with('.') || meaning.split_whitespace().count() > WORDS_MAX || meaning.contains('|') {
        faults.push(format!("`{name}`: its meaning is one sentence of at most {WORDS_MAX} words"));
    }
    faults
}

#[test]
fn the_table_of_metrics_is_up_to_date() {
    xtask::metric_table::check().unwrap();
}

#[test]
fn alerts_and_dashboards_ask_for_metrics_that_exist() {
    let known: BTreeMap<String, Kind> = declarations()
        .unwrap()
        .into_iter()
        .flat_map(|file| file.described)
        .map(|metric| (metric.name, metric.kind))
        .collect();
    let mut wrong = Vec::new();
    for (place, expression) in expressions() {
        for name in names(&expression) {
            if !exists(&known, &name) {
                wrong.push(format!("{place}: there is no metric `{name}`"));
            }
        }
    }
    assert_clean(&wrong);
}

fn exists(known: &BTreeMap<String, Kind>, name: &str) -> bool {
    let foreign =
        |(first, _): &(&str, &str)| name == *first || (first.ends_with('_') && name.starts_with(first));
    let of_histogram = || {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|ending| name.strip_suffix(ending));
        base.and_then(|base| known.get(base)) == Some(&Kind::Histogram)
    };
    FOREIGN.iter().any(foreign)
        || known.get(name).is_some_and(|kind| *kind != Kind::Histogram)
        || of_histogram()
}

/// Every PromQL expression of the alerts and dashboards, with its place.
fn expressions() -> Vec<(String, String)> {
    let alerts = read(&root().join("deploy/alerts.yml"));
    let mut found: Vec<(String, String)> = alert_expressions(&alerts)
        .into_iter()
        .map(|expression| ("alerts.yml".to_owned(), expression))
        .collect();
    assert!(!found.is_empty(), "the alerts were not found");
    let folder = root().join("deploy/grafana/dashboards");
    for entry in std::fs::read_dir(&folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let dashboard: Value =
            serde_json::from_str(&read(&path)).unwrap_or_else(|error| panic!("{name}: {error}"));
        collect(&dashboard, &name, &mut found);
    }
    found
}

fn collect(value: &Value, place: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str() {
                    Some(expression) if key == "expr" => {
                        found.push((place.to_owned(), expression.to_owned()))
                    }
                    Some(_) | None => collect(value, place, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, place, found)),
        _ => {}
    }
}

/// The expressions of rules in YAML: on the line of `expr:`, or on the lines below it that are further to the right.
fn alert_expressions(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let Some(rest) = line.trim_start().strip_prefix("expr:") else { continue };
        let below = lines.iter().skip(number + 1).take_while(|below| indent(below) > indent(line));
        let below: Vec<&str> = below.map(|below| below.trim()).collect();
        found.push(match rest.trim() {
            ">-" | "|" | ">" => below.join(" "),
            here => here.to_owned(),
        });
    }
    found
}

/// The alerts by their name, each with the anchor of its runbook.
fn alerts() -> Vec<(String, String)> {
    let text = read(&root().join("deploy/alerts.yml"));
    let field = |line: &str, key: &str| line.trim().strip_prefix(key).map(|value| value.trim().to_owned());
    let names: Vec<String> = text.lines().filter_map(|line| field(line, "- alert:")).collect();
    let runbooks: Vec<String> =
        text.lines().filter_map(|line| field(line, "runbook_url: deploy/RUNBOOK.md#")).collect();
    assert_eq!(names.len(), runbooks.len(), "each alert has a runbook_url in deploy/RUNBOOK.md");
    assert_eq!(names.len(), text.matches("labels: { severity: ").count(), "each alert has a severity");
    assert_eq!(names.len(), text.matches(" summary: ").count(), "each alert has a summary");
    names.into_iter().zip(runbooks).collect()
}

#[test]
fn alerts_lead_to_a_heading_of_the_runbook_and_have_a_test() {
    let (runbook, tests) =
        (read(&root().join("deploy/RUNBOOK.md")), read(&root().join("deploy/alerts.test.yml")));
    let headings: Vec<String> = headings(&runbook).collect();
    let mut wrong = Vec::new();
    for (name, anchor) in alerts() {
        if !headings.contains(&anchor) {
            wrong.push(format!("{name}: the runbook has no heading #{anchor}"));
        }
        if !tests.contains(&format!("alertname=\"{name}\"")) {
            wrong.push(format!("{name}: no test lets it fire"));
        }
        if !runbook.contains(&format!("`{name}`")) {
            wrong.push(format!("{name}: the runbook does not name it"));
        }
    }
    assert_clean(&wrong);
}

#[test]
fn each_alert_fires_and_none_does_on_an_engine_that_is_well() {
    xtask::alerts::test().unwrap();
}
