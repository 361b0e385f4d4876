//! Routes through one pool.

use super::{Proposals, Route};
use crate::book::{Book, Entry};
use order_core::Fraction;
use order_core::quote::{Alternative, Swap};
use proto::quote::Request;
use std::time::Duration;
use tokio::time::Instant;

/// Quotes every pool of the pair.
pub(super) fn propose(book: &Book, request: &Request, now: Instant, max_age: Duration) -> Proposals {
    let mut proposals = Proposals::default();
    for entry in book.pair(request.mint_in, request.mint_out) {
        let age = book.age(entry, now);
        if age > max_age {
            proposals.stale = proposals.stale.saturating_add(1);
            proposals.refusals.push(refused(entry, format!("its state is {} ms old", age.as_millis())));
            continue;
        }
        match quote(entry, request, age) {
            Ok(route) => proposals.routes.push(route),
            Err(reason) => proposals.refusals.push(refused(entry, reason)),
        }
    }
    proposals
}

fn quote(entry: &Entry, request: &Request, age: Duration) -> Result<Route, String> {
    let market = entry.market.as_ref().map_err(Clone::clone)?;
    let quoted =
        market.quote(request.mint_in, request.mode, request.amount).map_err(|error| error.to_string())?;
    if quoted.amount_in.is_zero() || quoted.amount_out.is_zero() {
        return Err("swaps nothing for the amount".to_owned());
    }
    let swap = Swap {
        venue: entry.venue,
        pool: entry.address,
        mint_in: request.mint_in,
        mint_out: request.mint_out,
        amount_in: quoted.amount_in,
        amount_out: quoted.amount_out,
        share: Fraction::ONE,
    };
    Ok(Route {
        swaps: vec![swap],
        amount_in: quoted.amount_in,
        amount_out: quoted.amount_out,
        fee: quoted.fee,
        price_impact: quoted.price_impact,
        slot: entry.slot,
        age,
    })
}

fn refused(entry: &Entry, reason: String) -> Alternative {
    Alternative { venue: entry.venue, pool: entry.address, amount: None, reason }
}
