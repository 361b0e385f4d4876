//! The engine that is attacked: real processes, on servers of their own.

use anyhow::{Context, Result};
use std::net::SocketAddr;
use std::path::PathBuf;
use xtask::Supervisor;
use xtask::servers::{Durability, Servers};
use xtask::stack::{Plan, Stack, Stores};
use xtask::workspace::Directory;

const DATABASE: &str = "orders";

/// Everything that runs.
pub(crate) struct Stage {
    supervisor: Supervisor,
    servers: Servers,
    stack: Stack,
    directory: Directory,
}

impl Stage {
    /// Starts everything, from the services in `programs`, or else those beside this program.
    pub(crate) fn start(programs: Option<PathBuf>) -> Result<Self> {
        let directory = Directory::fresh(&format!("attack-{}", std::process::id()))?;
        let path = directory.path();
        let supervisor = Supervisor::new(&path.join("logs"), false, Some(directory.lock()?))?;
        let servers = Servers::start(&supervisor, path, Durability::Throwaway)?;
        let stores = Stores::create(&servers, DATABASE)?;
        let programs = programs.map_or_else(beside_this_program, Ok)?;
        let plan = Plan { executors: 1, gateways: 1, port: None, settings: Vec::new() };
        let stack = Stack::start(&supervisor, &programs, path, &stores, &plan)?;
        println!("The logs are in {}", path.join("logs").display());
        Ok(Self { supervisor, servers, stack, directory })
    }

    /// The port that is attacked.
    pub(crate) fn gateway(&self) -> SocketAddr {
        self.stack.gateways[0].address
    }

    /// The process that is attacked.
    pub(crate) fn process(&self) -> u32 {
        self.stack.gateways[0].process.id()
    }

    /// Fails if a service has ended.
    pub(crate) fn expect_running(&mut self) -> Result<()> {
        self.stack.services().try_for_each(|service| service.process.expect_running())
    }

    /// Ends everything. The logs are kept if `keep`.
    pub(crate) fn stop(mut self, keep: bool) -> Result<()> {
        self.stack.stop(&self.supervisor)?;
        self.servers.stop(&self.supervisor)?;
        if keep { Ok(()) } else { self.directory.remove() }
    }
}

fn beside_this_program() -> Result<PathBuf> {
    let this = std::env::current_exe().context("finding this program")?;
    Ok(this.parent().context("this program is in a folder")?.to_owned())
}
