//! Which way to swap: a pure function of a book and a request.
//!
//! Every kind of route is one module that proposes; this one compares. Today there is [`direct`].

mod direct;
#[cfg(test)]
mod tests;

use crate::book::Book;
use order_core::failure::Code;
use order_core::quote::{Alternative, Mode, Swap};
use order_core::{Atoms, Failure, Fraction};
use proto::quote::Request;
use std::cmp::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// Most losers that are reported: what is worse than so many pools interests nobody.
const ALTERNATIVES_MAX: usize = 32;

/// Most reasons that a refusal repeats.
const REASONS_MAX: usize = 3;

/// One way to swap the whole amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// In the order they are executed; never empty.
    pub(crate) swaps: Vec<Swap>,
    pub(crate) amount_in: Atoms,
    pub(crate) amount_out: Atoms,
    pub(crate) fee: Fraction,
    pub(crate) price_impact: Fraction,
    /// The slot of the oldest state it was calculated from.
    pub(crate) slot: u64,
    /// How old that state is.
    pub(crate) age: Duration,
}

/// The chosen route, and what was not chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) route: Route,
    /// Best first; those that could not quote are last.
    pub(crate) alternatives: Vec<Alternative>,
}

/// What the kinds of routes propose.
#[derive(Debug, Default)]
struct Proposals {
    routes: Vec<Route>,
    /// Pools that could not quote, and why.
    refusals: Vec<Alternative>,
    /// How many of the refusals are because of the state's age alone.
    stale: usize,
}

/// The route that gives the most (exact in) or takes the least (exact out). Equal routes are
/// told apart by their pools' addresses, so that the same book always gives the same answer.
///
/// # Errors
/// [`Code::NoRoute`] if no pool trades the pair or none can quote the amount;
/// [`Code::ClusterUnavailable`] if none has a state younger than `max_age`.
pub(crate) fn decide(
    book: &Book,
    request: &Request,
    now: Instant,
    max_age: Duration,
) -> Result<Decision, Failure> {
    if book.is_empty() {
        return Err(Failure::new(Code::ClusterUnavailable, "no pool has been read from the cluster yet"));
    }
    let mut proposals = direct::propose(book, request, now, max_age);
    proposals.routes.sort_by(|one, other| compare(request.mode, one, other));
    let mut routes = proposals.routes.into_iter();
    let Some(route) = routes.next() else {
        return Err(refusal(request, &proposals.refusals, proposals.stale, max_age));
    };
    let mut alternatives: Vec<Alternative> =
        routes.filter_map(|loser| loss(request.mode, &route, &loser)).collect();
    alternatives.append(&mut proposals.refusals);
    alternatives.truncate(ALTERNATIVES_MAX);
    Ok(Decision { route, alternatives })
}

/// Best first.
fn compare(mode: Mode, one: &Route, other: &Route) -> Ordering {
    let amounts = match mode {
        Mode::ExactIn => other.amount_out.cmp(&one.amount_out),
        Mode::ExactOut => one.amount_in.cmp(&other.amount_in),
    };
    let pools = |route: &Route| route.swaps.iter().map(|swap| swap.pool).collect::<Vec<_>>();
    amounts.then_with(|| pools(one).cmp(&pools(other)))
}

/// Why a route lost against the chosen one. It is named by its first pool; None if it has no swap.
fn loss(mode: Mode, chosen: &Route, loser: &Route) -> Option<Alternative> {
    let first = loser.swaps.first()?;
    let (best, amount, gap, words) = match mode {
        Mode::ExactIn => {
            let gap = chosen.amount_out.checked_sub(loser.amount_out)?;
            (chosen.amount_out, loser.amount_out, gap, ("gives", "less"))
        }
        Mode::ExactOut => {
            let gap = loser.amount_in.checked_sub(chosen.amount_in)?;
            (chosen.amount_in, loser.amount_in, gap, ("takes", "more"))
        }
    };
    let (verb, comparison) = words;
    let reason = if gap.is_zero() {
        format!("{verb} the same as the chosen route, whose pool has the lower address")
    } else {
        let percent = Fraction::shortfall(best, amount).unwrap_or_default().to_percent();
        let percent = percent.trim_start_matches('-');
        format!("{verb} {percent}% ({} base units) {comparison} than the chosen route", gap.get())
    };
    Some(Alternative { venue: first.venue, pool: first.pool, amount: Some(amount), reason })
}

fn refusal(request: &Request, refusals: &[Alternative], stale: usize, max_age: Duration) -> Failure {
    if refusals.is_empty() {
        return Failure::new(
            Code::NoRoute,
            format!("no followed pool trades {} for {}", request.mint_in, request.mint_out),
        );
    }
    if stale == refusals.len() {
        return Failure::new(
            Code::ClusterUnavailable,
            format!("the state of every pool of the pair is older than {} ms", max_age.as_millis()),
        );
    }
    let mut reasons: Vec<String> = refusals
        .iter()
        .take(REASONS_MAX)
        .map(|refusal| format!("{} {}: {}", refusal.venue, refusal.pool, refusal.reason))
        .collect();
    if refusals.len() > REASONS_MAX {
        reasons.push(format!("and {} more", refusals.len().saturating_sub(REASONS_MAX)));
    }
    Failure::new(Code::NoRoute, format!("no pool can quote the amount: {}", reasons.join("; ")))
}
