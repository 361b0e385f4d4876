//! What operators do to the journal. Its database is migrated by hand, never at a service's start, so
//! that a new version that cannot start changes nothing.

use clap::{Args, Parser, Subcommand, ValueEnum};
use journal::{DisabledVenue, Journal, Month, Parked, Queue};
use order_core::{Signature, Venue, order};
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

/// An operator's command needs no more than one at a time.
const CONNECTIONS: u32 = 1;

/// How often a queue that does not answer is asked again, and after which pause.
const QUEUE_ASKED_MAX: u32 = 20;
const QUEUE_ASK_AGAIN_AFTER: Duration = Duration::from_millis(250);

/// How much of a message is shown.
const SHOWN_CHARACTERS: usize = 60;

type Said = Result<String, Box<dyn std::error::Error>>;

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
    /// Say what waits and since when, what is stopped, and what was spent today.
    Status,
    /// See to the venues, which are pool programs such as raydium_cpmm, that orders are kept off.
    #[command(subcommand)]
    Venue(VenueCommand),
    /// See to single orders.
    #[command(subcommand)]
    Order(OrderCommand),
    /// Note that you have seen a landed transaction which this database does not know, as after a restore. It
    /// no longer halts trading; then `resume`.
    Adopt {
        /// The transaction's signature.
        signature: Signature,
        /// What became of it, for the record.
        #[arg(long)]
        reason: String,
    },
    /// See to the messages of the queue that nobody can work on.
    #[command(subcommand)]
    Parked(ParkedCommand),
    /// See to the months of orders that have ended.
    #[command(subcommand)]
    Archive(ArchiveCommand),
}

#[derive(Subcommand)]
enum OrderCommand {
    /// End a submitted order whose transaction no node decides, by evidence of your own.
    Settle {
        /// Its id.
        id: order::Id,
        /// What became of its transaction.
        #[arg(long)]
        outcome: Outcome,
        /// How you know, for the record: for example what two explorers show.
        #[arg(long)]
        evidence: String,
    },
}

/// What became of a transaction.
#[derive(Clone, Copy, ValueEnum)]
enum Outcome {
    /// It is in a finalized block, without an error.
    Landed,
    /// It is in no block, or with an error, and can never land again.
    NotLanded,
}

#[derive(Subcommand)]
enum VenueCommand {
    /// List all venues, and since when and why some are disabled.
    List,
    /// Keep orders off a venue. A venue is disabled by itself when its program does not do what was
    /// calculated.
    Disable {
        /// Its name in the list.
        venue: Venue,
        /// Why, for whoever finds it disabled.
        #[arg(long)]
        reason: String,
    },
    /// Let orders go over a venue again.
    Enable {
        /// Its name in the list.
        venue: Venue,
    },
}

#[derive(Subcommand)]
enum ParkedCommand {
    /// List them, oldest first.
    List,
    /// Put messages back on the queue. What still cannot be worked on is parked again.
    Replay {
        #[command(flatten)]
        which: Which,
        /// The queue of orders.
        #[arg(long, env, default_value = "nats://127.0.0.1:4222", hide_env_values = true)]
        nats_url: String,
    },
    /// Forget a message for good. Refused for an order that has not ended: it must go on.
    Discard {
        /// Its number in the list.
        id: i64,
    },
}

#[derive(Subcommand)]
enum ArchiveCommand {
    /// List the months, oldest first, and about how many orders each has.
    List,
    /// Take a month out of the lists, so that it can be dumped and dropped. Its orders are not found any
    /// more; their idempotency keys stay taken.
    Detach {
        /// Its name in the list.
        month: String,
    },
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Its number in the list.
    id: Option<i64>,
    /// All that are parked now.
    #[arg(long)]
    all: bool,
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

async fn run(database_url: &str, command: Command) -> Said {
    let journal = async || Journal::connect(database_url, CONNECTIONS).await;
    match command {
        Command::Migrate => {
            Journal::migrate(database_url).await?;
            Ok("the database is up to date".to_owned())
        }
        Command::Halt { reason } => {
            let journal = journal().await?;
            journal.halt(&reason).await?;
            halted(&journal).await
        }
        Command::Resume => Ok(match journal().await?.resume().await? {
            true => "trading goes on".to_owned(),
            false => "trading was not halted".to_owned(),
        }),
        Command::Status => status(&journal().await?).await,
        Command::Venue(command) => venue(&journal().await?, command).await,
        Command::Order(OrderCommand::Settle { id, outcome, evidence }) => {
            let landed = matches!(outcome, Outcome::Landed);
            journal().await?.settle(id, landed, &evidence).await?;
            Ok(format!("settled {id}: {}", if landed { "confirmed" } else { "failed" }))
        }
        Command::Adopt { signature, reason } => {
            journal().await?.adopt(&signature, &reason).await?;
            Ok(format!("adopted {signature}"))
        }
        Command::Parked(ParkedCommand::List) => Ok(list(&journal().await?.parked().await?)),
        Command::Parked(ParkedCommand::Replay { which, nats_url }) => {
            replay(&journal().await?, &which, &nats_url).await
        }
        Command::Archive(command) => archive(&journal().await?, command).await,
        Command::Parked(ParkedCommand::Discard { id }) => match journal().await?.discard(id).await? {
            true => Ok(format!("discarded {id}")),
            false => Err(format!("nothing is parked as {id}, or its order has not ended: replay it").into()),
        },
    }
}

async fn archive(journal: &Journal, command: ArchiveCommand) -> Said {
    match command {
        ArchiveCommand::List => {
            let months = journal.months().await?;
            Ok(months.iter().map(described).collect::<Vec<_>>().join("\n"))
        }
        ArchiveCommand::Detach { month } => {
            journal.detach_month(&month).await?;
            Ok(format!(
                "{month} is detached. Keep it with `pg_dump --schema={month}`, then remove it with \
                 `DROP SCHEMA {month} CASCADE`"
            ))
        }
    }
}

fn described(month: &Month) -> String {
    let Month { name, until, orders, .. } = month;
    match month.detached_at {
        Some(at) => format!("{name}: up to {until}, detached at {at}"),
        None => format!("{name}: up to {until}, about {orders} orders"),
    }
}

async fn halted(journal: &Journal) -> Said {
    Ok(match journal.halted().await? {
        Some(halt) => format!("halted since {}: {}", halt.at, halt.reason),
        None => "not halted".to_owned(),
    })
}

async fn venue(journal: &Journal, command: VenueCommand) -> Said {
    match command {
        VenueCommand::List => {
            let disabled = journal.stops().await?.venues;
            let lines = Venue::ALL.map(|venue| {
                let found = disabled.iter().find(|disabled| disabled.venue == venue);
                format!("{venue}: {}", found.map_or("enabled".to_owned(), describe))
            });
            Ok(lines.join("\n"))
        }
        VenueCommand::Disable { venue, reason } => {
            journal.disable_venue(venue, &reason).await?;
            let disabled = journal.stops().await?.venues;
            let found = disabled.iter().find(|disabled| disabled.venue == venue);
            Ok(format!("{venue}: {}", found.map_or("enabled again meanwhile".to_owned(), describe)))
        }
        VenueCommand::Enable { venue } => Ok(match journal.enable_venue(venue).await? {
            true => format!("orders may go over {venue} again"),
            false => format!("{venue} was not disabled"),
        }),
    }
}

fn describe(disabled: &DisabledVenue) -> String {
    format!("disabled since {}: {}", disabled.since, disabled.reason)
}

async fn status(journal: &Journal) -> Said {
    let halted = halted(journal).await?;
    let queue = journal.queue_stats().await?;
    let spent = journal.spent_today().await?;
    let parked = journal.count_parked().await?;
    let disabled: Vec<_> =
        journal.stops().await?.venues.iter().map(|disabled| disabled.venue.name()).collect();
    let disabled = if disabled.is_empty() { "none".to_owned() } else { disabled.join(", ") };
    Ok(format!(
        "trading:         {halted}\n\
         disabled venues: {disabled}\n\
         backlog:         {} waiting, {} being worked on, {} to be tried again later\n\
         oldest waiting:  {} s\n\
         spent today:     {spent} USD\n\
         parked messages: {parked}",
        queue.waiting, queue.active, queue.delayed, queue.oldest_waiting_seconds
    ))
}

fn list(parked: &[Parked]) -> String {
    let mut lines = format!("{} parked", parked.len());
    for Parked { id, payload, reason, times, first_at, last_at, .. } in parked {
        let payload = String::from_utf8_lossy(payload);
        let shown: String = payload.escape_debug().take(SHOWN_CHARACTERS).collect();
        // Writing into memory cannot fail.
        let _ = write!(lines, "\n{id}: \"{shown}\" {times} times from {first_at} to {last_at}: {reason}");
    }
    lines
}

async fn replay(journal: &Journal, which: &Which, nats_url: &str) -> Said {
    let queue = Queue::connect(nats_url).await?;
    for asked in 1.. {
        match queue.ping().await {
            Ok(()) => break,
            Err(error) if asked == QUEUE_ASKED_MAX => return Err(error.into()),
            Err(_) => tokio::time::sleep(QUEUE_ASK_AGAIN_AFTER).await,
        }
    }
    let mut parked = journal.parked().await?;
    if let Some(id) = which.id {
        parked.retain(|parked| parked.id == id);
        if parked.is_empty() {
            return Err(format!("nothing is parked as {id}").into());
        }
    }
    for parked in &parked {
        journal.replay(&queue, parked).await?;
    }
    Ok(format!("replayed {}", parked.len()))
}
