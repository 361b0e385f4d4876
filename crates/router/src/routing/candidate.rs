//! The pools of a pair that may be quoted now.

use crate::book::{Book, Entry};
use amm::{Market, SwapQuote};
use order_core::quote::{Alternative, Mode};
use order_core::{Atoms, Mint};
use proto::quote::Request;
use std::time::Duration;
use tokio::time::Instant;

/// A pool whose state is known, and young enough.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) entry: &'a Entry,
    pub(super) market: &'a Market,
    pub(super) age: Duration,
}

/// The pools of a pair.
#[derive(Debug, Default)]
pub(super) struct Survey<'a> {
    /// By address.
    pub(super) candidates: Vec<Candidate<'a>>,
    pub(super) refusals: Refusals,
}

/// The pools that cannot be used, and why.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    pub(super) list: Vec<Alternative>,
    /// How many of them are because of the state's age alone.
    pub(super) stale: usize,
}

/// Looks at every pool of a pair that the request, which may be of another pair, lets a route go over.
pub(super) fn survey<'a>(
    book: &'a Book,
    request: &Request,
    [one, other]: [Mint; 2],
    now: Instant,
    max_age: Duration,
) -> Survey<'a> {
    let mut survey = Survey::default();
    for entry in book.pair(one, other) {
        let age = book.age(entry, now);
        if age > max_age {
            survey.refusals.stale = survey.refusals.stale.saturating_add(1);
            survey.refusals.list.push(refused(entry, format!("its state is {} ms old", age.as_millis())));
            continue;
        }
        if let Some(reason) = request.excluded.reason(entry.venue, entry.address) {
            survey.refusals.list.push(refused(entry, reason.to_owned()));
            continue;
        }
        match &entry.market {
            Ok(market) => survey.candidates.push(Candidate { entry, market, age }),
            Err(reason) => survey.refusals.list.push(refused(entry, reason.clone())),
        }
    }
    survey
}

impl Candidate<'_> {
    /// The pool's amounts for an exact input or output.
    pub(super) fn quote(&self, mint_in: Mint, mode: Mode, amount: Atoms) -> Result<SwapQuote, String> {
        let quoted = self.market.quote(mint_in, mode, amount).map_err(|error| error.to_string())?;
        if quoted.amount_in.is_zero() || quoted.amount_out.is_zero() {
            return Err("swaps nothing for the amount".to_owned());
        }
        Ok(quoted)
    }

    /// The pool's output for an input; zero where it cannot quote.
    pub(super) fn output(&self, mint_in: Mint, amount: u64) -> u64 {
        if amount == 0 {
            return 0;
        }
        let quoted = self.market.quote(mint_in, Mode::ExactIn, Atoms::new(amount));
        quoted.map_or(0, |quoted| quoted.amount_out.get())
    }

    /// The pool as one that could not be used.
    pub(super) fn refused(&self, reason: String) -> Alternative {
        refused(self.entry, reason)
    }
}

impl Refusals {
    /// Adds paths that none of these pools can be used for: why the first of them cannot.
    pub(super) fn add(&mut self, pools: Self, name: &str) {
        let stale = pools.stale == pools.list.len();
        if let Some(refusal) = pools.list.into_iter().next() {
            let reason = format!("{name}: {}", refusal.reason);
            self.list.push(Alternative { reason, ..refusal });
            self.stale = self.stale.saturating_add(usize::from(stale));
        }
    }
}

fn refused(entry: &Entry, reason: String) -> Alternative {
    Alternative { venue: entry.venue, pool: entry.address, amount: None, reason }
}
