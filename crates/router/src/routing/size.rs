//! Whether a route's transaction fits into a packet.

use super::Route;
use crate::book::Book;
use amm::{Limit, Trader};
use chain::transaction::{self, Plan, token_account};
use chain::{Blockhash, Hash, Instruction};
use order_core::order;
use order_core::quote::Swap;
use order_core::{Atoms, Pubkey, Token};
use proto::quote::Request;
use uuid::Uuid;

/// Stands for the wallet, whichever it will be: an address has the same length as any other.
const WALLET: Pubkey = Pubkey::new_from_array([1; 32]);

/// Whether the transaction is short enough to be sent. That of a single swap always is.
pub(super) fn fits(book: &Book, request: &Request, route: &Route) -> bool {
    if route.swaps.len() == 1 {
        return true;
    }
    let blockhash = Blockhash { hash: Hash::new_from_array([2; 32]), last_valid_block_height: 0, slot: 0 };
    let plan = plan(book, request, route);
    plan.is_some_and(|plan| transaction::build(&WALLET, &plan, &blockhash).is_ok())
}

fn plan(book: &Book, request: &Request, route: &Route) -> Option<Plan> {
    let (token_in, token_out) = (book.token(request.mint_in)?, book.token(request.mint_out)?);
    let swaps = route.swaps.iter().map(|swap| instruction(book, swap));
    Some(Plan {
        order_id: ORDER_ID,
        token_in: token_in.clone(),
        token_out: token_out.clone(),
        intermediates: Vec::new(),
        amount_in: Atoms::new(1),
        swaps: swaps.collect::<Option<_>>()?,
        compute_unit_limit: 1,
        compute_unit_price: 1,
        token_account_rent: Atoms::new(1),
    })
}

fn instruction(book: &Book, swap: &Swap) -> Option<Instruction> {
    let market = book.entry(swap.pool)?.market.as_ref().ok()?;
    let account = |token: &Token| token_account(&WALLET, token, ORDER_ID);
    let trader = Trader {
        owner: WALLET,
        source: account(book.token(swap.mint_in)?),
        destination: account(book.token(swap.mint_out)?),
    };
    let limit = Limit::ExactIn { amount_in: swap.amount_in, min_out: swap.amount_out };
    market.instruction(&trader, swap.mint_in, limit).ok()
}

/// Stands for the order's.
const ORDER_ID: order::Id = order::Id(Uuid::nil());
