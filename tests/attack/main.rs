//! `cargo xtask attack`: greedy clients at the gateway's port, while others read and place orders.
//!
//! The attackers have one address, the others another. An attack has failed if the others do not notice it.

mod attackers;
mod memory;
mod others;
mod stage;

use anyhow::{Context, Result};
use attackers::{Attack, Attackers};
use clap::Parser;
use memory::Memory;
use others::{Others, Seen};
use stage::Stage;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Longest time that 99 % of the others' reads may take.
const READ_MAX: Duration = Duration::from_millis(250);

/// Longest time that 99 % of the others' orders may take to be accepted.
const ACCEPT_MAX: Duration = Duration::from_millis(500);

/// Most memory of the gateway during an attack, in kB.
const MEMORY_MAX_KB: u64 = 300 * 1024;

/// Most memory after an attack, as a percentage of before.
const MEMORY_AFTER_MAX_PERCENT: u64 = 120;

/// Time for the gateway to give up what is left of an attack: longer than its time-outs for idle and slow clients.
const REST: Duration = Duration::from_secs(15);

/// Time for the attackers to take their places before anything is measured.
const BUILD_UP: Duration = Duration::from_secs(3);

/// Attacks the gateway in every way, and measures what other clients notice.
#[derive(Debug, Parser)]
struct Options {
    /// How long others are measured under each attack, in seconds
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Only this attack
    #[arg(long)]
    only: Option<Attack>,
    /// The folder with the services, if they are not beside this program
    #[arg(long)]
    programs: Option<PathBuf>,
}

/// The exit code if others were not served well without an attack.
const INCONCLUSIVE: u8 = 75;

/// The outcome of all attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Unnoticed,
    Noticed,
    Inconclusive,
}

/// The measurements of one attack.
struct Outcome {
    attack: Attack,
    seen: Seen,
    before_kb: u64,
    during_kb: u64,
    after_kb: u64,
    connections: usize,
}

impl Outcome {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.seen.reads.count() == 0 || self.seen.accepts.count() == 0 {
            faults.push("others were not served at all".to_owned());
        }
        let (read, accept) = (self.seen.reads.percentile(99), self.seen.accepts.percentile(99));
        if read >= READ_MAX {
            faults.push(format!("a read in a hundred took {read:?} or more"));
        }
        if accept >= ACCEPT_MAX {
            faults.push(format!("an order in a hundred took {accept:?} or more to be accepted"));
        }
        faults.extend(self.seen.refusals.first().map(|first| {
            format!("{} requests of others were refused, the first with: {first}", self.seen.refusals.len())
        }));
        if self.during_kb >= MEMORY_MAX_KB {
            faults.push(format!("the gateway took {} MB", self.during_kb / 1024));
        }
        if self.after_kb * 100 > self.before_kb * MEMORY_AFTER_MAX_PERCENT {
            faults.push(format!("{} MB of {} were left", self.after_kb / 1024, self.before_kb / 1024));
        }
        faults
    }

    /// A line of the table.
    fn row(&self) -> String {
        let Seen { reads, accepts, refusals } = &self.seen;
        // Without a request there is no time.
        let ms = |time: Duration| if time == Duration::MAX { 0 } else { time.as_millis() };
        format!(
            "| {} | {} | {} / {} | {} / {} | {} + {} | {} | {} / {} / {} |",
            self.attack.name(),
            self.connections,
            ms(reads.percentile(50)),
            ms(reads.percentile(99)),
            ms(accepts.percentile(50)),
            ms(accepts.percentile(99)),
            reads.count(),
            accepts.count(),
            refusals.len(),
            self.before_kb / 1024,
            self.during_kb / 1024,
            self.after_kb / 1024,
        )
    }
}

const HEADER: &str = "| attack | most connections | reads p50 / p99, ms | accepts p50 / p99, ms | requests | refused | MB before / during / after |\n|---|---|---|---|---|---|---|";

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(Verdict::Unnoticed) => ExitCode::SUCCESS,
        Ok(Verdict::Noticed) => ExitCode::FAILURE,
        Ok(Verdict::Inconclusive) => ExitCode::from(INCONCLUSIVE),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the attacks one after the other.
async fn run(options: Options) -> Result<Verdict> {
    let mut stage = Stage::start(options.programs)?;
    let others = Others::new(stage.gateway()).await?;
    let length = Duration::from_secs(options.seconds);
    // The first requests open connections and fill pools.
    others.observe(length).await?;
    let wanted =
        |attack: &Attack| options.only.is_none_or(|only| only == *attack || *attack == Attack::Nobody);
    let attacks = Attack::ALL.into_iter().filter(wanted);
    let mut outcomes = Vec::new();
    for attack in attacks {
        let outcome = measure(&stage, &others, attack, length).await.context(attack.name())?;
        println!("{}", outcome.row());
        outcomes.push(outcome);
    }
    stage.expect_running()?;
    println!("\n{HEADER}");
    outcomes.iter().for_each(|outcome| println!("{}", outcome.row()));
    let verdict = judge(&outcomes);
    stage.stop(verdict != Verdict::Unnoticed)?;
    Ok(verdict)
}

/// Prints what others have noticed. Where they notice as much without an attack, nothing is known.
fn judge(outcomes: &[Outcome]) -> Verdict {
    let mut verdict = Verdict::Unnoticed;
    for outcome in outcomes {
        for fault in outcome.faults() {
            println!("noticed: {}: {fault}", outcome.attack.name());
            if outcome.attack == Attack::Nobody {
                println!("inconclusive: other programs leave the gateway too little of the machine");
                return Verdict::Inconclusive;
            }
            verdict = Verdict::Noticed;
        }
    }
    verdict
}

async fn measure(stage: &Stage, others: &Others, attack: Attack, length: Duration) -> Result<Outcome> {
    let before_kb = memory::resident_kb(stage.process())?;
    let memory = Memory::watch(stage.process());
    let attackers = Attackers::begin(attack, stage.gateway(), others.order())?;
    tokio::time::sleep(BUILD_UP).await;
    let seen = others.observe(length).await?;
    let connections = attackers.end();
    let during_kb = memory.most_kb();
    tokio::time::sleep(REST).await;
    let after_kb = memory::resident_kb(stage.process())?;
    Ok(Outcome { attack, seen, before_kb, during_kb, after_kb, connections })
}
