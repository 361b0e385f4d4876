//! Which way to swap: a pure function of a book and a request.
//!
//! A route is one [`path`] or several of them side by side: each through one pool of the pair, or through
//! two as [`two_hop`] finds them. [`prune`] and [`combine`] guess which are worth combining, and [`split`]
//! divides the amount over them exactly. This module compares.

mod candidate;
mod combine;
mod cost;
mod explain;
mod guess;
mod path;
mod prune;
mod shape;
mod size;
mod split;
#[cfg(test)]
mod tests;
mod two_hop;

use crate::book::Book;
use candidate::{Refusals, Survey};
use order_core::failure::Code;
use order_core::quote::{Alternative, Mode, Swap};
use order_core::{Atoms, Failure, Fraction};
use path::{Path, Terms};
use proto::quote::Request;
use std::cmp::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// Most losers that are reported: what is worse than so many pools interests nobody.
const ALTERNATIVES_MAX: usize = 32;

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
/// (exact out). Of an exact input, two pools in a row leave a part unspent, which counts for nothing: they
/// are taken where they give more in spite of it. Equal routes are told apart by their pools, the fewer
/// first, then by their addresses, so that the same book always gives the same answer.
///
/// # Errors
/// [`Code::NoRoute`] if no pool, and no two through a third token, can quote the amount and be sent;
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
    let Survey { candidates, mut refusals } =
        candidate::survey(book, request, [request.mint_in, request.mint_out], now, max_age);
    let direct: Vec<Path<'_>> = candidates.into_iter().map(|pool| Path::direct(pool, request)).collect();
    let bridges = two_hop::survey(book, request, now, max_age, &mut refusals);
    let through: Vec<_> = bridges.iter().map(|bridge| bridge.best(request.mode, request.amount)).collect();
    let mut routes = Vec::new();
    for path in direct.iter().chain(through.iter().filter_map(|paths| paths.first())) {
        match path.quote(request.mode, request.amount) {
            Ok(terms) => routes.push(Route::of(path, &terms)),
            Err(reason) => refusals.list.push(explain::refused(book, path, reason)),
        }
    }
    let cost = routes.iter().map(|route| route.open(request.mode).get()).max();
    let cost = cost.map_or(0, |amount| cost::of_swap(book, request, amount, now, max_age));
    match request.mode {
        Mode::ExactIn => {
            let paths = prune::prune(&direct, &through, &bridges, request.amount.get());
            for combination in combine::best(book, request, &paths, cost) {
                let route = split::divide(&combination, request.amount.get());
                // The best way through a token is among them once more.
                routes.extend(route.filter(|route| !routes.contains(route)));
            }
        }
        // The executor sells exact amounts only: a price for an exact output needs no split.
        Mode::ExactOut => {}
    }
    routes.sort_by(|one, other| compare(request.mode, cost, one, other));
    choose(book, request, routes, refusals, max_age)
}

/// The first of the routes that can be sent, and why the others are not chosen.
fn choose(
    book: &Book,
    request: &Request,
    mut routes: Vec<Route>,
    mut refusals: Refusals,
    max_age: Duration,
) -> Result<Decision, Failure> {
    let sendable = routes.iter().position(|route| size::fits(book, request, route));
    let worse = routes.split_off(sendable.unwrap_or(routes.len()));
    let unsendable = routes.iter().filter_map(|route| explain::too_long(book, request.mode, route));
    let mut alternatives: Vec<Alternative> = unsendable.collect();
    let mut worse = worse.into_iter();
    let Some(route) = worse.next() else {
        alternatives.append(&mut refusals.list);
        return Err(explain::failure(request, &alternatives, refusals.stale, max_age));
    };
    alternatives.extend(worse.filter_map(|loser| explain::loss(book, request.mode, &route, &loser)));
    alternatives.append(&mut refusals.list);
    alternatives.truncate(ALTERNATIVES_MAX);
    Ok(Decision { route, alternatives })
}

impl Route {
    /// The whole amount by one path.
    fn of(path: &Path<'_>, terms: &Terms) -> Self {
        Self {
            swaps: path.swaps(terms, Fraction::ONE).collect(),
            amount_in: terms.amount_in(),
            amount_out: terms.amount_out(),
            fee: terms.fee(),
            price_impact: terms.price_impact(),
            slot: path.slot(),
            age: path.age(),
        }
    }

    /// What the caller left open.
    fn open(&self, mode: Mode) -> Atoms {
        match mode {
            Mode::ExactIn => self.amount_out,
            Mode::ExactOut => self.amount_in,
        }
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
