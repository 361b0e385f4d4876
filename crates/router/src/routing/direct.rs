//! Routes through one pool.

use super::Route;
use super::candidate::Candidate;
use order_core::Fraction;
use proto::quote::Request;

/// The whole amount through this pool.
pub(super) fn propose(candidate: &Candidate<'_>, request: &Request) -> Result<Route, String> {
    let quoted = candidate.quote(request.mint_in, request.mode, request.amount)?;
    let swap = candidate.swap([request.mint_in, request.mint_out], &quoted, Fraction::ONE);
    Ok(Route {
        swaps: vec![swap],
        amount_in: quoted.amount_in,
        amount_out: quoted.amount_out,
        fee: quoted.fee,
        price_impact: quoted.price_impact,
        slot: candidate.entry.slot,
        age: candidate.age,
    })
}
