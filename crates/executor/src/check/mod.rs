//! Looking, before anything starts, for everything that is missing or dangerous.
//!
//! Nothing is written and nothing is sent. Every fault is told, not only the first.

mod cluster;
mod senders;
mod stores;
mod wallets;

use crate::Configuration;
use std::ffi::OsString;
use std::time::Duration;

/// Time for one thing to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How serious a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// As it should be.
    Fine,
    /// The engine works, and an operator should know.
    Warning,
    /// The engine does not start, or should not.
    Fault,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How serious it is.
    pub severity: Severity,
    /// The thing: a setting, or a server.
    pub subject: &'static str,
    /// The observation, and what to do about it.
    pub told: String,
}

impl Finding {
    fn fine(subject: &'static str, told: impl Into<String>) -> Self {
        Self { severity: Severity::Fine, subject, told: told.into() }
    }

    fn warning(subject: &'static str, told: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, subject, told: told.into() }
    }

    fn fault(subject: &'static str, told: impl Into<String>) -> Self {
        Self { severity: Severity::Fault, subject, told: told.into() }
    }

    fn error(subject: &'static str, error: &anyhow::Error) -> Self {
        Self::fault(subject, format!("{error:#}"))
    }
}

/// Checks the settings of an executor, given as its arguments and by the environment, and everything that they name
/// but the router, which starts later.
pub async fn check(arguments: impl IntoIterator<Item = OsString>) -> Vec<Finding> {
    let named = std::iter::once(OsString::from("executor")).chain(arguments);
    let configuration = match service::parse::<Configuration>(named) {
        Ok(configuration) => configuration,
        // It has the names of all settings that are missing.
        Err(error) => return vec![Finding::fault("settings", plain(&error.to_string()))],
    };
    let mut findings = limits(&configuration);
    let (wallets, mut of_wallets) = wallets::check(&configuration).await;
    findings.append(&mut of_wallets);
    match configuration.cluster() {
        Ok(client) => {
            let (genesis, mut of_cluster) = cluster::check(&configuration, &client).await;
            findings.append(&mut of_cluster);
            if genesis.is_some() {
                findings.append(&mut wallets::balances(&configuration, &client, &wallets).await);
                findings.append(&mut senders::check(&configuration, &client, &wallets).await);
            }
            findings.append(&mut stores::check(&configuration, genesis).await);
        }
        Err(error) => {
            findings.push(Finding::error("nodes", &error));
            findings.append(&mut stores::check(&configuration, None).await);
        }
    }
    findings
}

/// The text of clap's error without its usage.
fn plain(error: &str) -> String {
    let lines = error.lines().take_while(|line| !line.starts_with("Usage")).map(str::trim);
    let text = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    text.strip_prefix("error: ").unwrap_or(&text).to_owned()
}

fn limits(configuration: &Configuration) -> Vec<Finding> {
    const SUBJECT: &str = "limits";
    let limits = match configuration.limits() {
        Err(error) => return vec![Finding::error(SUBJECT, &error)],
        Ok(limits) => limits,
    };
    let told = match limits.of_order_and_day() {
        (None, None) => return vec![Finding::fine(SUBJECT, "none, which mainnet does not allow")],
        (Some(order), Some(day)) if order > day => {
            let told = format!(
                "MAX_ORDER_VALUE {order} is more than MAX_DAY_VALUE {day} lets a day's orders come to"
            );
            return vec![Finding::warning(SUBJECT, told)];
        }
        (order, day) => {
            let text = |limit: Option<_>| {
                limit.map_or("not limited".to_owned(), |most| format!("{most} USD at most"))
            };
            format!("one order {}, a day's orders {}", text(order), text(day))
        }
    };
    vec![Finding::fine(SUBJECT, told)]
}

#[cfg(test)]
mod tests;
