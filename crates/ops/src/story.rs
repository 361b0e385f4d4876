//! The story of one order: its events in words, with the time between them, and what to do if it is stuck.

mod advice;

use advice::advice;
use chain::transaction::Version;
use journal::{Halt, Standing};
use order_core::order::{Event, Fill, Observation, Order, Recorded, Status};
use order_core::route::Leftover;
use order_core::{Atoms, Fraction, Quote, Timestamp, Token, order, token};
use serde::Serialize;

/// An order's story, for people and for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Story {
    order_id: String,
    account: String,
    status: &'static str,
    intent: String,
    /// From the first event to the last, in milliseconds.
    took_ms: i64,
    events: Vec<Line>,
    /// None if nobody need do anything.
    advice: Option<String>,
}

/// One event.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    seq: u64,
    attempt: u32,
    at: Timestamp,
    /// Since the event before, in milliseconds.
    after_ms: i64,
    kind: &'static str,
    text: String,
}

impl Story {
    /// The story that the events tell. `standing` is None for an order that has ended.
    ///
    /// # Errors
    /// The events are none of an order.
    pub(crate) fn of(
        id: order::Id,
        events: &[Recorded],
        standing: Option<&Standing>,
        halt: Option<&Halt>,
    ) -> anyhow::Result<Self> {
        let order = Order::replay(id, events)?;
        let mut before = None;
        let mut quoted = None;
        let mut lines = Vec::with_capacity(events.len());
        for recorded in events {
            if let Event::RouteChosen { quote } = &recorded.event {
                quoted = Some(quote.amount_out());
            }
            let after_ms = before.map_or(0, |before| milliseconds(before, recorded.at));
            lines.push(Line {
                seq: recorded.seq,
                attempt: recorded.attempt,
                at: recorded.at,
                after_ms,
                kind: recorded.event.kind(),
                text: Words { order: &order, quoted }.event(recorded),
            });
            before = Some(recorded.at);
        }
        let first = events.first().map_or_else(Timestamp::default, |first| first.at);
        let took_ms = milliseconds(first, before.unwrap_or(first));
        let advice = standing.and_then(|standing| {
            let last = before.unwrap_or(standing.now);
            advice(&order, standing, halt, milliseconds(last, standing.now))
        });
        Ok(Self {
            order_id: id.to_string(),
            account: order.account().to_string(),
            status: order.status().name(),
            intent: intent(&order),
            took_ms,
            events: lines,
            advice,
        })
    }

    /// The lines for people.
    pub(crate) fn text(&self) -> String {
        let Self { order_id, account, status, intent, took_ms, events, advice } = self;
        let mut text = format!("order    {order_id}\naccount  {account}\nintent   {intent}\n");
        text.push_str(&format!("status   {status}, {} after its acceptance\n\n", seconds(*took_ms)));
        for Line { at, after_ms, text: words, .. } in events {
            let at = at.format("%Y-%m-%d %H:%M:%S%.3f");
            text.push_str(&format!("{at}  {:>10}  {words}\n", format!("+{}", seconds(*after_ms))));
        }
        if let Some(advice) = advice {
            text.push_str(&format!("\n{advice}\n"));
        }
        text.trim_end().to_owned()
    }
}

fn intent(order: &Order) -> String {
    let intent = order.intent();
    format!(
        "{} to {}, slippage {} at most",
        amount(intent.amount_in(), intent.token_in()),
        intent.token_out().symbol,
        intent.max_slippage().to_decimal()
    )
}

fn milliseconds(from: Timestamp, to: Timestamp) -> i64 {
    to.signed_duration_since(from).num_milliseconds()
}

/// Seconds with three decimals, of milliseconds.
fn seconds(milliseconds: i64) -> String {
    let sign = if milliseconds < 0 { "-" } else { "" };
    let all = milliseconds.unsigned_abs();
    format!("{sign}{}.{:03} s", all / 1_000, all % 1_000)
}

fn amount(amount: Atoms, token: &Token) -> String {
    format!("{} {}", amount.to_decimal(token.decimals), token.symbol)
}

/// The words for events of one order. `quoted` is the output of its latest quote.
struct Words<'a> {
    order: &'a Order,
    quoted: Option<Atoms>,
}

impl Words<'_> {
    fn event(&self, recorded: &Recorded) -> String {
        match &recorded.event {
            Event::Accepted { .. } => "accepted".to_owned(),
            Event::RoutingStarted { attempt } => format!("attempt {attempt} begins"),
            Event::RouteChosen { quote } => self.route(quote),
            Event::TransactionSigned { transaction } => {
                let tip = transaction.tip.map_or(Atoms::ZERO, |tip| tip.lamports);
                format!(
                    "signed {}{}: lands up to block {}{}",
                    transaction.signature,
                    version(&transaction.bytes),
                    transaction.last_valid_block_height,
                    tipped(tip)
                )
            }
            Event::TransactionFound { transaction } => {
                format!("found on the chain after all: {}", transaction.signature)
            }
            Event::Settled { landed, evidence } => {
                let outcome = if *landed { "landed" } else { "not landed" };
                format!("an operator has settled it as {outcome}: {evidence}")
            }
            Event::Observed { observation } => self.observation(observation),
            Event::RolledBack { observation } => {
                format!("its block was dropped; now {}", self.observation(observation))
            }
            Event::AttemptFailed { failure, retry_in_ms } => {
                let pause = seconds(i64::try_from(*retry_in_ms).unwrap_or(i64::MAX));
                format!("attempt failed, the next in {pause}: {}", failure)
            }
            Event::Failed { failure } => format!("failed: {}", failure),
            Event::Cancelled => "cancelled by its owner".to_owned(),
            Event::Expired => "expired".to_owned(),
        }
    }

    fn route(&self, quote: &Quote) -> String {
        let path = |path: &order_core::route::Path| {
            path.hops().map(|hop| hop.venue.name()).collect::<Vec<_>>().join(" then ")
        };
        let paths: Vec<String> = quote.route.paths().iter().map(path).collect();
        format!(
            "route over {}: {} quoted, price impact {} %, state {} ms old",
            paths.join(" and "),
            amount(quote.amount_out(), self.order.intent().token_out()),
            quote.price_impact.to_percent(),
            quote.state_age_ms
        )
    }

    fn observation(&self, observation: &Observation) -> String {
        match observation {
            Observation::Landed { fill: Some(fill) } => self.fill(fill),
            Observation::Landed { fill: None } => "landed; no node shows its amounts".to_owned(),
            Observation::Reverted { failure, network_fee, slot } => {
                format!("reverted in slot {slot}, fee {} lamports: {}", network_fee.get(), failure)
            }
            Observation::Expired => "can land no more: its blockhash has expired".to_owned(),
        }
    }

    fn fill(&self, fill: &Fill) -> String {
        let intent = self.order.intent();
        let shortfall = self.quoted.and_then(|quoted| Fraction::shortfall(quoted, fill.amount_out));
        let against = match shortfall.map(|shortfall| (shortfall, shortfall.billionths())) {
            Some((_, 0)) => " as quoted".to_owned(),
            Some((less, 1..)) => format!(", {} % less than quoted", less.to_percent()),
            Some((more, _)) => format!(", {} % more than quoted", more.to_percent().trim_start_matches('-')),
            None => String::new(),
        };
        format!(
            "landed in slot {}: {} for {}{against}, fee {} lamports{}{}",
            fill.slot,
            amount(fill.amount_in, intent.token_in()),
            amount(fill.amount_out, intent.token_out()),
            fill.network_fee.get(),
            tipped(fill.tip),
            left_over(&fill.leftovers)
        )
    }
}

/// The words for what was bought between two hops and stays.
fn left_over(leftovers: &[Leftover]) -> String {
    let left = |left: &Leftover| match token::known().find(|token| token.mint == left.mint) {
        Some(token) => format!(", left over {}", amount(left.amount, &token)),
        None => format!(", left over {} base units of {}", left.amount.get(), left.mint),
    };
    leftovers.iter().map(left).collect()
}

/// The words for a tip, if there is one.
/// The version of a transaction that not everybody knows.
fn version(bytes: &[u8]) -> &'static str {
    match Version::of(bytes) {
        Version::V0 => "",
        Version::V1 => " of version 1",
    }
}

fn tipped(tip: Atoms) -> String {
    if tip.is_zero() { String::new() } else { format!(", tip {} lamports", tip.get()) }
}

/// True while the order may still be signed.
fn unsigned(status: Status) -> bool {
    matches!(status, Status::Pending | Status::Routing | Status::Building)
}

#[cfg(test)]
mod tests;
