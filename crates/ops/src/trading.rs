//! The schema, the halt, and the state of the whole engine.

use crate::Said;
use journal::{Journal, Roles, Trading};
use serde::Serialize;

pub(crate) async fn migrate(database_url: &str) -> anyhow::Result<Said> {
    let text = match Journal::migrate(database_url).await? {
        Roles::Granted => "the database is up to date",
        Roles::NotAllowed => {
            "the database is up to date; its owner may not create the roles order_gateway and order_executor: \
             services can log in as the owner alone"
        }
    };
    Ok(Said::line(text))
}

pub(crate) async fn halt(trading: &Trading, reason: &str) -> anyhow::Result<Said> {
    trading.halt(reason).await?;
    let halted = halted(trading).await?;
    Said::about(text(halted.as_ref()), halted)
}

pub(crate) async fn resume(trading: &Trading) -> anyhow::Result<Said> {
    let was_halted = trading.resume().await?;
    let text = if was_halted { "trading goes on" } else { "trading was not halted" };
    Ok(Said::line(text))
}

#[derive(Debug, Serialize)]
struct Halted {
    since: String,
    reason: String,
}

async fn halted(trading: &Trading) -> anyhow::Result<Option<Halted>> {
    let halt = trading.halted().await?;
    Ok(halt.map(|halt| Halted { since: halt.at.to_string(), reason: halt.reason }))
}

fn text(halted: Option<&Halted>) -> String {
    halted.map_or_else(
        || "not halted".to_owned(),
        |halted| format!("halted since {}: {}", halted.since, halted.reason),
    )
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct State {
    halted: Option<Halted>,
    disabled_venues: Vec<&'static str>,
    waiting: u64,
    active: u64,
    delayed: u64,
    oldest_waiting_seconds: u64,
    spent_today_usd: String,
    parked_messages: u64,
}

pub(crate) async fn status(journal: &Journal) -> anyhow::Result<Said> {
    let queue = journal.reports.queue_stats().await?;
    let venues = journal.trading.stops().await?.venues;
    let state = State {
        halted: halted(&journal.trading).await?,
        disabled_venues: venues.iter().map(|disabled| disabled.venue.name()).collect(),
        waiting: queue.waiting,
        active: queue.active,
        delayed: queue.delayed,
        oldest_waiting_seconds: queue.oldest_waiting_seconds,
        spent_today_usd: journal.trading.spent_today().await?.to_string(),
        parked_messages: journal.parked.count().await?,
    };
    Said::about(state.text(), state)
}

impl State {
    fn text(&self) -> String {
        let disabled = match self.disabled_venues.join(", ") {
            none if none.is_empty() => "none".to_owned(),
            some => some,
        };
        format!(
            "trading:         {}\n\
             disabled venues: {disabled}\n\
             backlog:         {} waiting, {} being worked on, {} to be tried again later\n\
             oldest waiting:  {} s\n\
             spent today:     {} USD\n\
             parked messages: {}",
            text(self.halted.as_ref()),
            self.waiting,
            self.active,
            self.delayed,
            self.oldest_waiting_seconds,
            self.spent_today_usd,
            self.parked_messages
        )
    }
}
