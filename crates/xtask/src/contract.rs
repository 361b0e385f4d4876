use crate::cargo::{self, Interrupt};
use crate::up;
use anyhow::{Context, Result, bail, ensure};
use std::process::{Command, Stdio};
use xtask::process::{POLL_INTERVAL, Supervisor};
use xtask::servers::{Durability, Servers};
use xtask::stack::{Plan, Stack, Stores};
use xtask::workspace;

/// Starts a stack, and checks its documents and pages with the script in tests/contract.
pub(crate) fn run() -> Result<()> {
    let interrupt = Interrupt::install()?;
    println!("[1/2] Building the services");
    cargo::run(&["build", "--workspace", "--bins"], &[], &interrupt)?;
    println!("[2/2] Checking the contract");
    workspace::remove_left_behind()?;
    let directory = workspace::Directory::fresh(&format!("contract-{}", std::process::id()))?;
    let supervisor = Supervisor::new(&directory.path().join("logs"), false, Some(directory.lock()?))?;
    let mut servers = Servers::start(&supervisor, directory.path(), Durability::Throwaway)?;
    let stores = Stores::create(&servers, up::DATABASE)?;
    let plan = Plan { executors: 1, gateways: 1, port: None, settings: Vec::new() };
    let programs = cargo::programs()?;
    let mut stack = Stack::start(&supervisor, &programs, directory.path(), &stores, &plan)?;
    let key = up::first_key(&programs, &stores)?;
    let gateway = stack.gateways.first().context("the stack has a gateway")?.address;
    let outcome = check(&format!("http://{gateway}"), &key, &interrupt);
    stack.stop(&supervisor)?;
    servers.stop(&supervisor)?;
    outcome.with_context(|| format!("the services' logs are in {}", directory.path().display()))?;
    directory.remove()
}

fn check(gateway: &str, key: &str, interrupt: &Interrupt) -> Result<()> {
    let mut script = Command::new("bash")
        .arg(workspace::root().join("tests/contract/run"))
        .env("GATEWAY_URL", gateway)
        .env("API_KEY", key)
        .env("CONTRACT_DIR", cargo::target()?.join("contract"))
        .stdin(Stdio::null())
        .spawn()
        .context("starting tests/contract/run")?;
    loop {
        if let Some(status) = script.try_wait().context("waiting for tests/contract/run")? {
            ensure!(status.success(), "tests/contract/run failed ({status})");
            return Ok(());
        }
        if interrupt.raised() {
            script.kill().context("ending tests/contract/run")?;
            script.wait().context("waiting for tests/contract/run")?;
            bail!("interrupted");
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}
