//! The size of a route's transaction.
//!
//! The chosen route is made into the transaction that the executor would sign, by the same [`SwapPlan`]. While
//! routes are combined, [`super::shape`] adds their lengths up.

use crate::book::Book;
use chain::transaction::{self, BuildError, Draft, Unsigned};
use chain::{Blockhash, Hash, SEED_LENGTH};
use order_core::failure::Code;
use order_core::order::{Marker, Tip};
use order_core::{Atoms, Failure, Pubkey, Route};
use proto::quote::Request;
use swap::{Bounds, SwapPlan};

/// Stands for the wallet, whichever it will be: an address has the same length as any other.
const WALLET: Pubkey = Pubkey::new_from_array([0xA1; 32]);

/// True if the transaction is short enough to be sent. That of a single hop always is.
pub(super) fn fits(book: &Book, request: &Request, route: &Route) -> bool {
    route.hop_count() == 1 || matches!(built(book, request, route), Some(Ok(_)))
}

/// The transaction in the first of the book's formats that has room for it; None if the route cannot be planned.
pub(super) fn built(book: &Book, request: &Request, route: &Route) -> Option<Result<Unsigned, BuildError>> {
    let blockhash = Blockhash { hash: Hash::new_from_array([2; 32]), last_valid_block_height: 0, slot: 0 };
    let draft = draft(book, request, route)?;
    Some(transaction::build(&WALLET, &draft, book.formats().read(), &blockhash))
}

/// The transaction's draft, as the executor plans it on the pools of the book.
fn draft(book: &Book, request: &Request, route: &Route) -> Option<Draft> {
    let (token_in, token_out) = (book.token(request.mint_in)?, book.token(request.mint_out)?);
    let bounds = Bounds {
        mint_in: request.mint_in,
        mint_out: request.mint_out,
        amount_in: route.amount_in(),
        min_out: route.amount_out(),
    };
    let market = |pool| {
        let market = book.entry(pool).and_then(|entry| entry.market.as_ref().ok());
        market.cloned().ok_or_else(|| Failure::new(Code::NoRoute, "the pool is not in the book"))
    };
    let plan = SwapPlan::new(route, &bounds, market).ok()?;
    Some(Draft {
        marker: marker(),
        token_in: token_in.clone(),
        token_out: token_out.clone(),
        swaps: plan.instructions(WALLET, &marker()).ok()?,
        intermediates: plan.intermediates(),
        amount_in: Atoms::new(1),
        compute_unit_limit: 1,
        compute_unit_price: 1,
        loaded_bytes_limit: 1,
        token_account_rent: Atoms::new(1),
        marker_rent: Atoms::new(1),
        tip: book.is_tipped().then(tip),
    })
}

/// Stands for any: every tip has the same length.
fn tip() -> Tip {
    Tip { account: Pubkey::new_from_array([0xA5; 32]).into(), lamports: Atoms::new(1) }
}

/// Stands for the order's: every marker has the same length.
fn marker() -> Marker {
    let address = Pubkey::new_from_array([0xA4; 32]).into();
    Marker { address, wallet: WALLET.into(), seed: "A".repeat(SEED_LENGTH), generation: 0 }
}
