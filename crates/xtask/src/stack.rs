//! The engine's own processes: a local cluster, a router, executors and gateways.

use crate::login::{Login, write_private};
use crate::process::{Process, Signal, Supervisor, wait_until};
use crate::servers::{Server, Servers, Users};
use crate::{http, port, postgres};
use anyhow::{Context, Result, ensure};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Everything is ready within a second or two; a loaded machine may take its time.
const READY_TIMEOUT: Duration = Duration::from_secs(90);

/// The address lookup table that the local cluster begins with.
pub const LOOKUP_TABLE: &str = "4ezRjbnj3kfpF2DgfaQGvWpW3G5nxWJ5QKw6njFxfeGA";

/// The stores that a stack works on, and who gets into them with what.
#[derive(Debug, Clone)]
pub struct Stores {
    /// Of the operators, who own everything.
    pub operator: Access,
    /// Of the gateways.
    pub gateway: Access,
    /// Of the executors.
    pub executor: Access,
}

/// One user's way into each store.
#[derive(Debug, Clone)]
pub struct Access {
    /// The name of the database.
    pub database: String,
    /// PostgreSQL.
    pub postgres: Login,
    /// NATS.
    pub nats: Login,
    /// Redis.
    pub redis: Login,
}

impl Stores {
    /// The stores with this database, which its owner has made, and these users, which are let into it by
    /// [`Stack::start`].
    pub fn new(database: &str, owner: &Login, users: &Users, redis: &Server, nats: &Server) -> Self {
        let access = |postgres: &Login, nats: &Login, redis: &Login| Access {
            database: database.to_owned(),
            postgres: postgres.clone(),
            nats: nats.clone(),
            redis: redis.clone(),
        };
        Self {
            operator: access(owner, &nats.operator, &redis.operator),
            gateway: access(&users.gateway, &nats.users.gateway, &redis.users.gateway),
            executor: access(&users.executor, &nats.users.executor, &redis.users.executor),
        }
    }

    /// Creates the database in these servers.
    ///
    /// # Errors
    /// PostgreSQL refuses.
    pub fn create(servers: &Servers, database: &str) -> Result<Self> {
        let owner = &servers.postgres.operator;
        postgres::execute(owner, postgres::FIRST_DATABASE, &format!("CREATE DATABASE {database}"))?;
        Ok(Self::new(database, owner, &servers.postgres.users, &servers.redis, &servers.nats))
    }

    /// Every password.
    pub fn passwords(&self) -> Vec<&str> {
        [&self.operator, &self.gateway, &self.executor]
            .into_iter()
            .flat_map(|access| [&access.postgres, &access.nats, &access.redis])
            .map(|login| login.password.as_str())
            .collect()
    }
}

impl Access {
    /// The settings of a process with this access: each variable with its URL.
    pub fn settings(&self) -> [(&'static str, String); 3] {
        [
            ("DATABASE_URL", postgres::url(&self.postgres, &self.database)),
            ("NATS_URL", self.nats.url("nats")),
            ("REDIS_URL", self.redis.url("redis")),
        ]
    }
}

/// An environment variable for every process of one service.
#[derive(Debug, Clone)]
pub struct Setting {
    /// `sandbox`, `router`, `executor` or `gateway`.
    pub service: &'static str,
    /// The variable's name. `LISTEN` of the sandbox or the router says where to find it, too; of a list
    /// with commas, the first.
    pub key: &'static str,
    /// The value.
    pub value: String,
}

/// How many processes there are, and how they differ from what a service does by itself.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many executors.
    pub executors: usize,
    /// How many gateways.
    pub gateways: usize,
    /// The first gateway's port, the others' follow it; None for any free ones.
    pub port: Option<u16>,
    /// More settings.
    pub settings: Vec<Setting>,
}

/// A running service.
#[derive(Debug)]
pub struct Service {
    /// The process.
    pub process: Process,
    /// Where it serves; an executor serves nobody, and has the admin port's address here.
    pub address: SocketAddr,
    /// Where its probes and metrics are.
    pub admin: SocketAddr,
}

impl Service {
    /// Checks that it says that it is ready, and its port answers.
    ///
    /// # Errors
    /// It is not.
    pub fn ready(&self) -> Result<()> {
        ready(self.admin, self.address)
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// It ends, or does not become ready.
    pub fn wait_until_ready(&mut self) -> Result<()> {
        let (admin, address) = (self.admin, self.address);
        let name = self.process.name().to_owned();
        wait_until(&name, READY_TIMEOUT, &mut self.process, || ready(admin, address))
    }
}

fn ready(admin: SocketAddr, address: SocketAddr) -> Result<()> {
    http::get(admin, "/readyz")?;
    TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
    Ok(())
}

/// The running processes. They are killed when dropped.
#[derive(Debug)]
pub struct Stack {
    /// The local cluster.
    pub sandbox: Service,
    /// The router.
    pub router: Service,
    /// The executors.
    pub executors: Vec<Service>,
    /// The gateways.
    pub gateways: Vec<Service>,
    /// The keypair of the wallet that the cluster has funded.
    pub wallet: PathBuf,
    /// The cluster's ledger of every transaction: a JSON object a line.
    pub ledger: PathBuf,
}

impl Stack {
    /// Makes the tables and starts every service from the programs in `programs`, each when what it
    /// needs is ready.
    ///
    /// # Errors
    /// A program is missing, ends, or does not become ready.
    pub fn start(
        supervisor: &Supervisor,
        programs: &Path,
        path: &Path,
        stores: &Stores,
        plan: &Plan,
    ) -> Result<Self> {
        let (wallet, ledger) = (path.join("wallet.json"), path.join("ledger"));
        let sandbox = sandbox(supervisor, programs, path, &plan.settings)?;
        let cluster = Cluster::at(sandbox.address);
        let services = Services::start(supervisor, programs, path, stores, plan, &cluster)?;
        let Services { router, executors, gateways } = services;
        Ok(Self { sandbox, router, executors, gateways, wallet, ledger })
    }

    /// Every service, those that stand on others first.
    pub fn services(&mut self) -> impl Iterator<Item = &mut Service> {
        self.gateways.iter_mut().chain(&mut self.executors).chain([&mut self.router, &mut self.sandbox])
    }

    /// Ends every service in good order.
    ///
    /// # Errors
    /// One cannot be ended.
    pub fn stop(&mut self, supervisor: &Supervisor) -> Result<()> {
        for service in self.services() {
            supervisor.stop(&mut service.process)?;
        }
        Ok(())
    }
}

/// Starts the local cluster. Its wallet is `wallet.json` in `path`, its ledger is `ledger` there.
///
/// # Errors
/// The program is missing, ends, or does not become ready.
pub fn sandbox(
    supervisor: &Supervisor,
    programs: &Path,
    path: &Path,
    settings: &[Setting],
) -> Result<Service> {
    let start = Start { supervisor, programs, settings };
    start.service("sandbox", "sandbox", start.listen("sandbox")?, |command| {
        command.env("WALLET", path.join("wallet.json")).env("LEDGER", path.join("ledger"));
    })
}

/// Writes the accounts that the local cluster begins with into a folder, for another node. The wallet is `wallet.json`
/// in `path`, and made if there is none.
///
/// # Errors
/// The program does not start, or fails.
pub fn dump_accounts(programs: &Path, path: &Path, folder: &Path) -> Result<()> {
    let program = programs.join("sandbox");
    let output = Command::new(&program)
        .arg("--dump")
        .arg(folder)
        .env("WALLET", path.join("wallet.json"))
        .env("ADMIN_LISTEN", port::free()?.to_string())
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {}", program.display()))?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    ensure!(output.status.success(), "`sandbox --dump` failed ({}):\n{said}", output.status);
    Ok(())
}

/// A node of the cluster that services trade on.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// The URL of its JSON-RPC.
    pub rpc: String,
    /// The URL of its PubSub, where the services cannot derive it from the other.
    pub pubsub: Option<String>,
}

impl Cluster {
    /// A node that speaks both on one port.
    pub fn at(address: SocketAddr) -> Self {
        Self { rpc: format!("http://{address}"), pubsub: None }
    }
}

/// The services that trade, on whatever cluster. They are killed when dropped.
#[derive(Debug)]
pub struct Services {
    /// The router.
    pub router: Service,
    /// The executors.
    pub executors: Vec<Service>,
    /// The gateways.
    pub gateways: Vec<Service>,
}

impl Services {
    /// Makes the tables and starts every service from the programs in `programs`, each when what it needs is
    /// ready. The executors' keypair is `wallet.json` in `path`.
    ///
    /// # Errors
    /// A program is missing, ends, or does not become ready.
    pub fn start(
        supervisor: &Supervisor,
        programs: &Path,
        path: &Path,
        stores: &Stores,
        plan: &Plan,
        cluster: &Cluster,
    ) -> Result<Self> {
        prepare(programs, path, stores)?;
        let wallet = path.join("wallet.json");
        let start = Start { supervisor, programs, settings: &plan.settings };
        let nodes = |command: &mut Command| {
            command.env("SOLANA_RPC_URL", &cluster.rpc);
            command.envs(cluster.pubsub.iter().map(|url| ("SOLANA_WS_URL", url)));
        };
        let router = start.service("router", "router", start.listen("router")?, nodes)?;
        let router_url = format!("http://{}", router.address);
        let shared = |command: &mut Command, access: &Access| {
            command.envs(access.settings()).env("ROUTER_URL", &router_url);
        };
        let executors = names("executor", plan.executors)
            .map(|name| {
                start.service("executor", &name, port::free()?, |command| {
                    shared(command, &stores.executor);
                    nodes(command);
                    command.env("KEYPAIR", &wallet);
                })
            })
            .collect::<Result<_>>()?;
        let gateways = names("gateway", plan.gateways)
            .enumerate()
            .map(|(index, name)| {
                let address = gateway_address(plan.port, index)?;
                start.service("gateway", &name, address, |command| shared(command, &stores.gateway))
            })
            .collect::<Result<_>>()?;
        Ok(Self { router, executors, gateways })
    }

    /// Every service, those that stand on others first.
    pub fn all(&mut self) -> impl Iterator<Item = &mut Service> {
        self.gateways.iter_mut().chain(&mut self.executors).chain([&mut self.router])
    }
}

/// `name`, or `name-1`, `name-2` and so on if there are several.
fn names(name: &'static str, count: usize) -> impl Iterator<Item = String> {
    (1..=count).map(move |number| if count == 1 { name.to_owned() } else { format!("{name}-{number}") })
}

fn gateway_address(first: Option<u16>, index: usize) -> Result<SocketAddr> {
    let Some(first) = first else { return port::free() };
    let wanted = first.checked_add(u16::try_from(index)?).context("there is no port above 65535")?;
    let address = port::local(wanted);
    ensure!(
        port::is_free(address),
        "port {wanted} is in use: end what uses it, or choose another with --port"
    );
    Ok(address)
}

/// Brings the database to the tables that the services expect, and lets the services in.
fn prepare(programs: &Path, path: &Path, stores: &Stores) -> Result<()> {
    ops(programs, &stores.operator, &["migrate"])?;
    for (service, access) in [("gateway", &stores.gateway), ("executor", &stores.executor)] {
        let password = path.join(format!("{service}.password"));
        write_private(&password, &access.postgres.verifier()?)?;
        let file = password.to_str().context("the directory's path is no text")?;
        let name = access.postgres.user.as_str();
        ops(
            programs,
            &stores.operator,
            &["database", "login", service, "--name", name, "--password-file", file],
        )?;
        std::fs::remove_file(&password).with_context(|| format!("removing {}", password.display()))?;
    }
    Ok(())
}

/// Runs the operators' program, and answers with what it said.
///
/// # Errors
/// It does not start, or fails.
pub fn ops(programs: &Path, operator: &Access, arguments: &[&str]) -> Result<String> {
    let program = programs.join("ops");
    let output = Command::new(&program)
        .args(arguments)
        .envs(operator.settings())
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {}", program.display()))?;
    ensure!(
        output.status.success(),
        "`ops {}` failed ({}):\n{}{}",
        arguments.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs `ops check` with an executor's settings, and answers with its exit code and all that it said.
///
/// # Errors
/// It does not start.
pub fn check(programs: &Path, executor: &Access, settings: &[(&str, &str)]) -> Result<(Option<i32>, String)> {
    let program = programs.join("ops");
    let output = Command::new(&program)
        .arg("check")
        .envs(executor.settings())
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {}", program.display()))?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.code(), String::from_utf8_lossy(&said).into_owned()))
}

struct Start<'a> {
    supervisor: &'a Supervisor,
    programs: &'a Path,
    settings: &'a [Setting],
}

impl Start<'_> {
    fn service(
        &self,
        service: &str,
        name: &str,
        address: SocketAddr,
        configure: impl Fn(&mut Command),
    ) -> Result<Service> {
        let admin = port::free()?;
        let mut command = Command::new(self.programs.join(service));
        command.env("ADMIN_LISTEN", admin.to_string()).env("LISTEN", address.to_string());
        configure(&mut command);
        for setting in self.settings.iter().filter(|setting| setting.service == service) {
            command.env(setting.key, &setting.value);
        }
        let process = self.supervisor.spawn(name, command, Signal::Terminate)?;
        let address = if service == "executor" { admin } else { address };
        let mut service = Service { process, address, admin };
        service.wait_until_ready()?;
        Ok(service)
    }

    /// Where a service listens that is to be found at an address known beforehand.
    fn listen(&self, service: &str) -> Result<SocketAddr> {
        let of_service = |setting: &&Setting| setting.service == service && setting.key == "LISTEN";
        match self.settings.iter().find(of_service) {
            Some(setting) => {
                let first = setting.value.split(',').next().unwrap_or_default();
                first.parse().with_context(|| format!("reading the address of the {service}"))
            }
            None => port::free(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_of_a_kind_are_numbered() {
        assert_eq!(names("gateway", 1).collect::<Vec<_>>(), ["gateway"]);
        assert_eq!(names("gateway", 2).collect::<Vec<_>>(), ["gateway-1", "gateway-2"]);
    }

    #[test]
    fn a_port_in_use_is_refused_with_what_to_do() {
        let listener = std::net::TcpListener::bind(port::free().unwrap()).unwrap();
        let taken = listener.local_addr().unwrap().port();
        let error = gateway_address(Some(taken), 0).unwrap_err().to_string();
        assert!(error.contains("--port"), "{error}");
    }
}
