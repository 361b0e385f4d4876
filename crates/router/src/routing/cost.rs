//! The cost of a transaction's size.

use super::candidate;
use crate::book::Book;
use order_core::quote::Mode;
use order_core::token::NATIVE_MINT;
use proto::quote::Request;
use std::time::Duration;
use tokio::time::Instant;

/// The network fee of each hop after the first, in lamports: a priority fee for about
/// 50 000 compute units at a busy time. The base fee is for signatures, of which there is one.
const SWAP_COST: u64 = 5_000;

/// Where no pool says what a lamport is worth, a swap more must win this part of the amount.
const UNKNOWN_COST_PART: u64 = 10_000;

/// The cost of a swap more, in the token in which routes are compared. `amount` is what a route takes or
/// gives of it.
pub(super) fn of_swap(book: &Book, request: &Request, amount: u64, now: Instant, max_age: Duration) -> u64 {
    let token = match request.mode {
        Mode::ExactIn => request.mint_out,
        Mode::ExactOut => request.mint_in,
    };
    if token == NATIVE_MINT {
        return SWAP_COST;
    }
    let survey = candidate::survey(book, request, [NATIVE_MINT, token], now, max_age);
    let worth = survey.candidates.iter().map(|candidate| candidate.output(NATIVE_MINT, SWAP_COST)).max();
    worth.unwrap_or(amount / UNKNOWN_COST_PART).max(1)
}
