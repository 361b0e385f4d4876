use crate::cargo::{self, Interrupt};
use anyhow::{Context, Result};
use clap::Args;
use std::path::{Path, PathBuf};
use xtask::process::{POLL_INTERVAL, Supervisor};
use xtask::servers::{Durability, Servers};
use xtask::stack::{self, LOOKUP_TABLE, Plan, Setting, Stack, Stores};
use xtask::{login, workspace};

/// The name of the database.
pub(crate) const DATABASE: &str = "orders";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many executors work on the orders
    #[arg(long, default_value_t = 1)]
    executors: usize,
    /// How many gateways take orders, on ports that follow each other
    #[arg(long, default_value_t = 1)]
    gateways: usize,
    /// The (first) gateway's port
    #[arg(long, default_value_t = 3000)]
    port: u16,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let interrupt = Interrupt::install()?;
    println!(
        "[1/3] Building the services. The first time this compiles several hundred crates, an SVM among"
    );
    println!("      them, and takes some minutes; cargo tells how far it is. Later it takes seconds.");
    cargo::run(&["build", "--workspace", "--bins"], &[], &interrupt)?;

    let directory = workspace::Directory::fresh("up")?;
    let logs = directory.path().join("logs");
    println!(
        "[2/3] Starting private PostgreSQL, Redis and NATS servers; everybody's log is in {}",
        logs.display()
    );
    let quietly = Supervisor::new(&logs, false, Some(directory.lock()?))?;
    let mut servers = Servers::start(&quietly, directory.path(), Durability::Full)?;
    println!("[3/3] Starting the local cluster, the router, the executors and the gateways");
    let stores = Stores::create(&servers, DATABASE)?;
    let plan = Plan {
        executors: options.executors,
        gateways: options.gateways,
        port: Some(options.port),
        settings: ["router", "executor"].map(knows_table).to_vec(),
    };
    let aloud = Supervisor::new(&logs, true, Some(directory.lock()?))?;
    let programs = cargo::programs()?;
    let mut stack = Stack::start(&aloud, &programs, directory.path(), &stores, &plan)?;
    let key = first_key(&programs, &stores)?;
    let urls = write_urls(directory.path(), &stores)?;
    announce(&stack, &stores, &urls, &key);

    let outcome = watch(&mut stack, &mut servers, &interrupt);
    println!("Taking everything down");
    stack.stop(&aloud)?;
    servers.stop(&quietly)?;
    outcome
}

fn knows_table(service: &'static str) -> Setting {
    Setting { service, key: "LOOKUP_TABLES", value: LOOKUP_TABLE.to_owned() }
}

/// Issues a key that may do everything for the operator's account.
pub(crate) fn first_key(programs: &Path, stores: &Stores) -> Result<String> {
    let issue = ["key", "issue", "--scope", "read,trade,admin", "--label", "the first"];
    Ok(stack::ops(programs, &stores.operator, &issue)?.trim().to_owned())
}

/// Writes the operator's URLs of the stores to a file that its owner alone may read, as a shell takes them.
fn write_urls(path: &Path, stores: &Stores) -> Result<PathBuf> {
    let file = path.join("operator.env");
    let lines = stores.operator.settings().map(|(name, url)| format!("export {name}='{url}'\n"));
    login::write_private(&file, &lines.concat())?;
    Ok(file)
}

/// Returns when somebody wants this to end, or when something has ended by itself.
fn watch(stack: &mut Stack, servers: &mut Servers, interrupt: &Interrupt) -> Result<()> {
    while !interrupt.raised() {
        for process in stack.services().map(|service| &mut service.process).chain(servers.processes()) {
            process.expect_running().context("everything else ends too")?;
        }
        std::thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}

fn announce(stack: &Stack, stores: &Stores, urls: &Path, key: &str) {
    let rule = "-".repeat(98);
    println!("{rule}\nReady.\n");
    let line = |what: &str, value: String| println!("  {what:<18} {value}");
    for gateway in &stack.gateways {
        let name = gateway.process.name();
        line(name, format!("http://{}   (try it in a browser: http://{0}/docs)", gateway.address));
    }
    line("router (gRPC)", format!("{}", stack.router.address));
    line("Solana cluster", format!("http://{0}  ws://{0}", stack.sandbox.address));
    line("wallet", stack.wallet.display().to_string());
    let operator = &stores.operator;
    line("PostgreSQL", format!("{}, database {DATABASE}", operator.postgres.address));
    line("NATS, Redis", format!("{}  {}", operator.nats.address, operator.redis.address));
    line("their URLs", format!("{}   (with passwords; `.` it for ops)", urls.display()));
    let admin = stack.gateways.iter().chain(&stack.executors).chain([&stack.router, &stack.sandbox]);
    let admin = admin.map(|service| format!("http://{}/metrics", service.admin)).collect::<Vec<_>>();
    line("Prometheus", admin.join("  "));
    if let Some(gateway) = stack.gateways.first() {
        println!("\nThis key may do everything; `ops key issue` makes others. In another terminal:\n");
        println!("  export API_KEY={key}\n");
        println!("Then try an order:\n");
        println!("  curl -X POST http://{}/api/orders/execute \\", gateway.address);
        println!(r#"    -H "Authorization: Bearer $API_KEY" -H 'Content-Type: application/json' \"#);
        println!(r#"    -d '{{"tokenIn":"SOL","tokenOut":"USDC","amount":100,"maxSlippage":0.05}}'"#);
        println!("\nor place some and watch them live:\n");
        println!("  cargo run --example trade -- --url http://{}", gateway.address);
    }
    println!("\nThe services' logs follow. Ctrl-C takes everything down.\n{rule}");
}
