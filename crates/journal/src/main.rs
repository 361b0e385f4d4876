//! Brings the journal's database up to this version: `journal migrate`. Never done at a service's
//! start, so that a new version that cannot start changes nothing.

use clap::{Parser, Subcommand};
use journal::Journal;
use std::process::ExitCode;

/// The durable record of every order.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring the database's schema up to this version.
    Migrate {
        /// The PostgreSQL database, as postgres://user:password@host:port/name.
        #[arg(long, env, hide_env_values = true)]
        database_url: String,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Command::Migrate { database_url } = Arguments::parse().command;
    match Journal::migrate(&database_url).await {
        Ok(()) => {
            println!("the database is up to date");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
