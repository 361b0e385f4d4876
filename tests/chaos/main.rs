//! `cargo xtask chaos`: the whole engine as real processes, clients that trade, a seed's worth of faults,
//! and then the question whether anything was lost, doubled, stuck or untrue.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking"))]

mod checker;
mod client;
mod cluster;
mod evidence;
mod load;
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
use load::Load;
use nemesis::Tally;
use seeds::Seeds;
use stage::Stage;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use summary::Outcome;
use tokio::time::Instant;
use xtask::process::InVain;

/// How long orders may take to come to their ends when all faults are over and every service was replaced.
pub(crate) const QUIET_WITHIN: Duration = Duration::from_secs(120);

/// The exit code if nothing was violated, but some run came to no end on an overloaded machine.
const INCONCLUSIVE: u8 = 75;

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
    let load = Load::watch();
    let mut outcomes = Vec::new();
    for seed in seeds.iter() {
        let outcome = run(seed, Duration::from_secs(seconds), programs.clone(), &load)
            .await
            .unwrap_or_else(|error| unfinished(seed, Tally::default(), &load, &error));
        println!("seed {seed}: {}", summary::counts(std::slice::from_ref(&outcome)));
        outcomes.push(outcome);
    }
    println!("{}", summary::table(&outcomes));
    println!("chaos: seed={seeds} {}", summary::counts(&outcomes));
    if outcomes.iter().any(|outcome| outcome.violations > 0) {
        ExitCode::FAILURE
    } else if outcomes.iter().any(|outcome| outcome.inconclusive) {
        ExitCode::from(INCONCLUSIVE)
    } else {
        ExitCode::SUCCESS
    }
}

/// The outcome of a run that came to no end: a violation, unless something was waited for in vain while other
/// programs left the engine too little of the machine. What was seen before that is a violation all the same.
fn unfinished(seed: u64, tally: Tally, load: &Load, error: &anyhow::Error) -> Outcome {
    for text in &tally.breakdowns {
        println!("violation: I20 {text}");
    }
    let excess = load.excess().filter(|_| was_too_slow(error));
    match excess {
        None => println!("violation: the run came to no end: {error:#}"),
        Some(part) => println!(
            "inconclusive: the run came to no end while other programs had {:.0} % of the processors: {error:#}",
            part * 100.0
        ),
    }
    let violations = tally.breakdowns.len() + usize::from(excess.is_none());
    Outcome { seed, orders: 0, tally, violations, inconclusive: excess.is_some() }
}

/// True if something was not there in time, which says nothing of what it would have been.
fn was_too_slow(error: &anyhow::Error) -> bool {
    let timed_out = |kind| matches!(kind, ErrorKind::TimedOut | ErrorKind::WouldBlock);
    error.is::<InVain>()
        || error.chain().any(|cause| {
            let io = cause.downcast_ref::<std::io::Error>().is_some_and(|error| timed_out(error.kind()));
            io || cause.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_timeout)
        })
}

async fn run(seed: u64, length: Duration, programs: Option<PathBuf>, load: &Load) -> Result<Outcome> {
    let schedule = schedule::draw(seed, length);
    println!("seed {seed}: starting everything; {} faults in {} s", schedule.len(), length.as_secs());
    let mut stage = Stage::start(seed, programs).await?;
    let balances_before = evidence::balances(&stage).await?;

    let log = log::Log::create(&stage.path().join("client.log"))?;
    let workload = Arc::new(Workload::new(seed, stage.gateways(), stage.keys.clone(), log.lines())?);
    let clients = tokio::spawn(Arc::clone(&workload).run());
    let lines = log.lines();
    let (back, tally, outcome) = tokio::task::spawn_blocking(move || {
        let (tally, outcome) = nemesis::run(&mut stage, &schedule, length, schedule::restores(seed), &lines);
        (stage, tally, outcome)
    })
    .await?;
    stage = back;
    if let Err(error) = outcome {
        return Ok(unfinished(seed, tally, load, &error));
    }
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
    let orders = evidence.orders.len();
    Ok(Outcome { seed, orders, tally, violations: violations.len(), inconclusive: false })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_not_there_in_time_is_excused() {
        let slow = anyhow::Error::new(std::io::Error::from(ErrorKind::WouldBlock)).context("asking");
        assert!(was_too_slow(&slow));
        assert!(was_too_slow(
            &anyhow::anyhow!("refused").context(InVain("not ready".to_owned())).context("run")
        ));
        assert!(was_too_slow(&anyhow::anyhow!(InVain("not ready".to_owned()))));
        assert!(!was_too_slow(&anyhow::Error::new(std::io::Error::from(ErrorKind::ConnectionRefused))));
        assert!(!was_too_slow(&anyhow::anyhow!("an order without an id")));
    }
}
