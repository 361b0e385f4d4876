//! Single orders and transactions that need a person's word.

use crate::Said;
use clap::{Subcommand, ValueEnum};
use journal::{Landings, Orders};
use order_core::{Signature, order};
use serde_json::json;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
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

pub(crate) async fn run(orders: &Orders, command: Command) -> anyhow::Result<Said> {
    let Command::Settle { id, outcome, evidence } = command;
    let (landed, status) = match outcome {
        Outcome::Landed => (true, "confirmed"),
        Outcome::NotLanded => (false, "failed"),
    };
    orders.settle(id, landed, &evidence).await?;
    Said::about(format!("settled {id}: {status}"), json!({ "orderId": id.to_string(), "status": status }))
}

pub(crate) async fn adopt(landings: &Landings, signature: &Signature, reason: &str) -> anyhow::Result<Said> {
    landings.adopt(signature, reason).await?;
    Said::about(format!("adopted {signature}"), json!({ "signature": signature.to_string() }))
}
