//! One path from the input to the output: through a pool of the pair, or through two pools with an
//! intermediate token.

use super::candidate::Candidate;
use amm::SwapQuote;
use order_core::quote::{Alternative, Mode};
use order_core::route;
use order_core::{Atoms, Fraction, InputBuffer, Mint, PoolAddress, Pubkey};
use proto::quote::Request;
use std::time::Duration;

/// Maximum iterations of lowering the intermediate amount until the first hop costs no more than the budget.
/// Rounding needs one or two.
const LOWERED_MAX: usize = 3;

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

/// The second pool of two, and what they leave of their input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Second<'a> {
    pub(super) hop: Hop<'a>,
    pub(super) input_buffer: InputBuffer,
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
            Some(Second { hop, input_buffer }) => {
                hop.output(self.first.output(input_buffer.spendable(Atoms::new(amount)).get()))
            }
        }
    }

    /// The amounts of the path for an exact input or output. Of an exact input, two hops leave the input buffer and a
    /// few base units: the first hop is exact-out, so that nothing of the intermediate token is left over.
    pub(super) fn quote(&self, mode: Mode, amount: Atoms) -> Result<Terms, String> {
        let Some(Second { hop: second, input_buffer }) = &self.second else {
            return Ok(Terms { first: self.first.quote(mode, amount)?, second: None });
        };
        let (first, second) = match mode {
            Mode::ExactIn => {
                let first = self.first.within(input_buffer.spendable(amount))?;
                (first, second.quote(Mode::ExactIn, first.amount_out)?)
            }
            Mode::ExactOut => {
                let second = second.quote(Mode::ExactOut, amount)?;
                (self.first.exactly(second.amount_in)?, second)
            }
        };
        Ok(Terms { first, second: Some(second) })
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

impl Hop<'_> {
    /// The pool's output for an input; zero where it cannot quote.
    pub(super) fn output(&self, amount: u64) -> u64 {
        self.candidate.output(self.mint_in, amount)
    }

    /// The pool's input for an output; None where it cannot quote.
    pub(super) fn input(&self, amount: Atoms) -> Option<Atoms> {
        let quoted = self.candidate.market.quote(self.mint_in, Mode::ExactOut, amount).ok()?;
        Some(quoted.amount_in)
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
