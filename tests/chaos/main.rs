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
mod restore;
mod schedule;
mod seeds;
mod stage;
mod summary;
mod witness;

use anyhow::{Context, Result};
use clap::Parser;
use client::Workload;
use nemesis::Tally;
use seeds::Seeds;
use stage::Stage;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use summary::Outcome;
use tokio::time::Instant;

/// How long orders may take to come to their ends when all faults are over and every service was replaced.
pub(crate) const QUIET_WITHIN: Duration = Duration::from_secs(120);

/// Breaks the whole engine by a seed's faults and checks that no order is lost, doubled, stuck or untrue.
#[derive(Debug, Parser)]
struct Options {
    /// Which faults are drawn: the same seed draws the same schedule. Several one after the other: 1..20
    #[arg(long, alias = "seeds", default_value = "1")]
    seed: Seeds,
    /// How long faults happen, for each seed
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The folder with the services, if they are not beside this program
    #[arg(long)]
    programs: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Options { seed: seeds, seconds, programs } = Options::parse();
    let mut outcomes = Vec::new();
    for seed in seeds.iter() {
        let outcome =
            run(seed, Duration::from_secs(seconds), programs.clone()).await.unwrap_or_else(|error| {
                println!("violation: the run came to no end: {error:#}");
                Outcome { seed, orders: 0, tally: Tally::default(), violations: 1 }
            });
        println!("seed {seed}: {}", summary::counts(std::slice::from_ref(&outcome)));
        outcomes.push(outcome);
    }
    println!("{}", summary::table(&outcomes));
    println!("chaos: seed={seeds} {}", summary::counts(&outcomes));
    if outcomes.iter().all(|outcome| outcome.violations == 0) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn run(seed: u64, length: Duration, programs: Option<PathBuf>) -> Result<Outcome> {
    let schedule = schedule::draw(seed, length);
    println!("seed {seed}: starting everything; {} faults in {} s", schedule.len(), length.as_secs());
    let mut stage = Stage::start(seed, programs).await?;
    let balances_before = evidence::balances(&stage).await?;

    let log = log::Log::create(&stage.path().join("client.log"))?;
    let workload = Arc::new(Workload::new(seed, stage.gateways(), log.lines())?);
    let clients = tokio::spawn(Arc::clone(&workload).run());
    let lines = log.lines();
    let (back, tally) = tokio::task::spawn_blocking(move || {
        let tally = nemesis::run(&mut stage, &schedule, length, schedule::restores(seed), &lines);
        (stage, tally)
    })
    .await?;
    stage = back;
    let tally = tally?;
    println!("all faults are over, and every service was replaced: waiting for quiet");
    let give_up = Instant::now() + QUIET_WITHIN;
    workload.stop();
    drop(workload);
    clients.await.context("the clients")?;
    let lines = log.read()?;
    evidence::quiet(&stage, give_up).await?;

    let evidence = evidence::gather(&mut stage, lines, balances_before, tally.clone()).await?;
    let violations = checker::check(&evidence);
    report(&evidence, &violations);
    stage.stop(!violations.is_empty())?;
    Ok(Outcome { seed, orders: evidence.orders.len(), tally, violations: violations.len() })
}

fn report(evidence: &checker::Evidence, violations: &[String]) {
    let confirmed = evidence.orders.values().filter(|order| order.status == "confirmed").count();
    let forgotten = evidence.queue.messages.len();
    println!("  {confirmed} orders confirmed; the killed queue forgot that {forgotten} messages were gone");
    if let Some(slowest) = evidence.orders.values().max_by_key(|order| order.age_ms) {
        println!("  the slowest took {} ms: {}", slowest.age_ms, slowest.timeline());
    }
    for violation in violations {
        println!("violation: {violation}");
    }
}
