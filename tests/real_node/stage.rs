//! Everything that runs: servers, the validator, and the services that trade on it.

use crate::given::Given;
use anyhow::{Context, Result};
use order_core::Venue;
use std::path::{Path, PathBuf};
use system_tests::conversation::Node;
use system_tests::{Wallet, setting};
use xtask::Supervisor;
use xtask::servers::{Durability, Servers};
use xtask::stack::{self, Access, LOOKUP_TABLE, Plan, Services, Setting, Stores};
use xtask::validator::{Genesis, Validator};
use xtask::workspace::Directory;
use xtask::{postgres, stack::Service};

const DATABASE: &str = "orders";

pub(crate) struct Stage {
    pub(crate) supervisor: Supervisor,
    pub(crate) validator: Validator,
    pub(crate) wallet: Wallet,
    pub(crate) venues: Vec<Venue>,
    directory: Directory,
    programs: PathBuf,
    servers: Servers,
    stores: Stores,
    services: Option<Services>,
}

impl Stage {
    /// Starts the servers, and the validator with the sandbox's accounts and what is given.
    pub(crate) fn start(validator: &Path, given: &Given) -> Result<Self> {
        let directory = Directory::fresh(&format!("real-node-{}", std::process::id()))?;
        let path = directory.path();
        println!("The logs are in {}", path.join("logs").display());
        let supervisor = Supervisor::new(&path.join("logs"), false, Some(directory.lock()?))?;
        let programs = beside_this_program()?;
        let accounts = path.join("accounts");
        stack::dump_accounts(&programs, path, &accounts)?;
        given.arrange(&accounts)?;
        let wallet = Wallet::read(&path.join("wallet.json"));
        let genesis =
            Genesis { accounts, programs: given.programs.clone(), mint: wallet.address.to_string() };
        let validator = Validator::start(&supervisor, validator, &path.join("chain"), &genesis)?;
        let servers = Servers::start(&supervisor, path, Durability::Throwaway)?;
        let stores = Stores::create(&servers, DATABASE)?;
        let venues = given.venues();
        Ok(Self {
            supervisor,
            validator,
            wallet,
            venues,
            directory,
            programs,
            servers,
            stores,
            services: None,
        })
    }

    /// Starts the services on the validator, with the cluster's lookup table or without any.
    pub(crate) fn start_services(&mut self, with_lookup_table: bool) -> Result<()> {
        let table = if with_lookup_table { LOOKUP_TABLE } else { "" };
        let tables = ["router", "executor"].map(|service| setting(service, "LOOKUP_TABLES", table));
        // An order must outlive a restart of the node.
        let patience: [Setting; 1] = [setting("gateway", "ORDER_TTL_SECONDS", "300")];
        let settings = tables.into_iter().chain(patience).collect();
        let plan = Plan { executors: 1, gateways: 1, port: None, settings };
        let (path, cluster) = (self.directory.path(), self.validator.cluster());
        let services =
            Services::start(&self.supervisor, &self.programs, path, &self.stores, &plan, &cluster)?;
        self.services = Some(services);
        Ok(())
    }

    /// The gateway.
    pub(crate) fn gateway(&self) -> Result<&Service> {
        let services = self.services.as_ref().context("the services are started")?;
        services.gateways.first().context("there is a gateway")
    }

    /// Starts the sandbox beside the validator, with the same wallet.
    pub(crate) fn sandbox(&self) -> Result<Service> {
        stack::sandbox(&self.supervisor, &self.programs, self.directory.path(), &[])
    }

    /// The validator's addresses.
    pub(crate) fn node(&self) -> Node {
        Node { rpc: self.validator.rpc, pubsub: self.validator.pubsub }
    }

    /// The keypair of the wallet that everybody trades with.
    pub(crate) fn keypair(&self) -> PathBuf {
        self.directory.path().join("wallet.json")
    }

    /// Runs the operators' program, and gives what it says.
    pub(crate) fn ops(&self, arguments: &[&str]) -> Result<String> {
        Ok(stack::ops(&self.programs, &self.stores.operator, arguments)?.trim().to_owned())
    }

    /// The rows that a statement gives.
    pub(crate) fn query(&self, statement: &str) -> Result<Vec<Vec<Option<String>>>> {
        let Access { postgres, database, .. } = &self.stores.operator;
        postgres::query(postgres, database, statement)
    }

    /// Fails if anything has ended by itself.
    pub(crate) fn expect_running(&mut self) -> Result<()> {
        self.validator.process.expect_running()?;
        let services = self.services.iter_mut().flat_map(Services::all);
        services.map(|service| &mut service.process).try_for_each(xtask::Process::expect_running)
    }

    /// Ends everything. The logs are kept if `keep`.
    pub(crate) fn stop(mut self, keep: bool) -> Result<()> {
        for service in self.services.iter_mut().flat_map(Services::all) {
            self.supervisor.stop(&mut service.process)?;
        }
        self.supervisor.stop(&mut self.validator.process)?;
        self.servers.stop(&self.supervisor)?;
        if keep { Ok(()) } else { self.directory.remove() }
    }
}

fn beside_this_program() -> Result<PathBuf> {
    let this = std::env::current_exe().context("finding this program")?;
    Ok(this.parent().context("this program is in a folder")?.to_owned())
}
