//! `ops check`

use crate::Said;
use executor::check::{Finding, Severity, check};
use serde::Serialize;
use std::ffi::OsString;

#[derive(Serialize)]
struct Line {
    severity: &'static str,
    subject: &'static str,
    told: String,
}

impl From<Finding> for Line {
    fn from(finding: Finding) -> Self {
        let severity = match finding.severity {
            Severity::Fault => "fault",
            Severity::Warning => "warning",
            Severity::Fine => "fine",
        };
        Self { severity, subject: finding.subject, told: finding.told }
    }
}

/// Checks an executor's settings and everything that they name; the most serious findings first.
pub(super) async fn run(database_url: Option<String>, mut settings: Vec<OsString>) -> anyhow::Result<Said> {
    if let Some(url) = database_url {
        settings.extend(["--database-url".into(), url.into()]);
    }
    let mut findings = check(settings).await;
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let failed = findings.iter().any(|finding| finding.severity == Severity::Fault);
    let lines: Vec<Line> = findings.into_iter().map(Line::from).collect();
    let row = |line: &Line| [line.severity.to_owned(), line.subject.to_owned(), line.told.clone()];
    Ok(Said::table(&lines, "nothing was checked", ["SEVERITY", "SUBJECT", "FOUND"], row)?.failed_if(failed))
}
