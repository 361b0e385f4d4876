//! The project's own commands: `cargo xtask up`, `cargo xtask test`, `cargo xtask chaos`,
//! `cargo xtask attack`, `cargo xtask bench`, `cargo xtask contract`, `cargo xtask real-node`,
//! `cargo xtask defects`.

mod attack;
mod bench;
mod cargo;
mod chaos;
mod contract;
mod defects;
mod mirror;
mod real_node;
mod test;
mod up;

use clap::Parser;
use std::process::ExitCode;

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Builds everything and runs it on this machine, with a local Solana cluster, until Ctrl-C
    Up(up::Options),
    /// Builds everything and runs every test against private PostgreSQL, Redis and NATS servers
    Test(test::Options),
    /// Builds everything, breaks it by the faults that a seed draws, and checks that no order was lost,
    /// doubled, stuck or untrue
    Chaos(chaos::Options),
    /// Builds everything, attacks the gateway with greedy clients, and checks that others do not notice
    Attack(attack::Options),
    /// Builds everything in release, and measures what orders, quotes and events cost and how long they take
    Bench(bench::Options),
    /// Builds the programs, and writes their settings into deploy/README.md, the compose files and .env.example, and
    /// their metrics into deploy/METRICS.md
    Configuration,
    /// Builds everything, and checks the API documents, generated clients and pages of a running gateway; needs
    /// Node.js, Python and Chromium
    Contract,
    /// Builds everything, and trades on a real Solana node, Agave's test validator, which is paused, killed and compared
    /// with the sandbox
    RealNode(real_node::Options),
    /// Builds the services with deliberate defects, and checks that the chaos check finds each of them
    Defects(defects::Options),
}

fn configuration() -> anyhow::Result<()> {
    test::build(&cargo::Interrupt::install()?)?;
    xtask::metric_table::write()?;
    xtask::configuration::write(&cargo::programs()?)
}

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Up(options) => up::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Chaos(options) => chaos::run(&options),
        Command::Attack(options) => attack::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Configuration => configuration(),
        Command::Contract => contract::run(),
        Command::RealNode(options) => real_node::run(&options),
        Command::Defects(options) => defects::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
