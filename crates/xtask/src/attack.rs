use crate::cargo::{self, Interrupt};
use anyhow::{Context, Result};
use clap::Args;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How long others are measured under each attack, in seconds
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Only this attack; `target/debug/attack --help` lists them
    #[arg(long)]
    only: Option<String>,
}

/// Builds the services and becomes the program that attacks them.
pub(crate) fn run(options: &Options) -> Result<()> {
    let interrupt = Interrupt::install()?;
    println!("Building the services. The first time this takes some minutes.");
    cargo::run(&["build", "--workspace", "--bins"], &[], &interrupt)?;
    let program = cargo::programs()?.join("attack");
    let mut command = Command::new(&program);
    command.args(["--seconds", &options.seconds.to_string()]);
    if let Some(only) = &options.only {
        command.args(["--only", only]);
    }
    Err(command.exec()).with_context(|| format!("starting {}", program.display()))
}
