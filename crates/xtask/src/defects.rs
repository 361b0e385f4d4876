use crate::cargo::{self, Interrupt};
use crate::{mirror, test};
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use xtask::defect::{self, Defect, Finder};
use xtask::workspace;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Which defects; all of them if none is named
    defects: Vec<String>,
    /// How many seeds may pass before a defect counts as not found
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// How long orders are placed and faults happen, with each seed
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

impl Options {
    /// The defects that are asked for.
    fn chosen<'a>(&self, all: &'a [Defect]) -> Result<Vec<&'a Defect>> {
        if self.defects.is_empty() {
            return Ok(all.iter().collect());
        }
        let named = |name: &String| {
            let known = || all.iter().map(|defect| defect.name.as_str()).collect::<Vec<_>>().join(", ");
            let defect = all.iter().find(|defect| defect.name == *name);
            defect.with_context(|| format!("there is no defect `{name}`; there are {}", known()))
        };
        self.defects.iter().map(named).collect()
    }
}

/// The finding of a defect.
enum Finding {
    Seed {
        seed: u64,
        /// The first breach of each invariant.
        breaches: Vec<String>,
    },
    Test(String),
}

/// Runs the finder of each defect until it finds something.
pub(crate) fn run(options: &Options) -> Result<()> {
    let interrupt = Interrupt::install()?;
    let all = defect::all()?;
    let chosen = options.chosen(&all)?;
    println!("Building the services, with and without defects. The first time this takes some minutes.");
    test::build(&interrupt)?;
    let faulty = build(&all, &interrupt)?;
    let mut found = Vec::new();
    for defect in chosen {
        println!("{}", defect.name);
        let finding = match &defect.finder {
            Finder::Chaos(breaks) => by_chaos(options, &faulty, &defect.name, breaks, &interrupt)?,
            Finder::Test(name) => by_test(name, &defect.name, &interrupt)?,
        };
        found.push((defect, finding));
    }
    report(&found);
    let escaped = found.iter().filter(|(_, finding)| finding.is_none()).count();
    ensure!(escaped == 0, "{escaped} defects were not found");
    Ok(())
}

/// Builds the services from a copy of the sources with all patches; the environment chooses the mistake.
fn build(defects: &[Defect], interrupt: &Interrupt) -> Result<PathBuf> {
    let copy = cargo::target()?.join("defects").join("source");
    mirror::mirror(&workspace::root(), &copy, &defect::patched(defects)?)?;
    // What members are built into has the same names as in the usual build, unless a wrapper builds them.
    // `env` runs the compiler and does nothing besides.
    let apart = [("RUSTC_WORKSPACE_WRAPPER", "env".to_owned())];
    cargo::build_beside("defects", &copy, &[], &apart, interrupt)
}

fn by_chaos(
    options: &Options,
    faulty: &Path,
    defect: &str,
    breaks: &[String],
    interrupt: &Interrupt,
) -> Result<Option<Finding>> {
    let chaos = cargo::programs()?.join("chaos");
    for seed in 1..=options.seeds {
        ensure!(!interrupt.raised(), "interrupted");
        let mut breaches = breaches(&chaos, faulty, defect, seed, options.seconds)?;
        breaches.retain(|breach| breaks.iter().any(|broken| broken == invariant(breach)));
        if !breaches.is_empty() {
            return Ok(Some(Finding::Seed { seed, breaches }));
        }
    }
    Ok(None)
}

/// A test that fails with the defect has found it, if it passes without.
fn by_test(name: &str, defect: &str, interrupt: &Interrupt) -> Result<Option<Finding>> {
    let arguments = ["--workspace", "--test", "system", "--", "--exact", name].map(str::to_owned);
    test::cargo_test(&arguments, &[], interrupt)
        .with_context(|| format!("{name} must pass without a defect"))?;
    let outcome = test::cargo_test(&arguments, &[("DEFECT", defect.to_owned())], interrupt);
    ensure!(!interrupt.raised(), "interrupted");
    Ok(outcome.err().map(|_| Finding::Test(name.to_owned())))
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
    let ended = last.starts_with("chaos: ") && !text.contains(" the run came to no end");
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

fn report(found: &[(&Defect, Option<Finding>)]) {
    for (Defect { name, .. }, finding) in found {
        match finding {
            Some(Finding::Seed { seed, breaches }) => {
                println!("{name}: found with seed {seed}");
                breaches.iter().for_each(|breach| println!("  {breach}"));
            }
            Some(Finding::Test(test)) => println!("{name}: found by {test}"),
            None => println!("{name}: NOT FOUND"),
        }
    }
    println!("\n| mistake | what it is | with seed | found by |\n|---|---|---|---|");
    for (Defect { name, mistake, .. }, finding) in found {
        let (seed, by) = match finding {
            Some(Finding::Seed { seed, breaches }) => {
                let broken: Vec<&str> = breaches.iter().map(|breach| invariant(breach)).collect();
                (seed.to_string(), broken.join(", "))
            }
            Some(Finding::Test(test)) => (String::new(), format!("`{test}`")),
            None => ("none".to_owned(), String::new()),
        };
        println!("| `{name}` | {mistake} | {seed} | {by} |");
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
