use crate::{Cluster, Gateway, Wallet};
use anyhow::{Context, Result};
use serde_json::Value;
use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use xtask::servers::{self, Durability, Server, Users};
use xtask::stack::{Access, Plan, Service, Setting, Stack, Stores};
use xtask::workspace::{self, Directory};
use xtask::{Login, Process, Supervisor, install, port, postgres};

/// How long a test waits for anything. Most of it takes milliseconds; a loaded machine takes longer.
const PATIENCE: Duration = Duration::from_secs(90);

/// How often a condition is looked at that nobody announces.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A loaded machine is slow, and a test of something else wants no order to expire.
const ORDER_TTL_SECONDS: &str = "1800";

/// Short slots: a test waits for many of them. Nothing depends on their length but the time it takes.
const SLOT_MS: &str = "50";

static ENGINES: AtomicU32 = AtomicU32::new(0);

/// The engine of one test: every service as a process of its own. Killed when dropped; then, if the
/// test failed, the logs are kept and their place is printed.
pub struct Engine {
    /// The services.
    pub stack: Stack,
    /// The queue.
    pub nats: Server,
    /// The Redis server.
    pub redis: Server,
    stores: Stores,
    /// PostgreSQL, if it is this engine's alone.
    own_postgres: Option<Server>,
    supervisor: Supervisor,
    directory: Option<Directory>,
}

/// A process of an engine that may be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// PostgreSQL, of an engine that has one of its own.
    Postgres,
    /// NATS.
    Nats,
    /// Redis.
    Redis,
    /// The router.
    Router,
    /// The executor with this index.
    Executor(usize),
    /// The gateway with this index.
    Gateway(usize),
}

/// How an engine differs from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variant {
    Usual,
    OwnPostgres,
    Faulty,
}

impl Engine {
    /// Starts an engine with a database of its own in the server that `TEST_DATABASE_URL` names.
    ///
    /// # Panics
    /// Something does not start; the message has the end of its log.
    pub fn start(executors: usize, gateways: usize, settings: Vec<Setting>) -> Self {
        Self::try_start(Variant::Usual, executors, gateways, settings)
            .unwrap_or_else(|error| panic!("starting an engine: {error:#}"))
    }

    /// As [`Engine::start`], with a PostgreSQL server of its own, which may be killed.
    ///
    /// # Panics
    /// As there.
    pub fn start_with_postgres(executors: usize, gateways: usize, settings: Vec<Setting>) -> Self {
        Self::try_start(Variant::OwnPostgres, executors, gateways, settings)
            .unwrap_or_else(|error| panic!("starting an engine: {error:#}"))
    }

    /// As [`Engine::start`], with executors that do the fault that their environment asks for: see the
    /// crate `faults`.
    ///
    /// # Panics
    /// As there.
    pub fn start_faulty(executors: usize, gateways: usize, settings: Vec<Setting>) -> Self {
        Self::try_start(Variant::Faulty, executors, gateways, settings)
            .unwrap_or_else(|error| panic!("starting an engine that `cargo xtask test` builds: {error:#}"))
    }

    fn try_start(
        variant: Variant,
        executors: usize,
        gateways: usize,
        mut settings: Vec<Setting>,
    ) -> Result<Self> {
        let name = format!("engine-{}-{}", std::process::id(), ENGINES.fetch_add(1, Ordering::Relaxed));
        let directory = Directory::fresh(&name)?;
        let path = directory.path();
        let supervisor = Supervisor::new(&path.join("logs"), false, Some(directory.lock()?))?;
        let programs = install::programs()?;
        let own_postgres = match variant {
            Variant::Usual | Variant::Faulty => None,
            // What is committed has to survive its being killed.
            Variant::OwnPostgres => {
                Some(servers::start_postgres(&supervisor, &programs, path, Durability::Full)?)
            }
        };
        let owner =
            own_postgres.as_ref().map_or_else(shared_postgres, |server| Ok(server.operator.clone()))?;
        let database = name.replace('-', "_");
        // A server of its own has nothing to copy.
        let template = if own_postgres.is_some() { "template1" } else { postgres::MIGRATED };
        let create = format!("CREATE DATABASE {database} TEMPLATE {template}");
        postgres::execute(&owner, postgres::FIRST_DATABASE, &create)?;
        let redis = servers::start_redis(&supervisor, &programs.redis, path, port::free()?)?;
        let nats = servers::start_nats(&supervisor, &programs.nats, path, port::free()?)?;
        // Roles are those of the whole server, which engines share.
        let user = |service: &str| Login::random(owner.address, &format!("{database}_{service}"));
        let users = Users { gateway: user("gateway")?, executor: user("executor")? };
        let stores = Stores::new(&database, &owner, &users, &redis, &nats);
        settings.insert(0, setting("sandbox", "SLOT_MS", SLOT_MS));
        settings.insert(0, setting("gateway", "ORDER_TTL_SECONDS", ORDER_TTL_SECONDS));
        let plan = Plan { executors, gateways, port: None, settings };
        let services = services_folder(variant)?;
        let stack = Stack::start(&supervisor, &services, path, &stores, &plan)?;
        let directory = Some(directory);
        Ok(Self { stack, nats, redis, stores, own_postgres, supervisor, directory })
    }

    /// A client of the gateway with this index.
    pub fn gateway(&self, index: usize) -> Gateway {
        Gateway::new(self.stack.gateways[index].address)
    }

    /// A client of the cluster.
    pub fn cluster(&self) -> Cluster {
        Cluster::new(self.stack.sandbox.address)
    }

    /// The wallet that the executors trade with.
    pub fn wallet(&self) -> Wallet {
        Wallet::read(&self.stack.wallet)
    }

    /// Asks every service to stop and waits until it has; the exit codes by name.
    ///
    /// # Panics
    /// One cannot be asked, or was killed in the end.
    pub fn stop(&mut self) -> Vec<(String, Option<i32>)> {
        self.stack.stop(&self.supervisor).unwrap();
        let codes = self.stack.services().map(|service| {
            let status = service.process.exited().unwrap().expect("it has stopped");
            (service.process.name().to_owned(), status.code())
        });
        codes.collect()
    }

    /// Ends a process at once, as a crash would.
    ///
    /// # Panics
    /// It cannot be signalled.
    pub fn kill(&mut self, part: Part) {
        let (supervisor, process) = self.process(part);
        supervisor.kill(process).unwrap();
    }

    /// Starts a process again. A service is ready when this returns.
    ///
    /// # Panics
    /// It does not start.
    pub fn restart(&mut self, part: Part) {
        let Access { postgres, database, .. } = self.stores.operator.clone();
        let (supervisor, process) = self.process(part);
        supervisor.restart(process).unwrap();
        match part {
            Part::Postgres => {
                // It does not start before the last process of the one that was killed is gone.
                let deadline = Instant::now() + PATIENCE;
                while postgres::execute(&postgres, &database, "SELECT 1").is_err() {
                    assert!(Instant::now() < deadline, "PostgreSQL does not start: {}", process.log());
                    if process.exited().unwrap().is_some() {
                        supervisor.restart(process).unwrap();
                    }
                    std::thread::sleep(POLL_INTERVAL);
                }
            }
            Part::Nats | Part::Redis => {}
            Part::Router | Part::Executor(_) | Part::Gateway(_) => {
                self.service(part).unwrap().wait_until_ready().unwrap();
            }
        }
    }

    /// Starts a process again that is to refuse to work, and gives what it has written since.
    ///
    /// # Panics
    /// It becomes ready, or does not end by itself.
    pub fn restart_in_vain(&mut self, part: Part) -> String {
        let (supervisor, process) = self.process(part);
        let written = process.log().len();
        supervisor.restart(process).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while self.process(part).1.exited().unwrap().is_none() {
            let ready = self.service(part).is_some_and(|service| service.ready().is_ok());
            assert!(!ready, "{part:?} works");
            assert!(Instant::now() < deadline, "{part:?} does not end: {}", self.process(part).1.log());
            std::thread::sleep(POLL_INTERVAL);
        }
        self.process(part).1.log().split_off(written)
    }

    /// Gives a process an environment variable from its next start on.
    pub fn set_environment(&mut self, part: Part, key: &str, value: &str) {
        self.process(part).1.set_environment(key, value);
    }

    /// Kills the gateways and executors and copies the database, as a backup that is taken while they
    /// are down. They are started again.
    ///
    /// # Panics
    /// It cannot be copied, or one does not start.
    pub fn back_up(&mut self) {
        self.without_services(|engine| engine.copy_database(engine.database(), &engine.backup()));
    }

    /// Puts the last backup in the place of the database, while gateways and executors are down.
    ///
    /// # Panics
    /// As there; or there is no backup.
    pub fn restore(&mut self) {
        self.without_services(|engine| {
            let drop = format!("DROP DATABASE {} WITH (FORCE)", engine.database());
            postgres::execute(engine.owner(), postgres::FIRST_DATABASE, &drop).unwrap();
            engine.copy_database(&engine.backup(), engine.database());
        });
    }

    fn without_services(&mut self, act: impl FnOnce(&Self)) {
        let gateways = (0..self.stack.gateways.len()).map(Part::Gateway);
        let parts: Vec<Part> = gateways.chain((0..self.stack.executors.len()).map(Part::Executor)).collect();
        parts.iter().for_each(|part| self.kill(*part));
        act(self);
        parts.iter().for_each(|part| self.restart(*part));
    }

    /// The connections of killed processes end a moment after them.
    fn copy_database(&self, from: &str, to: &str) {
        let copy = format!("CREATE DATABASE {to} TEMPLATE {from}");
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = postgres::execute(self.owner(), postgres::FIRST_DATABASE, &copy) {
            assert!(Instant::now() < deadline, "copying the database: {error:#}");
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    fn backup(&self) -> String {
        format!("{}_backup", self.database())
    }

    fn database(&self) -> &str {
        &self.stores.operator.database
    }

    fn owner(&self) -> &Login {
        &self.stores.operator.postgres
    }

    /// The refusals of stores that are in the services' logs or in Redis' own: each service has the rights that its
    /// work needs.
    fn denied(&mut self) -> Vec<String> {
        const REFUSALS: [&str; 3] = ["permission denied", "row-level security", "Permissions Violation"];
        let refused = |line: &&str| REFUSALS.iter().any(|refusal| line.contains(refusal));
        let mut denied = Vec::new();
        for service in self.stack.services() {
            let name = service.process.name().to_owned();
            denied
                .extend(service.process.log().lines().filter(refused).map(|line| format!("{name}: {line}")));
        }
        // A test may have killed Redis.
        denied.extend(redis_refusal(&self.redis.operator).unwrap_or_default());
        denied
    }

    /// The stores, with everybody's way into them.
    pub fn stores(&self) -> &Stores {
        &self.stores
    }

    /// Removes everything that NATS, which has been killed, keeps.
    ///
    /// # Panics
    /// It cannot be removed.
    pub fn wipe_nats(&self) {
        let directory = self.directory.as_ref().expect("it is only gone when the engine is");
        std::fs::remove_dir_all(directory.path().join("nats")).unwrap();
    }

    fn process(&mut self, part: Part) -> (&Supervisor, &mut Process) {
        let process = match part {
            Part::Postgres => &mut self.own_postgres.as_mut().expect("a PostgreSQL of its own").process,
            Part::Nats => &mut self.nats.process,
            Part::Redis => &mut self.redis.process,
            Part::Router => &mut self.stack.router.process,
            Part::Executor(index) => &mut self.stack.executors[index].process,
            Part::Gateway(index) => &mut self.stack.gateways[index].process,
        };
        (&self.supervisor, process)
    }

    /// A part that is a service.
    pub fn service(&mut self, part: Part) -> Option<&mut Service> {
        match part {
            Part::Postgres | Part::Nats | Part::Redis => None,
            Part::Router => Some(&mut self.stack.router),
            Part::Executor(index) => self.stack.executors.get_mut(index),
            Part::Gateway(index) => self.stack.gateways.get_mut(index),
        }
    }

    /// The cluster's ledger of every transaction, in the order of its happening.
    ///
    /// # Panics
    /// It cannot be read.
    pub fn ledger(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.stack.ledger).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Runs the operators' program, and gives what it says.
    ///
    /// # Panics
    /// It fails.
    pub fn ops(&self, arguments: &[&str]) -> String {
        let programs = services_folder(Variant::Usual).unwrap();
        xtask::stack::ops(&programs, &self.stores.operator, arguments).unwrap()
    }

    /// Runs `ops check` with an executor's settings but for these, and gives its exit code and what it said.
    ///
    /// # Panics
    /// It does not start.
    pub fn check(&self, settings: &[(&str, &str)]) -> (Option<i32>, String) {
        let programs = services_folder(Variant::Usual).unwrap();
        let cluster = format!("http://{}", self.stack.sandbox.address);
        let wallet = self.stack.wallet.display().to_string();
        let usual = [("SOLANA_RPC_URL", cluster.as_str()), ("KEYPAIR", &wallet)];
        let settings: Vec<_> = usual.into_iter().chain(settings.iter().copied()).collect();
        xtask::stack::check(&programs, &self.stores.executor, &settings).unwrap()
    }

    /// The signatures of the transactions that landed with success, in their order.
    ///
    /// # Panics
    /// The ledger cannot be read.
    pub fn landed(&self) -> Vec<String> {
        let ledger = self.ledger();
        let well = ledger.iter().filter(|line| line["kind"] == "landed" && line["err"].is_null());
        well.map(|line| line["signature"].as_str().unwrap().to_owned()).collect()
    }

    /// The rows that a statement in this engine's database gives, as text.
    ///
    /// # Panics
    /// It fails.
    pub fn query(&self, statement: &str) -> Vec<Vec<Option<String>>> {
        postgres::query(self.owner(), self.database(), statement).unwrap()
    }

    /// Runs a statement in this engine's database.
    ///
    /// # Panics
    /// It fails.
    pub fn sql(&self, statement: &str) {
        postgres::execute(self.owner(), self.database(), statement).unwrap();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            if let Some(directory) = &self.directory {
                eprintln!("the logs of this engine are in {}", directory.path().join("logs").display());
            }
            return;
        }
        let denied = self.denied();
        // A test that wants to see them end in good order does so itself.
        let services = self.stack.services().map(|service| &mut service.process);
        let servers = [&mut self.redis.process, &mut self.nats.process];
        let killed = services.chain(servers).try_for_each(|process| self.supervisor.kill(process));
        let dropped = match &mut self.own_postgres {
            Some(postgres) => postgres.stop(&self.supervisor),
            None => drop_database(&self.stores, &self.backup()),
        };
        let removed = self.directory.take().map_or(Ok(()), Directory::remove);
        for error in [killed, dropped, removed].into_iter().filter_map(Result::err) {
            eprintln!("taking an engine down: {error:#}");
        }
        assert!(denied.is_empty(), "a service lacks a right on a store:\n{}", denied.join("\n"));
    }
}

/// An environment variable for every process of one service.
pub fn setting(service: &'static str, key: &'static str, value: &str) -> Setting {
    Setting { service, key, value: value.to_owned() }
}

/// Waits until `condition` gives something.
///
/// # Panics
/// It did not within the time that a test has patience for.
pub async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// The owner of the server that all tests may use.
fn shared_postgres() -> Result<Login> {
    let url = std::env::var("TEST_DATABASE_URL")
        .map_err(|_| anyhow::anyhow!("set TEST_DATABASE_URL, or run `cargo xtask test`"))?;
    Login::parse(&url).context("reading TEST_DATABASE_URL")
}

/// A command or a login that Redis has refused, if there is one.
fn redis_refusal(operator: &Login) -> Result<Option<String>> {
    let mut stream = BufReader::new(TcpStream::connect(operator.address)?);
    stream.get_ref().set_read_timeout(Some(PATIENCE))?;
    write!(stream.get_mut(), "AUTH {} {}\r\nACL LOG 1\r\nQUIT\r\n", operator.user, operator.password)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok((answer != "+OK\r\n*0\r\n+OK\r\n").then(|| format!("redis: {answer}")))
}

/// Removes what an engine has in a server that others use: its databases, then its roles.
fn drop_database(stores: &Stores, backup: &str) -> Result<()> {
    let Stores { operator, gateway, executor } = stores;
    let databases =
        [operator.database.as_str(), backup].map(|name| format!("DATABASE IF EXISTS {name} WITH (FORCE)"));
    let roles = [gateway, executor].map(|access| format!("ROLE IF EXISTS {}", access.postgres.user));
    databases.iter().chain(&roles).try_for_each(|what| {
        postgres::execute(&operator.postgres, postgres::FIRST_DATABASE, &format!("DROP {what}"))
    })
}

/// Where cargo has put the services: the folder above the one with this test. Those that can be asked
/// for faults or defects are in folders of their own.
fn services_folder(variant: Variant) -> Result<PathBuf> {
    let this = std::env::current_exe().context("asking where this test is")?;
    let services = this.ancestors().nth(2).context("this test is in a folder of the target folder")?;
    Ok(match variant {
        Variant::Faulty => workspace::programs_beside(services, "faults"),
        Variant::Usual | Variant::OwnPostgres if std::env::var_os("DEFECT").is_some() => {
            workspace::programs_beside(services, "defects")
        }
        Variant::Usual | Variant::OwnPostgres => services.to_owned(),
    })
}
