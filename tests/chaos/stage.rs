//! The whole engine, with a proxy on every connection and a hand on every process.

use crate::schedule::{EXECUTORS, GATEWAYS, LEASE, Link, NODES, Who, Witnesses};
use anyhow::{Context, Result};
use order_core::AccountId;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use system_tests::Proxy;
use xtask::servers::{Durability, Servers};
use xtask::stack::{Access, Plan, Setting, Stack, Stores};
use xtask::workspace::Directory;
use xtask::{Process, Supervisor, port, postgres};

const DATABASE: &str = "orders";

/// Short slots, so that transactions expire within the run.
const SLOT_MS: u64 = 50;

/// Prices move a little, so that some orders meet their limits.
const PRICE_VOLATILITY_BPS: u64 = 2;

/// The clients are not to be limited: all have the same address.
const ORDERS_PER_MINUTE: u64 = 1_000_000;

/// Secret that no log may have: in the URLs of the nodes, which want no key.
pub(crate) const NODE_KEY: &str = "canary-of-the-node-key";

/// The account that gets tips, in the runs that pay them.
const TIP_ACCOUNT: &str = "9F74TjpF9PEe23WvDSo6VoA4nNfZAkm3AnK47NU69eMF";

/// The most that a transaction tips. The first of three attempts pays a quarter, which is enough to open an account.
const TIP_LAMPORTS_MAX: u64 = 4_000_000;

/// The accounts that trade, each with a key of its own.
const ACCOUNTS: [&str; 2] = ["desk", "rival"];

/// PostgreSQL starts in a second or two; a loaded machine may take its time.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Everything that runs.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) supervisor: Supervisor,
    pub(crate) servers: Servers,
    pub(crate) stores: Stores,
    pub(crate) stack: Stack,
    pub(crate) links: BTreeMap<Link, Proxy>,
    pub(crate) witnesses: Witnesses,
    /// The keys of [`ACCOUNTS`].
    pub(crate) keys: [String; 2],
    programs: PathBuf,
    directory: Directory,
}

impl Stage {
    /// Starts everything, from the services in `programs`, or else those beside this program.
    pub(crate) async fn start(seed: u64, programs: Option<PathBuf>) -> Result<Self> {
        let directory = Directory::fresh(&format!("chaos-{seed}"))?;
        let path = directory.path();
        let supervisor = Supervisor::new(&path.join("logs"), false, Some(directory.lock()?))?;
        let mut servers = Servers::start(&supervisor, path, Durability::Full)?;
        let owner = servers.postgres.operator.clone();
        // The checker wants to know when each event was committed.
        let track = "ALTER SYSTEM SET track_commit_timestamp = on";
        postgres::execute(&owner, postgres::FIRST_DATABASE, track)?;
        let stores = Stores::create(&servers, DATABASE)?;
        supervisor.stop(&mut servers.postgres.process)?;
        supervisor.restart(&mut servers.postgres.process)?;
        xtask::process::wait_until("PostgreSQL", READY_WITHIN, &mut servers.postgres.process, || {
            postgres::execute(&owner, DATABASE, "SELECT 1")
        })?;

        let nodes = (0..NODES).map(|_| port::free()).collect::<Result<Vec<_>>>()?;
        let router = port::free()?;
        let witnesses = Witnesses::of(seed);
        let mut links = links(&servers, &nodes, router, witnesses).await?;
        let mut settings = settings(&stores, &links, &nodes, router, witnesses);
        if seed.is_multiple_of(2) {
            settings.extend(tips(links[&Link::ExecutorNode(0)].address));
        }
        let plan = Plan { executors: EXECUTORS, gateways: GATEWAYS, port: None, settings };
        let programs = programs.map_or_else(beside_this_program, Ok)?;
        let stack = Stack::start(&supervisor, &programs, path, &stores, &plan)?;
        for (index, gateway) in stack.gateways.iter().enumerate() {
            links.insert(Link::Client(index), Proxy::start(gateway.address).await?);
        }
        let keys = issue_keys(&programs, &stores.operator)?;
        Ok(Self { supervisor, servers, stores, stack, links, witnesses, keys, programs, directory })
    }

    /// The key of an account.
    pub(crate) fn key(&self, account: &AccountId) -> Result<&str> {
        let mut keys = ACCOUNTS.into_iter().zip(&self.keys);
        let found = keys.find(|(name, _)| *name == account.as_str());
        found.map(|(_, key)| key.as_str()).with_context(|| format!("{account} has no key"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The keypair of a wallet that owns nothing, in a file.
    pub(crate) fn other_keypair(&self) -> Result<PathBuf> {
        let path = self.stack.wallet.with_file_name("other-wallet.json");
        system_tests::write_other_keypair(&path).context("writing another keypair")?;
        Ok(path)
    }

    /// Where the clients reach the gateways.
    pub(crate) fn gateways(&self) -> Vec<SocketAddr> {
        (0..GATEWAYS)
            .filter_map(|index| self.links.get(&Link::Client(index)))
            .map(|link| link.address)
            .collect()
    }

    pub(crate) fn process(&mut self, who: Who) -> &mut Process {
        self.supervised(who).1
    }

    /// Ends a process at once.
    pub(crate) fn kill(&mut self, who: Who) -> Result<()> {
        let (supervisor, process) = self.supervised(who);
        supervisor.kill(process)
    }

    /// Starts a process again; it is ready some time later.
    pub(crate) fn restart(&mut self, who: Who) -> Result<()> {
        let (supervisor, process) = self.supervised(who);
        supervisor.restart(process)
    }

    fn supervised(&mut self, who: Who) -> (&Supervisor, &mut Process) {
        let process = match who {
            Who::Gateway(index) => &mut self.stack.gateways[index].process,
            Who::Router => &mut self.stack.router.process,
            Who::Executor(index) => &mut self.stack.executors[index].process,
            Who::Sandbox => &mut self.stack.sandbox.process,
            Who::Postgres => &mut self.servers.postgres.process,
            Who::Nats => &mut self.servers.nats.process,
            Who::Redis => &mut self.servers.redis.process,
        };
        (&self.supervisor, process)
    }

    /// The rows of a statement in the engine's database, asked without any proxy.
    pub(crate) fn query(&self, statement: &str) -> Result<Vec<postgres::Row>> {
        postgres::query(&self.stores.operator.postgres, DATABASE, statement)
    }

    /// Runs the operators' program.
    pub(crate) fn ops(&self, arguments: &[&str]) -> Result<String> {
        xtask::stack::ops(&self.programs, &self.stores.operator, arguments)
    }

    /// Copies the database, while nobody is connected to it for a moment.
    pub(crate) fn back_up(&self) -> Result<()> {
        self.alone(&["CREATE DATABASE backup TEMPLATE orders"])?;
        self.administer("ALTER DATABASE orders ALLOW_CONNECTIONS true")
    }

    /// Puts the copy in the database's place. The services that write must have ended.
    pub(crate) fn restore(&self) -> Result<()> {
        self.alone(&["DROP DATABASE orders", "ALTER DATABASE backup RENAME TO orders"])
    }

    /// Runs statements about the database that want nobody to be connected to it.
    fn alone(&self, statements: &[&str]) -> Result<()> {
        self.administer("ALTER DATABASE orders ALLOW_CONNECTIONS false")?;
        self.administer("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'orders'")?;
        let deadline = std::time::Instant::now() + READY_WITHIN;
        for statement in statements {
            // Sessions take a moment to end.
            while let Err(error) = self.administer(statement) {
                anyhow::ensure!(std::time::Instant::now() < deadline, "{statement}: {error:#}");
                std::thread::sleep(xtask::process::POLL_INTERVAL);
            }
        }
        Ok(())
    }

    fn administer(&self, statement: &str) -> Result<()> {
        postgres::execute(&self.stores.operator.postgres, postgres::FIRST_DATABASE, statement)
    }

    /// Checks that everything works.
    ///
    /// # Errors
    /// Something does not.
    pub(crate) fn ready(&mut self) -> Result<()> {
        self.query("SELECT 1")?;
        for service in self.stack.services() {
            service.ready().with_context(|| service.process.name().to_owned())?;
        }
        Ok(())
    }

    /// Takes everything down. What is left to read is removed unless `keep`.
    pub(crate) fn stop(mut self, keep: bool) -> Result<()> {
        self.stack.stop(&self.supervisor)?;
        self.servers.stop(&self.supervisor)?;
        if keep { Ok(()) } else { self.directory.remove() }
    }
}

async fn links(
    servers: &Servers,
    nodes: &[SocketAddr],
    router: SocketAddr,
    witnesses: Witnesses,
) -> Result<BTreeMap<Link, Proxy>> {
    let mut links = BTreeMap::new();
    for link in Link::ALL {
        let target = match link {
            // Where the gateways are is only known when they run.
            Link::Client(_) => continue,
            Link::GatewayPostgres | Link::ExecutorPostgres => servers.postgres.address,
            Link::GatewayNats | Link::ExecutorNats => servers.nats.address,
            Link::GatewayRedis | Link::ExecutorRedis => servers.redis.address,
            Link::GatewayRouter | Link::ExecutorRouter => router,
            Link::ExecutorNode(node) | Link::RouterNode(node) => nodes[node],
        };
        let host = match (link, witnesses) {
            (Link::ExecutorNode(node), Witnesses::Hosts | Witnesses::OneDenies) => {
                u8::try_from(node)?.saturating_add(2)
            }
            _ => 1,
        };
        let host = Ipv4Addr::new(127, 0, 0, host);
        links.insert(link, Proxy::start_on(host, target).await.context("starting a proxy")?);
    }
    Ok(links)
}

fn settings(
    stores: &Stores,
    links: &BTreeMap<Link, Proxy>,
    nodes: &[SocketAddr],
    router: SocketAddr,
    witnesses: Witnesses,
) -> Vec<Setting> {
    let at = |link: Link| links[&link].address;
    let list = |parts: Vec<String>| parts.join(",");
    let executors_nodes = if witnesses == Witnesses::OneNode { 1 } else { NODES };
    let node_urls = |link: fn(usize) -> Link, nodes: usize| {
        list((0..nodes).map(|node| format!("http://{}/?api-key={NODE_KEY}", at(link(node)))).collect())
    };
    let proxied = |access: &Access, [postgres, nats, redis]: [Link; 3]| {
        let Access { database, postgres: in_postgres, nats: in_nats, redis: in_redis } = access;
        let (postgres, nats, redis) =
            (in_postgres.at(at(postgres)), in_nats.at(at(nats)), in_redis.at(at(redis)));
        Access { database: database.clone(), postgres, nats, redis }.settings()
    };
    let gateway = proxied(&stores.gateway, [Link::GatewayPostgres, Link::GatewayNats, Link::GatewayRedis]);
    let executor =
        proxied(&stores.executor, [Link::ExecutorPostgres, Link::ExecutorNats, Link::ExecutorRedis]);
    let mut settings = vec![
        setting("sandbox", "LISTEN", list(nodes.iter().map(SocketAddr::to_string).collect())),
        setting("sandbox", "SLOT_MS", SLOT_MS.to_string()),
        setting("sandbox", "PRICE_VOLATILITY_BPS", PRICE_VOLATILITY_BPS.to_string()),
        setting("router", "LISTEN", router.to_string()),
        setting("router", "SOLANA_RPC_URL", node_urls(Link::RouterNode, NODES)),
        setting("executor", "LEASE_SECONDS", LEASE.as_secs().to_string()),
        setting("executor", "ROUTER_URL", format!("http://{}", at(Link::ExecutorRouter))),
        setting("executor", "SOLANA_RPC_URL", node_urls(Link::ExecutorNode, executors_nodes)),
        setting("gateway", "ORDERS_PER_MINUTE", ORDERS_PER_MINUTE.to_string()),
        setting("gateway", "ROUTER_URL", format!("http://{}", at(Link::GatewayRouter))),
    ];
    settings.extend(gateway.map(|(key, url)| setting("gateway", key, url)));
    settings.extend(executor.map(|(key, url)| setting("executor", key, url)));
    settings
}

/// Orders pay tips, and a block engine takes them too: the cluster behind another form. The smallest tip opens the
/// account that gets it.
fn tips(node: SocketAddr) -> [Setting; 4] {
    let most = TIP_LAMPORTS_MAX.to_string();
    [
        setting("executor", "SENDERS", format!("jito+http://{node}/?api-key={NODE_KEY}")),
        setting("executor", "TIP_ACCOUNTS", TIP_ACCOUNT.to_owned()),
        setting("executor", "MAX_TIP_LAMPORTS", most.clone()),
        setting("router", "MAX_TIP_LAMPORTS", most),
    ]
}

fn issue_keys(programs: &Path, operator: &Access) -> Result<[String; 2]> {
    let ops = |arguments: &[&str]| xtask::stack::ops(programs, operator, arguments);
    let issue = |account: &str| -> Result<String> {
        ops(&["account", "create", account])?;
        Ok(ops(&["key", "issue", "--account", account])?.trim().to_owned())
    };
    let [desk, rival] = ACCOUNTS.map(issue);
    Ok([desk?, rival?])
}

fn setting(service: &'static str, key: &'static str, value: String) -> Setting {
    Setting { service, key, value }
}

/// Where cargo has put the services: beside this program.
fn beside_this_program() -> Result<PathBuf> {
    let this = std::env::current_exe().context("asking where this program is")?;
    Ok(this.parent().context("this program is in a folder")?.to_owned())
}
