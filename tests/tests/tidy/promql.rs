//! The names of metrics in an expression of PromQL.

use std::collections::BTreeSet;

/// Words that are followed by labels in parentheses.
const BEFORE_LABELS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// The text after a function whose labels stand before its argument, as in `sum by (le) (x)`.
const AGGREGATED: [&str; 4] = ["by (", "by(", "without (", "without("];

/// Words of the language that name nothing.
const KEYWORDS: [&str; 10] = ["and", "or", "unless", "bool", "offset", "atan2", "inf", "nan", "start", "end"];

/// The metrics that an expression reads.
pub(crate) fn names(expression: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        if is_start(first) {
            let end = rest.find(|c: char| !is_start(c) && !c.is_ascii_digit()).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            let follows = after.trim_start();
            if BEFORE_LABELS.contains(&word) {
                rest = if follows.starts_with('(') { skip(follows, ')') } else { follows };
            } else {
                let aggregates = AGGREGATED.iter().any(|word| follows.starts_with(word));
                if !aggregates
                    && !follows.starts_with('(')
                    && !KEYWORDS.contains(&word.to_lowercase().as_str())
                {
                    names.insert(word.to_owned());
                }
                rest = after;
            }
        } else if first.is_ascii_digit() {
            // A number or a duration.
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '.').unwrap_or(rest.len());
            rest = &rest[end..];
        } else {
            rest = match first {
                '{' => skip(rest, '}'),
                '[' => skip(rest, ']'),
                '"' => skip(&rest[1..], '"'),
                other => &rest[other.len_utf8()..],
            };
        }
    }
    names
}

fn is_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || c == ':'
}

/// The text after the first `end`.
fn skip(text: &str, end: char) -> &str {
    text.split_once(end).map_or("", |(_, rest)| rest)
}

#[test]
fn metrics_are_found_among_functions_labels_and_numbers() {
    let found = |expression: &str| names(expression).into_iter().collect::<Vec<_>>();
    assert_eq!(found(r#"max(gateway_halted{service="gateway"}) == 1"#), ["gateway_halted"]);
    assert_eq!(
        found("histogram_quantile(0.99, sum by (le, step) (rate(orders_step_seconds_bucket[5m]))) > 1e3"),
        ["orders_step_seconds_bucket"]
    );
    assert_eq!(
        found(
            "a_total / ignoring(b) group_left c offset 5m unless on (d) (e > bool 1) or sum without(f) (g)"
        ),
        ["a_total", "c", "e", "g"]
    );
}
