//! The tests of the alerts: `deploy/alerts.test.yml`, by Prometheus' own tool.

use crate::{install, workspace};
use anyhow::{Context, Result, ensure};
use std::process::{Command, Stdio};

/// Checks that each alert fires as its test says, and the configuration of Prometheus.
///
/// # Errors
/// One does not, or the tool is missing and cannot be installed from here.
pub fn test() -> Result<()> {
    let promtool = install::promtool()?;
    for arguments in [["test", "rules", "alerts.test.yml"], ["check", "config", "prometheus.yml"]] {
        let output = Command::new(&promtool)
            .args(arguments)
            .current_dir(workspace::root().join("deploy"))
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("starting {}", promtool.display()))?;
        ensure!(
            output.status.success(),
            "`promtool {}` failed:\n{}{}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}
