//! Which way to swap: a pure function of a book and a request.
//!
//! Every kind of route is one module that proposes: [`direct`] and [`split`]. This one compares.

mod candidate;
mod cost;
mod direct;
mod size;
mod split;
#[cfg(test)]
mod tests;

use crate::book::Book;
use candidate::Survey;
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

/// The route that leaves the most after the network's cost (exact in) or takes the least with it
/// (exact out). Equal routes are told apart by their pools, the fewer first, then by their addresses, so
/// that the same book always gives the same answer.
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
    let Survey { candidates, mut refusals, stale } =
        candidate::survey(book, request.mint_in, request.mint_out, now, max_age);
    let mut routes = Vec::new();
    for candidate in &candidates {
        match direct::propose(candidate, request) {
            Ok(route) => routes.push(route),
            Err(reason) => refusals.push(candidate.refused(reason)),
        }
    }
    match request.mode {
        Mode::ExactIn => routes.append(&mut split::propose(&candidates, request)),
        // The executor sells exact amounts only: a price for an exact output needs no split.
        Mode::ExactOut => {}
    }
    let cost = routes.iter().map(|route| amount(request.mode, route).get()).max();
    let cost = cost.map_or(0, |amount| cost::of_swap(book, request, amount, now, max_age));
    routes.sort_by(|one, other| compare(request.mode, cost, one, other));
    let Some(place) = routes.iter().position(|route| size::fits(book, request, route)) else {
        return Err(refusal(request, &refusals, stale, max_age));
    };
    let route = routes.remove(place);
    let losers = routes.iter().enumerate();
    let mut alternatives: Vec<Alternative> = losers
        .filter_map(|(rank, loser)| {
            if rank < place { too_long(request.mode, loser) } else { loss(request.mode, &route, loser) }
        })
        .collect();
    alternatives.append(&mut refusals);
    alternatives.truncate(ALTERNATIVES_MAX);
    Ok(Decision { route, alternatives })
}

/// What the caller left open.
fn amount(mode: Mode, route: &Route) -> Atoms {
    match mode {
        Mode::ExactIn => route.amount_out,
        Mode::ExactOut => route.amount_in,
    }
}

/// Best first, at this cost of each swap after the first.
fn compare(mode: Mode, cost: u64, one: &Route, other: &Route) -> Ordering {
    let added = |route: &Route| {
        let swaps = u64::try_from(route.swaps.len()).unwrap_or(u64::MAX);
        i128::from(cost).saturating_mul(i128::from(swaps.saturating_sub(1)))
    };
    let net = |route: &Route| match mode {
        Mode::ExactIn => added(route).saturating_sub(i128::from(route.amount_out.get())),
        Mode::ExactOut => added(route).saturating_add(i128::from(route.amount_in.get())),
    };
    let pools = |route: &Route| route.swaps.iter().map(|swap| swap.pool).collect::<Vec<_>>();
    net(one)
        .cmp(&net(other))
        .then_with(|| one.swaps.len().cmp(&other.swaps.len()))
        .then_with(|| pools(one).cmp(&pools(other)))
}

/// A route that would have won, and cannot be sent.
fn too_long(mode: Mode, route: &Route) -> Option<Alternative> {
    named(route, Some(amount(mode, route)), "does not fit into one transaction".to_owned())
}

/// Why a route lost against the chosen one; None if it has no swap.
fn loss(mode: Mode, chosen: &Route, loser: &Route) -> Option<Alternative> {
    let (best, other) = (amount(mode, chosen), amount(mode, loser));
    let (verb, worse, better) = match mode {
        Mode::ExactIn => ("gives", "less", "more"),
        Mode::ExactOut => ("takes", "more", "less"),
    };
    let gap = best.get().abs_diff(other.get());
    let percent = Fraction::shortfall(best, other).unwrap_or_default().to_percent();
    let percent = percent.trim_start_matches('-');
    let reason = match (mode, other.cmp(&best)) {
        (_, Ordering::Equal) if loser.swaps.len() > chosen.swaps.len() => {
            format!("{verb} the same as the chosen route, which has fewer swaps")
        }
        (_, Ordering::Equal) => {
            format!("{verb} the same as the chosen route, whose pool has the lower address")
        }
        (Mode::ExactIn, Ordering::Less) | (Mode::ExactOut, Ordering::Greater) => {
            format!("{verb} {percent}% ({gap} base units) {worse} than the chosen route")
        }
        (Mode::ExactIn, Ordering::Greater) | (Mode::ExactOut, Ordering::Less) => format!(
            "{verb} {percent}% ({gap} base units) {better} than the chosen route, and its larger transaction costs more than that"
        ),
    };
    named(loser, Some(other), reason)
}

/// A route that was not chosen. It is named by its first pool; the reason says what it is besides.
fn named(route: &Route, amount: Option<Atoms>, reason: String) -> Option<Alternative> {
    let first = route.swaps.first()?;
    let reason = match route.swaps.len() {
        1 => reason,
        pools => format!("split over {pools} pools: {reason}"),
    };
    Some(Alternative { venue: first.venue, pool: first.pool, amount, reason })
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
