//! Stock browsers without a screen, for attacks by web pages.

use crate::{Process, Signal, Supervisor, install};
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;

/// A browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Browser {
    /// Chromium.
    Chromium,
    /// Firefox.
    Firefox,
}

impl Browser {
    /// Every browser.
    pub const ALL: [Self; 2] = [Self::Chromium, Self::Firefox];

    /// Opens a page with a new profile in `profile`. The host name `rebound` leads to this machine. Installs the
    /// browser if it is missing.
    ///
    /// # Errors
    /// The browser is missing and cannot be installed, or does not start.
    pub fn open(self, supervisor: &Supervisor, profile: &Path, rebound: &str, url: &str) -> Result<Process> {
        std::fs::create_dir_all(profile).with_context(|| format!("making {}", profile.display()))?;
        let (name, mut command) = match self {
            Self::Chromium => {
                let mut command = Command::new(install::chromium()?);
                command
                    .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"])
                    .arg(format!("--user-data-dir={}", profile.display()))
                    .arg(format!("--host-resolver-rules=MAP {rebound} 127.0.0.1"));
                ("chromium", command)
            }
            Self::Firefox => {
                let preferences = profile.join("user.js");
                let leads_here = format!("user_pref(\"network.dns.localDomains\", \"{rebound}\");\n");
                std::fs::write(&preferences, leads_here)
                    .with_context(|| format!("writing {}", preferences.display()))?;
                let mut command = Command::new(install::firefox()?);
                command.args(["--headless", "--no-remote", "--profile"]).arg(profile);
                ("firefox", command)
            }
        };
        command.arg(url).env("HOME", profile);
        supervisor.spawn(name, command, Signal::Terminate)
    }
}
