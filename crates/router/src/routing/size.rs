//! Whether a route's transaction fits into a packet.
//!
//! The route that is chosen is made into a transaction as the executor does it. While routes are put
//! together, [`super::shape`] adds their lengths up.

use super::Route;
use crate::book::Book;
use amm::{Limit, Trader};
use chain::transaction::{self, BuildError, Plan, token_account};
use chain::{Blockhash, Hash, SEED_LENGTH};
use order_core::order::Marker;
use order_core::quote::Swap;
use order_core::{Atoms, Pubkey};
use proto::quote::Request;

/// Stands for the wallet, whichever it will be: an address has the same length as any other.
const WALLET: Pubkey = Pubkey::new_from_array([0xA1; 32]);

/// Whether the transaction is short enough to be sent. That of a single swap always is.
pub(super) fn fits(book: &Book, request: &Request, route: &Route) -> bool {
    route.swaps.len() == 1
        || length(book, request, route).is_some_and(|length| length <= transaction::LENGTH_MAX)
}

/// The transaction's length in bytes; None if it cannot be built, or names too many accounts.
pub(super) fn length(book: &Book, request: &Request, route: &Route) -> Option<usize> {
    let blockhash = Blockhash { hash: Hash::new_from_array([2; 32]), last_valid_block_height: 0, slot: 0 };
    match transaction::build(&WALLET, &plan(book, request, route)?, book.tables().list(), &blockhash) {
        Ok(unsigned) => Some(unsigned.bytes().len()),
        Err(BuildError::TooLong { length }) => Some(length),
        Err(
            BuildError::TooManyAccounts { .. } | BuildError::Encoding(_) | BuildError::OtherWallet { .. },
        ) => None,
    }
}

fn plan(book: &Book, request: &Request, route: &Route) -> Option<Plan> {
    let (token_in, token_out) = (book.token(request.mint_in)?, book.token(request.mint_out)?);
    let mut between: Vec<_> = route.swaps.iter().map(|swap| swap.mint_out).collect();
    between.retain(|mint| *mint != request.mint_out);
    between.sort_unstable();
    between.dedup();
    let mut intermediates = Vec::with_capacity(between.len());
    for mint in between {
        intermediates.push(book.token(mint)?.clone());
    }
    // Deriving an address takes longer than a quote.
    let tokens = intermediates.iter().chain([token_in, token_out]);
    let accounts: Vec<_> =
        tokens.map(|token| (token.mint, token_account(&WALLET, token, &marker()))).collect();
    let account = |mint| accounts.iter().find(|(known, _)| *known == mint).map(|(_, account)| *account);
    let swaps = route.swaps.iter().map(|swap| {
        let market = book.entry(swap.pool)?.market.as_ref().ok()?;
        let trader =
            Trader { owner: WALLET, source: account(swap.mint_in)?, destination: account(swap.mint_out)? };
        market.instruction(&trader, swap.mint_in, limit(request, swap)).ok()
    });
    Some(Plan {
        marker: marker(),
        token_in: token_in.clone(),
        token_out: token_out.clone(),
        swaps: swaps.collect::<Option<_>>()?,
        intermediates,
        amount_in: Atoms::new(1),
        compute_unit_limit: 1,
        compute_unit_price: 1,
        token_account_rent: Atoms::new(1),
        marker_rent: Atoms::new(1),
    })
}

/// The first of two swaps buys an exact amount of the token between.
fn limit(request: &Request, swap: &Swap) -> Limit {
    if swap.mint_out == request.mint_out {
        Limit::ExactIn { amount_in: swap.amount_in, min_out: swap.amount_out }
    } else {
        Limit::ExactOut { amount_out: swap.amount_out, max_in: swap.amount_in }
    }
}

/// Stands for the order's: every marker has the same length.
fn marker() -> Marker {
    let address = Pubkey::new_from_array([0xA4; 32]).into();
    Marker { address, wallet: WALLET.into(), seed: "A".repeat(SEED_LENGTH), generation: 0 }
}
