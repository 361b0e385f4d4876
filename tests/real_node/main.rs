//! `cargo xtask real-node`: the services on a real Solana node, and the sandbox beside it.
//!
//! The node is Agave's test validator, with the sandbox's accounts, and the pool programs that are given. It is asked
//! what the sandbox is asked, trades on every venue whose programs there are, stands still, and is killed.

mod books;
mod faults;
mod given;
mod report;
mod stage;
mod trader;
mod venues;

use anyhow::Result;
use books::Balances;
use clap::Parser;
use given::Given;
use report::Row;
use serde_json::{Value, json};
use stage::Stage;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use system_tests::Cluster;
use system_tests::conversation::{self, Node};

/// Runs the engine on a real node.
#[derive(Debug, Parser)]
struct Options {
    /// The test validator
    #[arg(long)]
    validator: PathBuf,
    /// A folder with pool programs, ADDRESS.so, and accounts, ADDRESS.json
    #[arg(long)]
    given: Option<PathBuf>,
    /// Trades without a lookup table, so that swaps over several pools take transactions of version 1
    #[arg(long)]
    without_lookup_table: bool,
    /// Writes what the validator says into tests/real_node/recorded.json
    #[arg(long)]
    record: bool,
}

/// Time over which slots are counted.
const SLOTS_TIME: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// True if nothing failed.
async fn run(options: Options) -> Result<bool> {
    let given = Given::read(options.given.as_deref())?;
    let mut stage = Stage::start(&options.validator, &given)?;
    let mut rows = Vec::new();
    // A program that a validator begins with can be called in the block after the first.
    books::settle(&stage).await?;
    converse(&mut stage, options.record, &mut rows).await?;
    rows.push(slots(&stage).await);
    let before = Balances::read(&stage).await?;
    if stage.venues.is_empty() {
        println!("NO VENUE HAS ITS PROGRAMS: give a folder with ADDRESS.so files by --given to trade");
    } else {
        stage.start_services(!options.without_lookup_table)?;
    }
    let traded = Box::pin(trade(&mut stage, &before, &mut rows)).await;
    if let Err(error) = traded {
        rows.push(Row::failed("everything else", &format!("{error:#}")));
    }
    report::print(&rows);
    let failed = rows.iter().any(Row::is_failed);
    stage.stop(failed)?;
    Ok(!failed)
}

async fn trade(stage: &mut Stage, before: &Balances, rows: &mut Vec<Row>) -> Result<()> {
    let mut orders = venues::trade(stage, rows).await?;
    if !stage.venues.is_empty() {
        orders.extend(faults::happen(stage, rows).await?);
    }
    stage.expect_running()?;
    if orders.is_empty() {
        return Ok(());
    }
    reckon(stage, before, &orders, rows).await
}

/// Compares what the orders say of themselves with what the node has in the end.
async fn reckon(stage: &Stage, before: &Balances, orders: &[Value], rows: &mut Vec<Row>) -> Result<()> {
    books::settle(stage).await?;
    let faults = books::landings(stage, orders).await?;
    let well = format!("{} orders, each landed once if it is confirmed, else never", orders.len());
    rows.push(Row::of("landings on the finalized chain", &faults, &well));
    let faults = Balances::read(stage).await?.faults(before, orders)?;
    rows.push(Row::of("the wallet's balances", &faults, "as the orders say, to the last unit"));
    Ok(())
}

/// Asks the validator and the sandbox the same, and compares.
async fn converse(stage: &mut Stage, record: bool, rows: &mut Vec<Row>) -> Result<()> {
    let mut sandbox = stage.sandbox()?;
    let beside = Node { rpc: sandbox.address, pubsub: sandbox.address };
    let (wallet, node) = (stage.keypair(), stage.node());
    let (real, other) =
        tokio::try_join!(conversation::play(node, &wallet), conversation::play(beside, &wallet))?;
    stage.supervisor.stop(&mut sandbox.process)?;
    if record {
        std::fs::write(conversation::recorded_file(), format!("{:#}\n", json!(real)))?;
    }
    let well = format!("{} answers and notifications, of the same shape as the sandbox's", real.len());
    rows.push(Row::of("conversation", &conversation::unexpected(&real, &other), &well));
    let recorded = conversation::recorded()?;
    let changed: Vec<String> = real
        .keys()
        .chain(recorded.keys())
        .filter(|step| real.get(*step) != recorded.get(*step))
        .cloned()
        .collect();
    rows.push(Row::of("recorded.json", &changed, "says the same as this validator"));
    Ok(())
}

/// How fast the node is, and how far its commitments are behind.
async fn slots(stage: &Stage) -> Row {
    let cluster = Cluster::new(stage.validator.rpc);
    let at = async |commitment: &str| {
        cluster.call("getSlot", json!([{ "commitment": commitment }])).await.as_u64().unwrap_or_default()
    };
    let (first, begun) = (at("processed").await, Instant::now());
    tokio::time::sleep(SLOTS_TIME).await;
    let [processed, confirmed, finalized] =
        [at("processed").await, at("confirmed").await, at("finalized").await];
    let per_slot = begun.elapsed().as_millis() / u128::from(processed.saturating_sub(first).max(1));
    let seen = format!(
        "{per_slot} ms each; confirmed {} and finalized {} slots behind",
        processed.saturating_sub(confirmed),
        processed.saturating_sub(finalized)
    );
    Row::passed("slots", &seen)
}
