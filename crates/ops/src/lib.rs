//! The operators' program: one command for what people do to a running engine.
//!
//! Architecture invariants: every command says what it did, as text for people and as JSON for programs. The
//! database is migrated by hand, never at a service's start, so that a version that cannot start changes nothing.

mod account;
mod archive;
mod check;
mod database;
mod key;
mod lookup_table;
mod order;
mod parked;
mod said;
mod story;
mod trading;
mod venue;

pub use said::Said;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use journal::Journal;
use order_core::Signature;
use std::ffi::OsString;

/// An operator's command needs no more than one connection at a time.
const CONNECTIONS: u32 = 1;

/// Operates the order execution engine.
#[derive(Debug, Parser)]
#[command(name = "ops", version)]
pub struct Arguments {
    /// The PostgreSQL database, as postgres://user:password@host:port/name.
    #[arg(long, env, hide_env_values = true, global = true)]
    database_url: Option<String>,
    /// Print JSON for programs instead of text for people.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look for everything that keeps an executor from trading or is dangerous: settings, wallets, nodes, limits,
    /// lookup tables, stores, clocks. Changes nothing; fails if there is a fault.
    Check {
        /// The executor's settings, as it takes them itself; the others are read from the environment.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        settings: Vec<OsString>,
    },
    /// Bring the database's schema up to this version, and give the services' roles their rights.
    Migrate,
    /// Let services log in to the database, each with the rights that it needs.
    #[command(subcommand)]
    Database(database::Command),
    /// Stop trading: gateways refuse new orders, and executors sign nothing new. Transactions that were sent
    /// are followed to their end.
    Halt {
        /// The reason, for whoever finds trading halted.
        #[arg(long)]
        reason: String,
    },
    /// Let trading go on.
    Resume,
    /// Show the backlog, a halt, disabled venues, parked messages, and what was spent today.
    Status,
    /// List and create accounts, which own orders.
    #[command(subcommand)]
    Account(account::Command),
    /// Issue, list, rotate and revoke API keys.
    #[command(subcommand)]
    Key(key::Command),
    /// List, disable and enable venues: pool programs such as raydium_cpmm.
    #[command(subcommand)]
    Venue(venue::Command),
    /// Show and settle single orders.
    #[command(subcommand)]
    Order(order::Command),
    /// Note that you have seen a landed transaction which this database does not know, as after a restore. It no
    /// longer halts trading; then `resume`.
    Adopt {
        /// The transaction's signature.
        signature: Signature,
        /// The reason, for the record.
        #[arg(long)]
        reason: String,
    },
    /// List, replay and discard messages of the queue that nobody can work on.
    #[command(subcommand)]
    Parked(parked::Command),
    /// List and detach months of orders that have ended.
    #[command(subcommand)]
    Archive(archive::Command),
    /// Create and extend address lookup tables: with one, more swaps fit into a transaction.
    LookupTable(lookup_table::Arguments),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page.
    Man,
}

/// Does what an operator asks for.
///
/// # Errors
/// The command was refused, or something that it needs does not answer.
pub async fn run(arguments: Arguments) -> anyhow::Result<Said> {
    let url =
        || arguments.database_url.as_deref().context("name the database: --database-url or DATABASE_URL");
    let journal = async || anyhow::Ok(Journal::connect(url()?, CONNECTIONS).await?);
    match arguments.command {
        Command::Check { settings } => check::run(arguments.database_url, settings).await,
        Command::Migrate => trading::migrate(url()?).await,
        Command::Database(command) => database::run(url()?, command).await,
        Command::Halt { reason } => trading::halt(&journal().await?.trading, &reason).await,
        Command::Resume => trading::resume(&journal().await?.trading).await,
        Command::Status => trading::status(&journal().await?).await,
        Command::Account(command) => account::run(&journal().await?.accounts, command).await,
        Command::Key(command) => key::run(&journal().await?.accounts, command).await,
        Command::Venue(command) => venue::run(&journal().await?.trading, command).await,
        Command::Order(command) => order::run(&journal().await?, command).await,
        Command::Adopt { signature, reason } => {
            order::adopt(&journal().await?.landings, &signature, &reason).await
        }
        Command::Parked(command) => parked::run(&journal().await?.parked, command).await,
        Command::Archive(command) => archive::run(&journal().await?.upkeep, command).await,
        Command::LookupTable(arguments) => lookup_table::run(arguments).await,
        Command::Completions { shell } => completions(shell),
        Command::Man => man(),
    }
}

fn completions(shell: Shell) -> anyhow::Result<Said> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "ops", &mut text);
    Ok(Said::line(String::from_utf8(text)?))
}

fn man() -> anyhow::Result<Said> {
    let mut text = Vec::new();
    clap_mangen::Man::new(Arguments::command()).render(&mut text)?;
    Ok(Said::line(String::from_utf8(text)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_is_in_the_completions_and_in_the_manual_page() {
        let (bash, page) = (completions(Shell::Bash).unwrap(), man().unwrap());
        for command in Arguments::command().get_subcommands() {
            assert!(bash.shown(false).contains(command.get_name()), "{}", command.get_name());
            assert!(
                page.shown(false).contains(&command.get_name().replace('-', "\\-")),
                "{}",
                command.get_name()
            );
        }
    }

    #[tokio::test]
    async fn a_command_without_a_database_says_how_to_name_it() {
        let arguments = Arguments { database_url: None, json: false, command: Command::Status };
        assert!(run(arguments).await.unwrap_err().to_string().contains("DATABASE_URL"));
    }
}
