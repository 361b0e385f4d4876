use crate::cargo::{self, Interrupt};
use crate::test;
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::path::Path;
use std::process::{Command, Stdio};

/// The mistakes that the services can be asked to make (see the crate `faults`), each with its finder.
const DEFECTS: [(&str, Finder); 11] = [
    ("no_fence", Finder::Chaos(&["I4", "I6", "I8", "I11"])),
    ("ack_before_commit", Finder::Chaos(&["I1"])),
    ("sign_again_on_timeout", Finder::Chaos(&["I6", "I8"])),
    ("no_write_ahead", Finder::Chaos(&["I7"])),
    ("publish_without_sweep", Finder::Chaos(&["I3"])),
    ("seq_from_memory", Finder::Chaos(&["I13"])),
    ("reference_loosened_on_retry", Finder::Chaos(&["I10"])),
    ("marker_left_out", Finder::Chaos(&["I9"])),
    ("expiry_believed_from_one_node", Finder::Chaos(&["I8"])),
    ("permit_held", Finder::Test("doorbell::orders_that_wait_for_the_chain_hold_no_permit")),
    ("duplicate_publish", Finder::Test("doorbell::an_order_has_one_message_on_the_queue")),
];

/// The check that must find a defect.
#[derive(Debug, Clone, Copy)]
enum Finder {
    /// The chaos check, by one of these invariants: a run that breaks others has found something else.
    Chaos(&'static [&'static str]),
    /// A system test that passes without the defect.
    Test(&'static str),
}

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Which defects; all of them if none is named
    #[arg(value_parser = DEFECTS.map(|(defect, _)| defect))]
    defects: Vec<String>,
    /// How many seeds may pass before a defect counts as not found
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// How long orders are placed and faults happen, with each seed
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

impl Options {
    fn asks_for(&self, defect: &str) -> bool {
        self.defects.is_empty() || self.defects.iter().any(|asked| asked == defect)
    }
}

/// What a defect was found by.
enum Finding {
    Seed {
        seed: u64,
        /// The first breach of each invariant.
        breaches: Vec<String>,
    },
    Test(&'static str),
}

/// Runs the finder of each defect until it finds something.
pub(crate) fn run(options: &Options) -> Result<()> {
    let interrupt = Interrupt::install()?;
    println!("Building the services, with and without defects. The first time this takes some minutes.");
    let faulty = cargo::build_faulty(&interrupt)?;
    test::build(&interrupt)?;
    let mut found = Vec::new();
    for (defect, finder) in DEFECTS.into_iter().filter(|(defect, _)| options.asks_for(defect)) {
        println!("{defect}");
        let finding = match finder {
            Finder::Chaos(breaks) => by_chaos(options, &faulty, defect, breaks, &interrupt)?,
            Finder::Test(name) => by_test(name, defect, &interrupt)?,
        };
        found.push((defect, finding));
    }
    report(&found);
    let escaped = found.iter().filter(|(_, finding)| finding.is_none()).count();
    ensure!(escaped == 0, "{escaped} defects were not found");
    Ok(())
}

fn by_chaos(
    options: &Options,
    faulty: &Path,
    defect: &str,
    breaks: &[&str],
    interrupt: &Interrupt,
) -> Result<Option<Finding>> {
    let chaos = cargo::programs()?.join("chaos");
    for seed in 1..=options.seeds {
        ensure!(!interrupt.raised(), "interrupted");
        let mut breaches = breaches(&chaos, faulty, defect, seed, options.seconds)?;
        breaches.retain(|breach| breaks.contains(&invariant(breach)));
        if !breaches.is_empty() {
            return Ok(Some(Finding::Seed { seed, breaches }));
        }
    }
    Ok(None)
}

/// A test that fails with the defect has found it, if it passes without.
fn by_test(name: &'static str, defect: &str, interrupt: &Interrupt) -> Result<Option<Finding>> {
    let arguments = ["--workspace", "--test", "system", "--", "--exact", name].map(str::to_owned);
    test::cargo_test(&arguments, &[], interrupt)
        .with_context(|| format!("{name} must pass without a defect"))?;
    let outcome = test::cargo_test(&arguments, &[("DEFECT", defect.to_owned())], interrupt);
    ensure!(!interrupt.raised(), "interrupted");
    Ok(outcome.err().map(|_| Finding::Test(name)))
}

/// The first violation of each invariant that one run finds.
fn breaches(chaos: &Path, faulty: &Path, defect: &str, seed: u64, seconds: u64) -> Result<Vec<String>> {
    let output = Command::new(chaos)
        .args(["--seed", &seed.to_string(), "--seconds", &seconds.to_string(), "--programs"])
        .arg(faulty)
        // The chaos check itself passes it on to the services, and is built without defects.
        .env("DEFECT", defect)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("starting {}", chaos.display()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = text.lines().last().unwrap_or_default();
    println!("  {last}");
    let ended = last.starts_with("chaos: ") && !text.contains("the run came to no end");
    ensure!(ended, "a run must end to say something:\n{text}");
    Ok(first_of_each(&text))
}

fn first_of_each(text: &str) -> Vec<String> {
    let mut first: Vec<String> = Vec::new();
    for violation in text.lines().filter_map(|line| line.strip_prefix("violation: ")) {
        if !first.iter().any(|earlier| invariant(earlier) == invariant(violation)) {
            first.push(violation.to_owned());
        }
    }
    first
}

/// The name that a violation begins with.
fn invariant(violation: &str) -> &str {
    violation.split(' ').next().unwrap_or_default()
}

fn report(found: &[(&str, Option<Finding>)]) {
    for (defect, finding) in found {
        match finding {
            Some(Finding::Seed { seed, breaches }) => {
                println!("{defect}: found with seed {seed}");
                breaches.iter().for_each(|breach| println!("  {breach}"));
            }
            Some(Finding::Test(name)) => println!("{defect}: found by {name}"),
            None => println!("{defect}: NOT FOUND"),
        }
    }
    println!("\n| defect | seed | by |\n|---|---|---|");
    for (defect, finding) in found {
        let (seed, by) = match finding {
            Some(Finding::Seed { seed, breaches }) => {
                let broken: Vec<&str> = breaches.iter().map(|breach| invariant(breach)).collect();
                (seed.to_string(), broken.join(", "))
            }
            Some(Finding::Test(name)) => (String::new(), format!("`{name}`")),
            None => ("none".to_owned(), String::new()),
        };
        println!("| `{defect}` | {seed} | {by} |");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_invariant_is_shown_once() {
        let text = "seed 1\nviolation: I7 one\nviolation: I7 two\nviolation: I6 three\nchaos: seed=1";
        assert_eq!(first_of_each(text), ["I7 one", "I6 three"]);
        assert_eq!(first_of_each("chaos: seed=1"), Vec::<String>::new());
    }
}
