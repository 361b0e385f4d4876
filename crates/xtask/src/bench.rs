use crate::cargo::{self, Interrupt};
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use xtask::workspace;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Another revision to build and to measure in turns with this one: a commit, a tag or a branch
    #[arg(long)]
    compare: Option<String>,
    /// How long each load is kept up, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Number of times that everything is measured
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// Only these series; `target/release/bench --help` lists them
    #[arg(long)]
    only: Vec<String>,
    /// Print how long PostgreSQL took for each statement, after each series
    #[arg(long)]
    statements: bool,
    /// The folder for the tables, the JSON and the pictures
    #[arg(long, default_value = "target/bench")]
    output: PathBuf,
}

/// Builds the services as they are shipped, and becomes the program that measures them.
pub(crate) fn run(options: &Options) -> Result<()> {
    let interrupt = Interrupt::install()?;
    println!("Building the services in release. The first time this takes some minutes.");
    cargo::run(&["build", "--release", "--workspace", "--bins"], &[], &interrupt)?;
    let programs = cargo::target()?.join("release");
    let mut command = Command::new(programs.join("bench"));
    command.arg("--build").arg(build("this", &programs));
    if let Some(revision) = &options.compare {
        command.arg("--build").arg(build(revision, &other(revision, &interrupt)?));
    }
    command
        .args(["--seconds", &options.seconds.to_string()])
        .args(["--rounds", &options.rounds.to_string()])
        .args(options.only.iter().flat_map(|series| ["--only", series]))
        .args(options.statements.then_some("--statements"))
        .arg("--output")
        .arg(&options.output);
    Err(command.exec()).context("starting the benchmark")
}

fn build(name: &str, programs: &Path) -> String {
    format!("{name}={}", programs.display())
}

/// The services of another revision, from a work tree of its own, which is kept for the next time.
fn other(revision: &str, interrupt: &Interrupt) -> Result<PathBuf> {
    let commit = git(&["rev-parse", "--verify", "--short", &format!("{revision}^{{commit}}")])?;
    let name = format!("compare-{commit}");
    let tree = cargo::target()?.join(&name).join("sources");
    if !tree.exists() {
        let folder = tree.to_str().context("the path of the work tree is no text")?;
        git(&["worktree", "add", "--detach", folder, &commit])?;
    }
    println!("Building {commit} from {}.", tree.display());
    cargo::build_beside(&name, &tree, &["--release"], &[], interrupt)?;
    Ok(cargo::target()?.join(name).join("release"))
}

fn git(arguments: &[&str]) -> Result<String> {
    let output = Command::new("git").args(arguments).current_dir(workspace::root()).output();
    let output = output.context("running git")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`git {}` failed: {said}", arguments.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
