use crate::cargo::{self, Interrupt};
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::path::Path;
use std::process::{Command, Stdio};

/// The mistakes that the services can be asked to make: see the crate `faults`.
const DEFECTS: [&str; 7] = [
    "no_fence",
    "ack_before_commit",
    "sign_again_on_timeout",
    "no_write_ahead",
    "publish_without_sweep",
    "seq_from_memory",
    "anchor_loosened_on_retry",
];

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Which defects; all of them if none is named
    #[arg(value_parser = DEFECTS)]
    defects: Vec<String>,
    /// How many seeds may pass before a defect counts as not found
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// How long orders are placed and faults happen, with each seed
    #[arg(long, default_value_t = 60)]
    seconds: u64,
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
    let defects = match options.defects.is_empty() {
        true => DEFECTS.map(str::to_owned).to_vec(),
        false => options.defects.clone(),
    };
    let mut found = Vec::new();
    for defect in &defects {
        println!("{defect}");
        let mut finding = None;
        for seed in 1..=options.seeds {
            ensure!(!interrupt.raised(), "interrupted");
            let breaches = breaches(&chaos, &faulty, defect, seed, options.seconds)?;
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
        let invariant = violation.split(' ').next();
        if !first.iter().any(|earlier| earlier.split(' ').next() == invariant) {
            first.push(violation.to_owned());
        }
    }
    first
}

fn report(found: &[(&String, Option<Finding>)]) {
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
        let (seed, broken) = finding.as_ref().map_or(("none".to_owned(), String::new()), |finding| {
            let names = finding.breaches.iter().filter_map(|breach| breach.split(' ').next());
            (finding.seed.to_string(), names.collect::<Vec<_>>().join(", "))
        });
        println!("| `{defect}` | {seed} | {broken} |");
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
