//! What operators do to the journal's database. It is migrated by hand, never at a service's start,
//! so that a new version that cannot start changes nothing.

use clap::{Parser, Subcommand};
use journal::{Error, Journal};
use std::process::ExitCode;

/// An operator's command needs no more than one at a time.
const CONNECTIONS: u32 = 1;

/// The durable record of every order: commands for its operators.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The PostgreSQL database, as postgres://user:password@host:port/name.
    #[arg(long, env, hide_env_values = true)]
    database_url: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring the database's schema up to this version.
    Migrate,
    /// Stop trading: gateways refuse new orders, and executors sign nothing new. What was sent
    /// already is followed to its end.
    Halt {
        /// Why, for whoever finds it stopped.
        #[arg(long)]
        reason: String,
    },
    /// Let trading go on.
    Resume,
    /// Say what waits, since when, whether trading is halted, and what was spent today.
    Status,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Arguments { database_url, command } = Arguments::parse();
    match run(&database_url, command).await {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(database_url: &str, command: Command) -> Result<String, Error> {
    if let Command::Migrate = command {
        Journal::migrate(database_url).await?;
        return Ok("the database is up to date".to_owned());
    }
    let journal = Journal::connect(database_url, CONNECTIONS).await?;
    match command {
        Command::Migrate => Ok(String::new()),
        Command::Halt { reason } => {
            journal.halt(&reason).await?;
            halted(&journal).await
        }
        Command::Resume => Ok(match journal.resume().await? {
            true => "trading goes on".to_owned(),
            false => "trading was not halted".to_owned(),
        }),
        Command::Status => status(&journal).await,
    }
}

async fn halted(journal: &Journal) -> Result<String, Error> {
    Ok(match journal.halted().await? {
        Some(halt) => format!("halted since {}: {}", halt.at, halt.reason),
        None => "not halted".to_owned(),
    })
}

async fn status(journal: &Journal) -> Result<String, Error> {
    let halted = halted(journal).await?;
    let queue = journal.queue_stats().await?;
    let spent = journal.spent_today().await?;
    let oldest = queue.oldest_waiting_seconds;
    Ok(format!(
        "trading:         {halted}\n\
         backlog:         {} waiting, {} being worked on, {} to be tried again later\n\
         oldest waiting:  {oldest} s\n\
         spent today:     {spent} USD",
        queue.waiting, queue.active, queue.delayed
    ))
}
