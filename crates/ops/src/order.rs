//! Single orders and transactions that need a person's word.

use crate::Said;
use crate::story::Story;
use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use journal::{Journal, Landings};
use order_core::{Signature, order};
use serde_json::json;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the story of an order: its events with the time between them, and what to do if it is stuck.
    Show {
        /// Its id.
        id: order::Id,
    },
    /// End a submitted order whose transaction no node decides, by evidence of your own.
    Settle {
        /// Its id.
        id: order::Id,
        /// The outcome of its transaction.
        #[arg(long)]
        outcome: Outcome,
        /// Your evidence, for the record: for example what two explorers show.
        #[arg(long)]
        evidence: String,
    },
}

/// The outcome of a transaction.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Outcome {
    /// It is in a finalized block, without an error.
    Landed,
    /// It is in no block, or with an error, and can never land again.
    NotLanded,
}

pub(crate) async fn run(journal: &Journal, command: Command) -> anyhow::Result<Said> {
    match command {
        Command::Show { id } => show(journal, id).await,
        Command::Settle { id, outcome, evidence } => settle(journal, id, outcome, &evidence).await,
    }
}

async fn show(journal: &Journal, id: order::Id) -> anyhow::Result<Said> {
    let events = journal.history.read(id, 0).await?.context("there is no such order")?;
    let standing = journal.history.standing(id).await?;
    let halt = journal.trading.halted().await?;
    let story = Story::of(id, &events, standing.as_ref(), halt.as_ref())?;
    Said::about(story.text(), story)
}

async fn settle(journal: &Journal, id: order::Id, outcome: Outcome, evidence: &str) -> anyhow::Result<Said> {
    let (landed, status) = match outcome {
        Outcome::Landed => (true, "confirmed"),
        Outcome::NotLanded => (false, "failed"),
    };
    journal.orders.settle(id, landed, evidence).await?;
    Said::about(format!("settled {id}: {status}"), json!({ "orderId": id.to_string(), "status": status }))
}

pub(crate) async fn adopt(landings: &Landings, signature: &Signature, reason: &str) -> anyhow::Result<Said> {
    landings.adopt(signature, reason).await?;
    Said::about(format!("adopted {signature}"), json!({ "signature": signature.to_string() }))
}
