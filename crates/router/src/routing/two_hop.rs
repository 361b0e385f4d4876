//! Paths of two hops, through an intermediate token.

use super::candidate::{self, Refusals, Survey};
use super::path::{Hop, Join, Path, Second};
use crate::book::Book;
use order_core::quote::Mode;
use order_core::{Atoms, InputBuffer, Mint};
use proto::quote::Request;
use std::cmp::Reverse;
use std::time::Duration;
use tokio::time::Instant;

/// Most pools of one side that are tried with those of the other.
const SIDE_MAX: usize = 2;

/// An intermediate token, with quotable pools on both sides of it.
#[derive(Debug)]
pub(super) struct Intermediate<'a> {
    /// The hops that give it, by address.
    firsts: Vec<Hop<'a>>,
    /// The hops that it is sold on, by address.
    seconds: Vec<Hop<'a>>,
    input_buffer: InputBuffer,
    /// True if nothing of the input may be left.
    use_full_input: bool,
}

/// Every intermediate token, by mint; the reason where one side has no pool for it.
pub(super) fn survey<'a>(
    book: &'a Book,
    request: &Request,
    now: Instant,
    max_age: Duration,
    refusals: &mut Refusals,
) -> Vec<Intermediate<'a>> {
    let mut intermediates = Vec::new();
    for intermediate in book.intermediates(request.mint_in, request.mint_out) {
        let mut side = |mint_in, mint_out| {
            let Survey { candidates, refusals: of_side } =
                candidate::survey(book, request, [mint_in, mint_out], now, max_age);
            if candidates.is_empty() {
                refusals.add(of_side, &name(book, intermediate));
            }
            let hops = candidates.into_iter().map(|candidate| Hop { candidate, mint_in, mint_out });
            hops.collect::<Vec<_>>()
        };
        let firsts = side(request.mint_in, intermediate);
        let seconds = side(intermediate, request.mint_out);
        if !firsts.is_empty() && !seconds.is_empty() {
            let Request { input_buffer, use_full_input, .. } = *request;
            intermediates.push(Intermediate { firsts, seconds, input_buffer, use_full_input });
        }
    }
    intermediates
}

/// The name of the paths through a token.
pub(super) fn name(book: &Book, intermediate: Mint) -> String {
    let symbol =
        book.token(intermediate).map_or_else(|| intermediate.to_string(), |token| token.symbol.clone());
    format!("two hops through {symbol}")
}

impl<'a> Intermediate<'a> {
    /// The best paths for the whole amount, best first.
    pub(super) fn best(&self, mode: Mode, amount: Atoms) -> Vec<Path<'a>> {
        match mode {
            Mode::ExactIn => self.ranked(amount.get()),
            Mode::ExactOut => self.cheapest(amount).into_iter().collect(),
        }
    }

    /// The best paths for an exact input, best first: every one of the best first pools with every one of
    /// the best second pools.
    pub(super) fn ranked(&self, amount: u64) -> Vec<Path<'a>> {
        let firsts = most(&self.firsts, self.input_buffer.spendable(Atoms::new(amount)).get());
        let bought = firsts.first().map_or(0, |(output, _)| *output);
        let seconds = most(&self.seconds, bought);
        let mut paths = Vec::with_capacity(SIDE_MAX * SIDE_MAX);
        for (bought, first) in &firsts {
            for (_, second) in &seconds {
                paths.push((second.output(*bought), self.path(first, second)));
            }
        }
        paths.sort_by_key(|(output, _)| Reverse(*output));
        paths.into_iter().map(|(_, path)| path).collect()
    }

    /// The two pools that together take the least for an exact output.
    fn cheapest(&self, amount: Atoms) -> Option<Path<'a>> {
        let second = least(&self.seconds, amount)?;
        let bought = second.input(amount).unwrap_or(Atoms::ZERO);
        Some(self.path(least(&self.firsts, bought)?, second))
    }

    fn path(&self, first: &Hop<'a>, second: &Hop<'a>) -> Path<'a> {
        let exact_out = first.quotes_exact_out() && !self.use_full_input;
        let join = Join { input_buffer: self.input_buffer, exact_out };
        Path { first: *first, second: Some(Second { hop: *second, join }) }
    }
}

/// The pools that give the most for an input, best first, with what they give.
fn most<'list, 'a>(hops: &'list [Hop<'a>], amount: u64) -> Vec<(u64, &'list Hop<'a>)> {
    let mut ranked: Vec<_> = hops.iter().map(|hop| (hop.output(amount), hop)).collect();
    ranked.sort_by_key(|(output, _)| Reverse(*output));
    ranked.truncate(SIDE_MAX);
    ranked
}

/// The pool that takes the least for an output, the first of equals.
fn least<'list, 'a>(hops: &'list [Hop<'a>], amount: Atoms) -> Option<&'list Hop<'a>> {
    hops.iter().min_by_key(|hop| hop.input(amount).unwrap_or(Atoms::new(u64::MAX)))
}
