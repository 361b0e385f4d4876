use crate::cargo::{self, Interrupt};
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::path::Path;
use std::process::{Command, Stdio};

/// The mistakes that the services can be asked to make (see the crate `faults`), each with the
/// invariants of which it must be seen to break one: a run that breaks others has found something else.
const DEFECTS: [(&str, &[&str]); 8] = [
    ("no_fence", &["I4", "I6", "I8", "I11"]),
    ("ack_before_commit", &["I1"]),
    ("sign_again_on_timeout", &["I6", "I8"]),
    ("no_write_ahead", &["I7"]),
    ("publish_without_sweep", &["I3"]),
    ("seq_from_memory", &["I13"]),
    ("anchor_loosened_on_retry", &["I10"]),
    ("marker_left_out", &["I9"]),
];

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
struct Finding {
    seed: u64,
    /// The first breach of each invariant.
    breaches: Vec<String>,
}

/// Runs the chaos check on each defect until it finds something.
pub(crate) fn run(options: &Options) -> Result<()> {
    let interrupt = Interrupt::install()?;
    println!("Building the services, with and without defects. The first time this takes some minutes.");
    let faulty = cargo::build_faulty(&interrupt)?;
    cargo::run(&["build", "--workspace", "--bins"], &[], &interrupt)?;
    let chaos = cargo::programs()?.join("chaos");
    let mut found = Vec::new();
    for (defect, breaks) in DEFECTS.into_iter().filter(|(defect, _)| options.asks_for(defect)) {
        println!("{defect}");
        let mut finding = None;
        for seed in 1..=options.seeds {
            ensure!(!interrupt.raised(), "interrupted");
            let mut breaches = breaches(&chaos, &faulty, defect, seed, options.seconds)?;
            breaches.retain(|breach| breaks.contains(&invariant(breach)));
            if !breaches.is_empty() {
                finding = Some(Finding { seed, breaches });
                break;
            }
        }
        found.push((defect, finding));
    }
    report(&found);
    let escaped = found.iter().filter(|(_, finding)| finding.is_none()).count();
    ensure!(escaped == 0, "{escaped} defects were not found within {} seeds", options.seeds);
    Ok(())
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
            Some(Finding { seed, breaches }) => {
                println!("{defect}: found with seed {seed}");
                breaches.iter().for_each(|breach| println!("  {breach}"));
            }
            None => println!("{defect}: NOT FOUND"),
        }
    }
    println!("\n| defect | seed | broken |\n|---|---|---|");
    for (defect, finding) in found {
        let (seed, broken) = finding.as_ref().map_or(("none".to_owned(), Vec::new()), |finding| {
            let broken = finding.breaches.iter().map(|breach| invariant(breach)).collect();
            (finding.seed.to_string(), broken)
        });
        println!("| `{defect}` | {seed} | {} |", broken.join(", "));
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
