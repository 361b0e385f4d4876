//! Venues: pool programs that orders may go over, or not.

use crate::Said;
use clap::Subcommand;
use journal::Trading;
use order_core::Venue;
use serde::Serialize;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List all venues, and since when and why some are disabled.
    List,
    /// Keep orders off a venue. A venue is disabled by itself when its program does not do what was calculated.
    Disable {
        /// Its name in the list.
        venue: Venue,
        /// The reason, for whoever finds it disabled.
        #[arg(long)]
        reason: String,
    },
    /// Let orders go over a venue again.
    Enable {
        /// Its name in the list.
        venue: Venue,
    },
}

#[derive(Debug, Serialize)]
struct Row {
    venue: &'static str,
    disabled: Option<Disabled>,
}

#[derive(Debug, Serialize)]
struct Disabled {
    since: String,
    reason: String,
}

pub(crate) async fn run(trading: &Trading, command: Command) -> anyhow::Result<Said> {
    match command {
        Command::List => {
            let rows = rows(trading).await?;
            Said::table(&rows, "there are no venues", ["VENUE", "STATE"], |row| {
                [row.venue.to_owned(), row.state()]
            })
        }
        Command::Disable { venue, reason } => {
            trading.disable_venue(venue, &reason).await?;
            let row = rows(trading).await?.into_iter().find(|row| row.venue == venue.name());
            let state = row.as_ref().map_or_else(String::new, Row::state);
            Said::about(format!("{venue}: {state}"), row)
        }
        Command::Enable { venue } => {
            let was_disabled = trading.enable_venue(venue).await?;
            let text = if was_disabled { "enabled again" } else { "was not disabled" };
            Said::about(format!("{venue}: {text}"), Row { venue: venue.name(), disabled: None })
        }
    }
}

async fn rows(trading: &Trading) -> anyhow::Result<Vec<Row>> {
    let disabled = trading.stops().await?.venues;
    let row = |venue: Venue| Row {
        venue: venue.name(),
        disabled: disabled
            .iter()
            .find(|disabled| disabled.venue == venue)
            .map(|disabled| Disabled { since: disabled.since.to_string(), reason: disabled.reason.clone() }),
    };
    Ok(Venue::ALL.into_iter().map(row).collect())
}

impl Row {
    fn state(&self) -> String {
        self.disabled.as_ref().map_or_else(
            || "enabled".to_owned(),
            |disabled| format!("disabled since {}: {}", disabled.since, disabled.reason),
        )
    }
}
