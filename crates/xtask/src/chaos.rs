use crate::cargo::{self, Interrupt};
use anyhow::{Context, Result};
use clap::Args;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Which faults are drawn: the same seed draws the same schedule. Several one after the other: 1..20
    #[arg(long, alias = "seeds", default_value = "1")]
    seed: String,
    /// How long faults happen, for each seed
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

/// Builds the services and becomes the program that breaks them; it needs clients, which would make
/// this one slow to build.
pub(crate) fn run(options: &Options) -> Result<()> {
    let interrupt = Interrupt::install()?;
    println!("Building the services. The first time this takes some minutes.");
    cargo::run(&["build", "--workspace", "--bins"], &[], &interrupt)?;
    let program = cargo::programs()?.join("chaos");
    let error = Command::new(&program)
        .args(["--seed", &options.seed, "--seconds", &options.seconds.to_string()])
        .exec();
    Err(error).with_context(|| format!("starting {}", program.display()))
}
