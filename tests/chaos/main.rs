//! `cargo xtask chaos`: the whole engine as real processes, clients that trade, a seed's worth of faults,
//! and then the question whether anything was lost, doubled, stuck or untrue.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking"))]

mod checker;
mod client;
mod cluster;
mod evidence;
mod log;
mod nats;
mod nemesis;
mod random;
mod schedule;
mod stage;
mod witness;

use anyhow::{Context, Result};
use clap::Parser;
use client::Workload;
use nemesis::Tally;
use stage::Stage;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long everything may take to come to rest when all faults are over.
const QUIET_WITHIN: Duration = Duration::from_secs(120);

/// Breaks the whole engine by a seed's faults and checks that no order is lost, doubled, stuck or untrue.
#[derive(Debug, Parser)]
struct Options {
    /// Which faults are drawn: the same seed draws the same schedule
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long orders are placed and faults happen
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// How many violations there are.
async fn run(options: &Options) -> Result<usize> {
    let Options { seed, seconds } = *options;
    let length = Duration::from_secs(seconds);
    let schedule = schedule::draw(seed, length);
    println!("seed {seed}: starting everything; {} faults in {seconds} s", schedule.len());
    let mut stage = Stage::start(seed).await?;
    let balances_before = evidence::balances(&stage).await?;

    let log = log::Log::create(&stage.path().join("client.log"))?;
    let started = Instant::now();
    let (until, give_up) = (started + length, started + length + QUIET_WITHIN);
    let workload = Workload::new(seed, stage.gateways(), log.lines(), until, give_up)?;
    let clients = tokio::spawn(Arc::new(workload).run());
    let (back, tally) = tokio::task::spawn_blocking(move || {
        let tally = nemesis::run(&mut stage, &schedule, length);
        (stage, tally)
    })
    .await?;
    stage = back;
    let tally = tally?;
    println!("all faults are over: waiting for quiet");
    clients.await.context("the clients")?;
    let lines = log.read()?;
    evidence::quiet(&stage, give_up).await?;

    let evidence = evidence::gather(&stage, lines, balances_before, &tally).await?;
    let violations = checker::check(&evidence);
    report(seed, &evidence, &tally, &violations);
    stage.stop(!violations.is_empty())?;
    Ok(violations.len())
}

fn report(seed: u64, evidence: &checker::Evidence, tally: &Tally, violations: &[String]) {
    for (kind, count) in &tally.faults {
        println!("  {count:>3} {kind}");
    }
    let confirmed = evidence.orders.values().filter(|order| order.status == "confirmed").count();
    println!("  {confirmed} orders confirmed; {} messages left on the queue", evidence.messages);
    if let Some(slowest) = evidence.orders.values().max_by_key(|order| order.age_ms) {
        println!("  the slowest took {} ms: {}", slowest.age_ms, slowest.timeline());
    }
    for violation in violations {
        println!("violation: {violation}");
    }
    println!(
        "chaos: seed={seed} orders={} faults={} violations={}",
        evidence.orders.len(),
        tally.faults.values().sum::<usize>(),
        violations.len()
    );
}
