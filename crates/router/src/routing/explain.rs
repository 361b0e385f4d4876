//! Reasons why routes were not chosen, for people.

use super::PricedRoute;
use super::path::Path;
use super::two_hop;
use crate::book::Book;
use order_core::failure::Code;
use order_core::quote::{Alternative, Mode};
use order_core::{Atoms, Failure, Fraction};
use proto::quote::Request;
use std::cmp::Ordering;
use std::time::Duration;

/// Most reasons that a refusal repeats.
const REASONS_MAX: usize = 3;

/// A path that cannot quote the amount.
pub(super) fn refused(book: &Book, path: &Path<'_>, reason: String) -> Alternative {
    let reason = match &path.second {
        None => reason,
        Some(second) => format!("{}: {reason}", two_hop::name(book, second.hop.mint_in)),
    };
    path.refused(reason)
}

/// A route that would have won, and cannot be sent.
pub(super) fn too_long(book: &Book, mode: Mode, route: &PricedRoute) -> Option<Alternative> {
    named(book, route, route.open(mode), "does not fit into one transaction".to_owned())
}

/// The reason why a route lost against the chosen one.
pub(super) fn loss(
    book: &Book,
    mode: Mode,
    chosen: &PricedRoute,
    loser: &PricedRoute,
) -> Option<Alternative> {
    let (best, other) = (chosen.open(mode), loser.open(mode));
    let (verb, worse, better) = match mode {
        Mode::ExactIn => ("gives", "less", "more"),
        Mode::ExactOut => ("takes", "more", "less"),
    };
    let gap = best.get().abs_diff(other.get());
    let percent = Fraction::shortfall(best, other).unwrap_or_default().to_percent();
    let percent = percent.trim_start_matches('-');
    let reason = match (mode, other.cmp(&best)) {
        (_, Ordering::Equal) if loser.route.hop_count() > chosen.route.hop_count() => {
            format!("{verb} the same as the chosen route, which has fewer hops")
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
    named(book, loser, other, reason)
}

/// A route that was not chosen. It is named by its first pool; the reason says what it is besides.
fn named(book: &Book, route: &PricedRoute, amount: Atoms, reason: String) -> Option<Alternative> {
    let paths = route.route.paths();
    let (first, pools) = (paths.first()?, route.route.hop_count());
    let reason = match (paths, first.intermediate()) {
        ([_], None) => reason,
        ([_], Some(mint)) => format!("{}: {reason}", two_hop::name(book, mint)),
        _ if paths.len() == pools => format!("split over {pools} pools: {reason}"),
        _ => format!("split over {} paths over {pools} pools: {reason}", paths.len()),
    };
    let first = first.first();
    Some(Alternative { venue: first.venue, pool: first.pool, amount: Some(amount), reason })
}

/// Why there is no route at all. `stale` of the reasons are the states' age.
pub(super) fn failure(
    request: &Request,
    reasons: &[Alternative],
    stale: usize,
    max_age: Duration,
) -> Failure {
    if reasons.is_empty() {
        return Failure::new(
            Code::NoRoute,
            format!(
                "no followed pool trades {} for {}, and no two do through an intermediate token",
                request.mint_in, request.mint_out
            ),
        );
    }
    if stale == reasons.len() {
        return Failure::new(
            Code::ClusterUnavailable,
            format!("the state of every pool of the pair is older than {} ms", max_age.as_millis()),
        );
    }
    let mut listed: Vec<String> = reasons
        .iter()
        .take(REASONS_MAX)
        .map(|refusal| format!("{} {}: {}", refusal.venue, refusal.pool, refusal.reason))
        .collect();
    if reasons.len() > REASONS_MAX {
        listed.push(format!("and {} more", reasons.len().saturating_sub(REASONS_MAX)));
    }
    Failure::new(Code::NoRoute, format!("no pool can quote the amount: {}", listed.join("; ")))
}
