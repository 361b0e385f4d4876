use crate::cargo::{self, Interrupt};
use anyhow::{Context, Result};
use clap::Args;
use xtask::process::Supervisor;
use xtask::servers::{Durability, Servers};
use xtask::stack::{self, Stores};
use xtask::{install, postgres, workspace};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// More arguments for `cargo test`, for example `-p journal`; the whole workspace without it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let interrupt = Interrupt::install()?;
    println!("[1/2] Building the services and their tests. The first time this takes some minutes.");
    cargo::build_faulty(&interrupt)?;
    build(&interrupt)?;
    println!("[2/2] Testing");
    let mut arguments = Vec::new();
    if options.arguments.is_empty() {
        // Before the tests, which would wait for it in vain.
        install::chromium()?;
        install::firefox()?;
        install::promtool()?;
        arguments.extend(["--workspace", "--no-fail-fast"].map(str::to_owned));
    }
    arguments.extend(options.arguments.iter().cloned());
    cargo_test(&arguments, &[], &interrupt)
}

/// Builds everything that tests need but the services with faults.
pub(crate) fn build(interrupt: &Interrupt) -> Result<()> {
    cargo::run(&["build", "--workspace", "--bins", "--tests", "--examples"], &[], interrupt)
}

/// Runs `cargo test` with servers of its own, which go with it if it succeeds.
pub(crate) fn cargo_test(
    arguments: &[String],
    environment: &[(&str, String)],
    interrupt: &Interrupt,
) -> Result<()> {
    workspace::remove_left_behind()?;
    let directory = workspace::Directory::fresh(&format!("test-{}", std::process::id()))?;
    let supervisor = Supervisor::new(&directory.path().join("logs"), false, Some(directory.lock()?))?;
    println!("Starting private PostgreSQL, Redis and NATS servers in {}", directory.path().display());
    let mut servers = Servers::start(&supervisor, directory.path(), Durability::Throwaway)?;
    let stores = Stores::create(&servers, postgres::MIGRATED)?;
    stack::ops(&cargo::programs()?, &stores.operator, &["migrate"])?;
    let mut environment = environment.to_vec();
    environment.extend([
        ("TEST_DATABASE_URL", postgres::url(&servers.postgres.operator, postgres::FIRST_DATABASE)),
        ("TEST_NATS_URL", servers.nats.operator.url("nats")),
        ("TEST_REDIS_URL", servers.redis.operator.url("redis")),
    ]);
    let arguments: Vec<&str> = std::iter::once("test").chain(arguments.iter().map(String::as_str)).collect();
    let outcome = cargo::run(&arguments, &environment, interrupt);
    servers.stop(&supervisor)?;
    outcome.with_context(|| format!("the servers' logs are in {}", directory.path().display()))?;
    directory.remove()
}
