//! One path from the input to the output: through a pool of the pair, or through two pools with an
//! intermediate token.

use super::candidate::Candidate;
use amm::{QuoteError, SwapQuote};
use order_core::quote::{Alternative, Mode};
use order_core::route;
use order_core::{Atoms, Fraction, InputBuffer, Mint, PoolAddress, Pubkey};
use proto::quote::Request;
use std::time::Duration;

/// Maximum iterations of lowering the intermediate amount until the first hop costs no more than the budget.
/// Rounding needs one or two.
const LOWERED_MAX: usize = 3;

/// The reason where an amount leaves nothing for the second hop.
const TOO_SMALL: &str = "the amount is too small for two hops";

/// A pool and the direction through it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hop<'a> {
    pub(super) candidate: Candidate<'a>,
    pub(super) mint_in: Mint,
    pub(super) mint_out: Mint,
}

/// One path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path<'a> {
    pub(super) first: Hop<'a>,
    pub(super) second: Option<Second<'a>>,
}

/// The second pool of two, and how the first is swapped before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Second<'a> {
    pub(super) hop: Hop<'a>,
    pub(super) join: Join,
}

/// The way in which two hops are joined. The second must know what it sells, so the first leaves room for its price
/// to move: of the input if it is exact-out, and else of the intermediate token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Join {
    pub(super) input_buffer: InputBuffer,
    /// True if the first is to be exact-out.
    pub(super) exact_out: bool,
}

/// The amounts of a path, pool by pool.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    first: SwapQuote,
    second: Option<SwapQuote>,
}

impl<'a> Path<'a> {
    /// Through one pool of the pair.
    pub(super) fn direct(candidate: Candidate<'a>, request: &Request) -> Self {
        Self { first: Hop { candidate, mint_in: request.mint_in, mint_out: request.mint_out }, second: None }
    }

    /// The path's output for an input; zero where it cannot quote.
    pub(super) fn output(&self, amount: u64) -> u64 {
        match &self.second {
            None => self.first.output(amount),
            Some(Second { hop, join }) => hop.output(join.sold(&self.first, amount)),
        }
    }

    /// The amounts of the path for an exact input or output. Of an exact input, two hops leave the buffer and a few
    /// base units: of the input if the first hop is exact-out, and else of the intermediate token.
    pub(super) fn quote(&self, mode: Mode, amount: Atoms) -> Result<Terms, String> {
        let Some(Second { hop: second, join }) = &self.second else {
            return Ok(Terms { first: self.first.quote(mode, amount)?, second: None });
        };
        let exact_out = join.exact_out.then(|| self.through_exact_out(second, *join, mode, amount));
        match exact_out {
            Some(Ok(terms)) => Ok(terms),
            // An exact output may not be had, or cost more than the input: its program rounds otherwise, or the
            // token withholds a part of each transfer.
            Some(Err(_)) | None => self.through_exact_in(second, *join, mode, amount),
        }
    }

    /// The first hop buys exactly what the second sells.
    fn through_exact_out(
        &self,
        second: &Hop<'_>,
        join: Join,
        mode: Mode,
        amount: Atoms,
    ) -> Result<Terms, String> {
        let (first, second) = match mode {
            Mode::ExactIn => {
                let first = self.first.within(join.input_buffer.spendable(amount))?;
                let quoted = second.quote(Mode::ExactIn, first.amount_out)?;
                // A program may leave a unit of what it is offered. The amounts say that the first hop is exact-out.
                (first, SwapQuote { amount_in: first.amount_out, ..quoted })
            }
            Mode::ExactOut => {
                let second = second.quote(Mode::ExactOut, amount)?;
                (self.first.exactly(second.amount_in)?, second)
            }
        };
        Ok(Terms { first, second: Some(second) })
    }

    /// The first hop sells its whole input, and the second what the first is sure to give.
    fn through_exact_in(
        &self,
        second: &Hop<'_>,
        join: Join,
        mode: Mode,
        amount: Atoms,
    ) -> Result<Terms, String> {
        let (first, second) = match mode {
            Mode::ExactIn => {
                let first = self.first.quote(Mode::ExactIn, amount)?;
                let sure = join.sure(first.amount_out).ok_or(TOO_SMALL)?;
                (first, second.quote(Mode::ExactIn, sure)?)
            }
            Mode::ExactOut => {
                let second = second.quote(Mode::ExactOut, amount)?;
                let given = join.given(second.amount_in).ok_or("the amount is too large for two hops")?;
                let input = self.first.input(given).ok_or("no pool gives so much of it")?;
                (self.first.quote(Mode::ExactIn, input)?, second)
            }
        };
        Ok(Terms { first, second: Some(second) })
    }

    /// True if the first of two hops is to be exact-out.
    pub(super) fn begins_exact_out(&self) -> bool {
        self.second.is_some_and(|second| second.join.exact_out)
    }

    /// Every pool of it, in order.
    pub(super) fn hops(&self) -> impl Iterator<Item = &Hop<'a>> {
        std::iter::once(&self.first).chain(self.second.as_ref().map(|second| &second.hop))
    }

    pub(super) fn pools(&self) -> impl Iterator<Item = PoolAddress> {
        self.hops().map(|hop| hop.candidate.entry.address)
    }

    /// Where its pools' tokens are.
    pub(super) fn vaults(&self) -> impl Iterator<Item = Pubkey> {
        self.hops().flat_map(|hop| hop.candidate.market.vaults())
    }

    /// The slot of the oldest state it is calculated from.
    pub(super) fn slot(&self) -> u64 {
        self.hops().map(|hop| hop.candidate.entry.slot).min().unwrap_or(0)
    }

    /// How old that state is.
    pub(super) fn age(&self) -> Duration {
        self.hops().map(|hop| hop.candidate.age).max().unwrap_or(Duration::MAX)
    }

    /// The path with its amounts, as a part of a route.
    pub(super) fn priced(&self, terms: &Terms, share: Fraction) -> route::Path {
        let first = self.first.priced(&terms.first);
        match self.second.as_ref().zip(terms.second.as_ref()) {
            None => route::Path::direct(share, first),
            Some((second, quoted)) => route::Path::through(share, first, second.hop.priced(quoted)),
        }
    }

    /// The path as one that could not be used; it is named by its first pool.
    pub(super) fn refused(&self, reason: String) -> Alternative {
        self.first.candidate.refused(reason)
    }
}

impl Join {
    /// The intermediate amount that the second hop sells of an input, nearly: both ways are the same but for rounding.
    fn sold(self, first: &Hop<'_>, amount: u64) -> u64 {
        if self.exact_out {
            first.output(self.input_buffer.spendable(Atoms::new(amount)).get())
        } else {
            self.sure(Atoms::new(first.output(amount))).map_or(0, Atoms::get)
        }
    }

    /// The amount that an exact-in first hop is sure to give, if it is quoted to give this: at least one base unit
    /// less, so that the amounts say how it is swapped. None if nothing is left.
    fn sure(self, given: Atoms) -> Option<Atoms> {
        let sure = self.input_buffer.spendable(given).min(given.checked_sub(Atoms::new(1))?);
        Some(sure).filter(|sure| !sure.is_zero())
    }

    /// The least that an exact-in first hop must be quoted to give, to be sure of this; None if that is more than
    /// there can be.
    fn given(self, sure: Atoms) -> Option<Atoms> {
        Some(self.input_buffer.before(sure)?.max(sure.checked_add(Atoms::new(1))?))
    }
}

impl Hop<'_> {
    /// The pool's output for an input; zero where it cannot quote.
    pub(super) fn output(&self, amount: u64) -> u64 {
        self.candidate.output(self.mint_in, amount)
    }

    /// True if exact outputs of the pool are quoted.
    pub(super) fn quotes_exact_out(&self) -> bool {
        self.candidate.market.quotes_exact_out(self.mint_in)
    }

    /// The pool's least input for an output; None where it does not have it.
    pub(super) fn input(&self, amount: Atoms) -> Option<Atoms> {
        let market = self.candidate.market;
        match market.quote(self.mint_in, Mode::ExactOut, amount) {
            Ok(quoted) => Some(quoted.amount_in),
            Err(_) if self.quotes_exact_out() => None,
            Err(_) => self.found_input(amount),
        }
    }

    /// The least exact input that gives at least this output, found by halving: what a pool gives grows with what it
    /// takes.
    fn found_input(&self, amount: Atoms) -> Option<Atoms> {
        let (mut less, mut enough) = (0, u64::MAX);
        while enough.saturating_sub(less) > 1 {
            let middle = less.midpoint(enough);
            match self.candidate.market.quote(self.mint_in, Mode::ExactIn, Atoms::new(middle)) {
                Ok(quoted) if quoted.amount_out >= amount => enough = middle,
                Ok(_) | Err(QuoteError::ZeroAmount | QuoteError::NothingOut) => less = middle,
                // Too much for it.
                Err(_) => enough = middle,
            }
        }
        (self.output(enough) >= amount.get()).then_some(Atoms::new(enough))
    }

    fn quote(&self, mode: Mode, amount: Atoms) -> Result<SwapQuote, String> {
        self.candidate.quote(self.mint_in, mode, amount)
    }

    /// The input for exactly this output.
    fn exactly(&self, amount: Atoms) -> Result<SwapQuote, String> {
        let quoted = self.quote(Mode::ExactOut, amount)?;
        if quoted.amount_out == amount {
            Ok(quoted)
        } else {
            Err("the transfer fee of the intermediate token leaves no exact amount of it".to_owned())
        }
    }

    /// The most that can be had as an exact output for no more than this.
    fn within(&self, amount: Atoms) -> Result<SwapQuote, String> {
        let mut target = self.quote(Mode::ExactIn, amount)?.amount_out;
        for _ in 0..LOWERED_MAX {
            let quoted = self.exactly(target)?;
            if quoted.amount_in <= amount {
                return Ok(quoted);
            }
            target = target.mul_div_floor(amount.get(), quoted.amount_in.get()).unwrap_or(Atoms::ZERO);
        }
        Err("an exact output costs more than what it was calculated from".to_owned())
    }

    /// The hop with its amounts.
    fn priced(&self, quoted: &SwapQuote) -> route::Hop {
        route::Hop {
            venue: self.candidate.entry.venue,
            pool: self.candidate.entry.address,
            mint_in: self.mint_in,
            mint_out: self.mint_out,
            amount_in: quoted.amount_in,
            amount_out: quoted.amount_out,
        }
    }
}

impl Terms {
    /// The rate of the pools' fees together.
    pub(super) fn fee(&self) -> Fraction {
        self.both(|quoted| quoted.fee)
    }

    /// How much worse than at vanishing amounts the prices are together.
    pub(super) fn price_impact(&self) -> Fraction {
        self.both(|quoted| quoted.price_impact)
    }

    /// Compounds the rates of both hops: `1 − (1 − a)(1 − b)`.
    fn both(&self, rate: impl Fn(&SwapQuote) -> Fraction) -> Fraction {
        let first = rate(&self.first);
        let Some(second) = self.second.as_ref().map(rate) else { return first };
        let one = i128::from(Fraction::ONE.billionths());
        let left = |rate: Fraction| one.saturating_sub(i128::from(rate.billionths()));
        let kept = left(first).saturating_mul(left(second)).checked_div(one).unwrap_or(0);
        i64::try_from(one.saturating_sub(kept)).map_or(Fraction::ONE, Fraction::from_billionths)
    }
}
