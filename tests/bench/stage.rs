//! The engine that is measured: real processes, on servers of their own that keep what they commit.

use crate::statements;
use crate::usage::{self, Kind, Usage};
use anyhow::Result;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use xtask::Supervisor;
use xtask::servers::{Durability, Servers};
use xtask::stack::{Plan, Setting, Stack, Stores};
use xtask::workspace::Directory;

const DATABASE: &str = "orders";

/// More than any series asks for: limits are there to refuse, and refusals are not measured here.
const NO_LIMIT: &str = "1000000";

/// The engine that is to be measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Engine<'a> {
    /// The folder with its services.
    pub(crate) programs: &'a Path,
    /// PostgreSQL counts its statements, and they are printed.
    pub(crate) counts_statements: bool,
}

/// How an engine is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) executors: usize,
    /// Orders that each executor works on at once.
    pub(crate) concurrency: usize,
    /// Length of a slot of the local cluster, in milliseconds.
    pub(crate) slot_ms: u64,
}

impl Setup {
    /// For series that need an engine and do not care: one executor, and short slots.
    pub(crate) const USUAL: Self = Self { executors: 1, concurrency: 10, slot_ms: 10 };

    fn settings(&self) -> Vec<Setting> {
        let set = |service, key, value: String| Setting { service, key, value };
        vec![
            set("gateway", "ORDERS_PER_MINUTE", NO_LIMIT.to_owned()),
            set("gateway", "READS_PER_MINUTE", NO_LIMIT.to_owned()),
            set("gateway", "MAX_BACKLOG", NO_LIMIT.to_owned()),
            set("gateway", "MAX_BACKLOG_PER_ACCOUNT", NO_LIMIT.to_owned()),
            set("gateway", "MAX_CONNECTIONS_PER_CLIENT", "2000".to_owned()),
            set("gateway", "MAX_SOCKETS_PER_CLIENT", "2000".to_owned()),
            set("gateway", "ORDER_TTL_SECONDS", "1800".to_owned()),
            set("executor", "CONCURRENCY", self.concurrency.to_string()),
            set("sandbox", "SLOT_MS", self.slot_ms.to_string()),
        ]
    }
}

/// Everything that runs.
pub(crate) struct Stage {
    supervisor: Supervisor,
    servers: Servers,
    stack: Stack,
    directory: Directory,
    counts_statements: bool,
}

impl Stage {
    /// Starts everything.
    ///
    /// # Errors
    /// Something does not start.
    pub(crate) fn start(engine: Engine<'_>, setup: Setup) -> Result<Self> {
        let directory = Directory::fresh(&format!("bench-{}", std::process::id()))?;
        let path = directory.path();
        let supervisor = Supervisor::new(&path.join("logs"), false, Some(directory.lock()?))?;
        let Engine { programs, counts_statements } = engine;
        let mut servers = Servers::start(&supervisor, path, Durability::Full)?;
        if counts_statements {
            statements::count(&supervisor, &mut servers.postgres)?;
        }
        let stores = Stores::create(&servers, DATABASE)?;
        let plan = Plan { executors: setup.executors, gateways: 1, port: None, settings: setup.settings() };
        let stack = Stack::start(&supervisor, programs, path, &stores, &plan)?;
        Ok(Self { supervisor, servers, stack, directory, counts_statements })
    }

    /// The gateway's port.
    pub(crate) fn gateway(&self) -> SocketAddr {
        self.stack.gateways[0].address
    }

    /// The router's port.
    pub(crate) fn router(&self) -> SocketAddr {
        self.stack.router.address
    }

    /// Ends the executors: orders stay where they were accepted.
    ///
    /// # Errors
    /// One cannot be ended.
    pub(crate) fn stop_executors(&mut self) -> Result<()> {
        for mut executor in self.stack.executors.drain(..) {
            self.supervisor.stop(&mut executor.process)?;
        }
        Ok(())
    }

    /// The processor time that everything has taken so far.
    ///
    /// # Errors
    /// A process has ended.
    pub(crate) fn processor_time(&self) -> Result<Usage<Duration>> {
        usage::processor_time(&self.processes())
    }

    /// The memory that everything has now, in kB.
    ///
    /// # Errors
    /// A process has ended.
    pub(crate) fn memory(&self) -> Result<Usage<u64>> {
        usage::memory(&self.processes())
    }

    fn processes(&self) -> Vec<(Kind, u32)> {
        let Stack { sandbox, router, executors, gateways, .. } = &self.stack;
        let Servers { postgres, redis, nats } = &self.servers;
        let mut processes = vec![
            (Kind::Load, std::process::id()),
            (Kind::Sandbox, sandbox.process.id()),
            (Kind::Router, router.process.id()),
            (Kind::Postgres, postgres.process.id()),
            (Kind::Redis, redis.process.id()),
            (Kind::Nats, nats.process.id()),
        ];
        processes.extend(executors.iter().map(|service| (Kind::Executor, service.process.id())));
        processes.extend(gateways.iter().map(|service| (Kind::Gateway, service.process.id())));
        processes
    }

    /// Ends everything, and removes what it wrote. Prints the statements that PostgreSQL has run, if it counts them.
    ///
    /// # Errors
    /// A process cannot be ended.
    pub(crate) fn stop(mut self) -> Result<()> {
        if self.counts_statements {
            statements::print(&self.servers.postgres, DATABASE)?;
        }
        self.stack.stop(&self.supervisor)?;
        self.servers.stop(&self.supervisor)?;
        self.directory.remove()
    }
}
