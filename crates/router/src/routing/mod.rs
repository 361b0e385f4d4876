//! The choice of a route: a pure function of a book and a request.
//!
//! A route is one [`path`] or several of them side by side. Each goes over one pool of the pair, or over two as
//! [`two_hop`] finds them. [`prune`] and [`combine`] guess which are worth combining, and [`split`]
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
use order_core::quote::{Alternative, Mode};
use order_core::{Atoms, Failure, Fraction, Route};
use path::{Path, Terms};
use proto::quote::Request;
use std::cmp::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// Most alternatives that are reported.
const ALTERNATIVES_MAX: usize = 32;

/// A route with what is compared and quoted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PricedRoute {
    pub(crate) route: Route,
    pub(crate) fee: Fraction,
    pub(crate) price_impact: Fraction,
    /// The slot of the oldest state it was calculated from.
    pub(crate) slot: u64,
    /// The age of that state.
    pub(crate) age: Duration,
}

/// The chosen route, and the routes that lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) chosen: PricedRoute,
    /// Best first; those that could not quote are last.
    pub(crate) alternatives: Vec<Alternative>,
}

/// The route that leaves the most after the network's cost (exact in) or takes the least with it
/// (exact out). Of an exact input, two pools in a row leave a part, of it or of the intermediate token, which counts
/// for nothing: they are taken where they give more in spite of it. Equal routes are told apart by their pools, the fewer
/// first, then by their addresses, so that the same book always gives the same answer.
///
/// # Errors
/// [`Code::NoRoute`] if no pool, and no two through an intermediate token, can quote the amount and be sent;
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
    let intermediates = two_hop::survey(book, request, now, max_age, &mut refusals);
    let through: Vec<_> =
        intermediates.iter().map(|intermediate| intermediate.best(request.mode, request.amount)).collect();
    let mut routes = Vec::new();
    for path in direct.iter().chain(through.iter().filter_map(|paths| paths.first())) {
        match path.quote(request.mode, request.amount) {
            Ok(terms) => routes.extend(PricedRoute::of(path, &terms)),
            Err(reason) => refusals.list.push(explain::refused(book, path, reason)),
        }
    }
    let cost = routes.iter().map(|route| route.open(request.mode).get()).max();
    let cost = cost.map_or(0, |amount| cost::of_swap(book, request, amount, now, max_age));
    match request.mode {
        Mode::ExactIn => {
            let fits = |path: &Path<'_>| shape::fits(book, request, path);
            let paths = prune::prune(&direct, &through, &intermediates, request.amount.get(), fits);
            for combination in combine::best(book, request, &paths, cost) {
                let route = split::divide(&combination, request.amount.get());
                // The best two-hop path is among them once more.
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
    mut routes: Vec<PricedRoute>,
    mut refusals: Refusals,
    max_age: Duration,
) -> Result<Decision, Failure> {
    let sendable = routes.iter().position(|route| size::fits(book, request, &route.route));
    let worse = routes.split_off(sendable.unwrap_or(routes.len()));
    let unsendable = routes.iter().filter_map(|route| explain::too_long(book, request.mode, route));
    let mut alternatives: Vec<Alternative> = unsendable.collect();
    let mut worse = worse.into_iter();
    let Some(chosen) = worse.next() else {
        alternatives.append(&mut refusals.list);
        return Err(explain::failure(request, &alternatives, refusals.stale, max_age));
    };
    alternatives.extend(worse.filter_map(|loser| explain::loss(book, request.mode, &chosen, &loser)));
    alternatives.append(&mut refusals.list);
    alternatives.truncate(ALTERNATIVES_MAX);
    Ok(Decision { chosen, alternatives })
}

impl PricedRoute {
    /// The whole amount by one path; None if a hop of it takes or gives nothing.
    fn of(path: &Path<'_>, terms: &Terms) -> Option<Self> {
        Some(Self {
            route: Route::new(vec![path.priced(terms, Fraction::ONE)]).ok()?,
            fee: terms.fee(),
            price_impact: terms.price_impact(),
            slot: path.slot(),
            age: path.age(),
        })
    }

    /// The amount that the caller left open.
    fn open(&self, mode: Mode) -> Atoms {
        match mode {
            Mode::ExactIn => self.route.amount_out(),
            Mode::ExactOut => self.route.amount_in(),
        }
    }
}

/// Best first, at this cost of each hop after the first.
fn compare(mode: Mode, cost: u64, one: &PricedRoute, other: &PricedRoute) -> Ordering {
    let (one, other) = (&one.route, &other.route);
    let added = |route: &Route| {
        let hops = u64::try_from(route.hop_count()).unwrap_or(u64::MAX);
        i128::from(cost).saturating_mul(i128::from(hops.saturating_sub(1)))
    };
    let net = |route: &Route| match mode {
        Mode::ExactIn => added(route).saturating_sub(i128::from(route.amount_out().get())),
        Mode::ExactOut => added(route).saturating_add(i128::from(route.amount_in().get())),
    };
    let pools = |route: &Route| route.hops().map(|hop| hop.pool).collect::<Vec<_>>();
    net(one)
        .cmp(&net(other))
        .then_with(|| one.hop_count().cmp(&other.hop_count()))
        .then_with(|| pools(one).cmp(&pools(other)))
}
