use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use xtask::process::POLL_INTERVAL;
use xtask::workspace;

/// A wish that this ends: Ctrl-C, a closed terminal, or SIGTERM.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From here on those signals are noticed instead of ending this process at once.
    /// The second one ends it at once, and the guardian ends what it had started.
    pub(crate) fn install() -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag))
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&flag)))
                .context("listening to signals")?;
        }
        Ok(Self(flag))
    }

    pub(crate) fn raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs cargo in the workspace, with what it prints shown as it comes.
pub(crate) fn run<A: AsRef<OsStr>>(
    arguments: &[A],
    environment: &[(&str, String)],
    interrupt: &Interrupt,
) -> Result<()> {
    run_in(&workspace::root(), arguments, environment, interrupt)
}

fn run_in<A: AsRef<OsStr>>(
    folder: &Path,
    arguments: &[A],
    environment: &[(&str, String)],
    interrupt: &Interrupt,
) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    for name in of_this_package(std::env::vars_os().map(|(name, _)| name)) {
        command.env_remove(name);
    }
    let mut child = command
        .args(arguments)
        .envs(environment.iter().map(|(key, value)| (key, value)))
        .current_dir(folder)
        .stdin(Stdio::null())
        .spawn()
        .context("starting cargo")?;
    loop {
        if let Some(status) = child.try_wait().context("waiting for cargo")? {
            let line =
                arguments.iter().map(|argument| argument.as_ref().to_string_lossy()).collect::<Vec<_>>();
            anyhow::ensure!(status.success(), "`cargo {}` failed ({status})", line.join(" "));
            return Ok(());
        }
        if interrupt.raised() {
            // A Ctrl-C has reached cargo as well; a SIGTERM has not.
            child.kill().context("ending cargo")?;
            child.wait().context("waiting for cargo")?;
            bail!("interrupted");
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Builds the services that a test can ask for faults, and gives the folder with them.
pub(crate) fn build_faulty(interrupt: &Interrupt) -> Result<PathBuf> {
    build_beside("faults", &workspace::root(), &["--features", "faults/inject"], &[], interrupt)
}

/// Builds the services from `sources` beside the usual ones, and gives the folder with them. Dependencies are
/// shared with the usual build.
pub(crate) fn build_beside(
    name: &str,
    sources: &Path,
    options: &[&str],
    environment: &[(&str, String)],
    interrupt: &Interrupt,
) -> Result<PathBuf> {
    const SERVICES: [&str; 5] = ["executor", "gateway", "ops", "router", "sandbox"];
    let mut arguments = vec!["build", "--workspace"];
    arguments.extend(SERVICES.iter().flat_map(|service| ["--bin", service]));
    arguments.extend(options);
    let shared = target()?;
    let mut environment = environment.to_vec();
    environment.extend([
        ("CARGO_BUILD_BUILD_DIR", shared.display().to_string()),
        ("CARGO_TARGET_DIR", shared.join(name).display().to_string()),
    ]);
    run_in(sources, &arguments, &environment, interrupt)?;
    Ok(workspace::programs_beside(&programs()?, name))
}

/// The variables that describe this package, set because cargo runs this program. Some build scripts
/// depend on them: were they passed on, the same build from here and from a terminal would each undo
/// the other, minutes a time.
fn of_this_package(names: impl Iterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    const PREFIXES: [&str; 5] =
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
    names.filter(|name| {
        let name = name.to_string_lossy();
        PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    })
}

/// Where cargo puts the programs it builds: beside this one.
pub(crate) fn programs() -> Result<PathBuf> {
    let this = std::env::current_exe().context("asking where this program is")?;
    Ok(this.parent().context("this program is in a folder")?.to_owned())
}

/// The folder of everything that cargo builds.
pub(crate) fn target() -> Result<PathBuf> {
    Ok(programs()?.parent().context("cargo's programs are in a folder of the target folder")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_describes_this_package_is_kept_from_cargo() {
        let names = ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "CARGO_HOME", "CARGO_TARGET_DIR", "PATH"];
        let removed: Vec<OsString> = of_this_package(names.into_iter().map(OsString::from)).collect();
        assert_eq!(removed, ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR"]);
    }
}
