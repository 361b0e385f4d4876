//! Messages of the queue that nobody can work on.

use crate::Said;
use anyhow::{bail, ensure};
use clap::{Args, Subcommand};
use journal::{Parked, ParkedMessages, Queue};
use serde::Serialize;
use serde_json::json;
use std::time::Duration;

/// Calls to a queue that does not answer, and the pause between them.
const QUEUE_ASKED_MAX: u32 = 20;
const QUEUE_ASK_AGAIN_AFTER: Duration = Duration::from_millis(250);

/// Most characters of a message that are shown to people.
const SHOWN_CHARACTERS: usize = 60;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List them, oldest first.
    List,
    /// Put messages back on the queue. Those that still cannot be worked on are parked again.
    Replay {
        #[command(flatten)]
        which: Which,
        /// The queue of orders.
        #[arg(long, env, default_value = "nats://127.0.0.1:4222", hide_env_values = true)]
        nats_url: String,
    },
    /// Delete a message. Refused for an order that has not ended: it must go on.
    Discard {
        /// Its number in the list.
        id: i64,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Which {
    /// Its number in the list.
    id: Option<i64>,
    /// All that are parked now.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: i64,
    payload: String,
    times: i64,
    first_at: String,
    last_at: String,
    reason: String,
}

pub(crate) async fn run(messages: &ParkedMessages, command: Command) -> anyhow::Result<Said> {
    match command {
        Command::List => {
            let rows: Vec<Row> = messages.list().await?.iter().map(Row::of).collect();
            let header = ["ID", "MESSAGE", "TIMES", "FIRST", "LAST", "REASON"];
            Said::table(&rows, "no message is parked", header, Row::cells)
        }
        Command::Replay { which, nats_url } => replay(messages, &which, &nats_url).await,
        Command::Discard { id } => {
            let discarded = messages.discard(id).await?;
            ensure!(discarded, "nothing is parked as {id}, or its order has not ended: replay it");
            Said::about(format!("discarded {id}"), json!({ "discarded": id }))
        }
    }
}

impl Row {
    fn of(parked: &Parked) -> Self {
        let Parked { id, payload, reason, times, first_at, last_at, .. } = parked;
        Self {
            id: *id,
            payload: String::from_utf8_lossy(payload).into_owned(),
            times: *times,
            first_at: first_at.to_string(),
            last_at: last_at.to_string(),
            reason: reason.clone(),
        }
    }

    fn cells(&self) -> [String; 6] {
        let shown: String = self.payload.escape_debug().take(SHOWN_CHARACTERS).collect();
        let [first_at, last_at] = [&self.first_at, &self.last_at].map(String::clone);
        [
            self.id.to_string(),
            format!("\"{shown}\""),
            self.times.to_string(),
            first_at,
            last_at,
            self.reason.clone(),
        ]
    }
}

async fn replay(messages: &ParkedMessages, which: &Which, nats_url: &str) -> anyhow::Result<Said> {
    let queue = Queue::connect(nats_url).await?;
    for asked in 1.. {
        match queue.ping().await {
            Ok(()) => break,
            Err(error) if asked == QUEUE_ASKED_MAX => return Err(error.into()),
            Err(_) => tokio::time::sleep(QUEUE_ASK_AGAIN_AFTER).await,
        }
    }
    let mut parked = messages.list().await?;
    if let Some(id) = which.id {
        parked.retain(|parked| parked.id == id);
        if parked.is_empty() {
            bail!("nothing is parked as {id}");
        }
    }
    for parked in &parked {
        messages.replay(&queue, parked).await?;
    }
    Said::about(format!("replayed {}", parked.len()), json!({ "replayed": parked.len() }))
}
