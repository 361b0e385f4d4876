//! One way from the input to the output: through a pool of the pair, or through two pools with a third
//! token between them.

use super::candidate::Candidate;
use amm::SwapQuote;
use order_core::quote::{Alternative, Mode, Swap};
use order_core::{Atoms, Fraction, Mint, PoolAddress, Pubkey, Room};
use proto::quote::Request;
use std::time::Duration;

/// How often an amount of the token between is lowered until the first pool takes no more for it than it
/// was calculated from. Rounding alone needs one or two.
const LOWERED_MAX: usize = 3;

/// A pool and the direction through it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hop<'a> {
    pub(super) candidate: Candidate<'a>,
    pub(super) mint_in: Mint,
    pub(super) mint_out: Mint,
}

/// One way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path<'a> {
    pub(super) first: Hop<'a>,
    pub(super) second: Option<Second<'a>>,
}

/// The second pool of two, and what they leave of their input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Second<'a> {
    pub(super) hop: Hop<'a>,
    pub(super) room: Room,
}

/// What a path takes and gives, pool by pool.
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

    /// What the path gives for an input; nothing where it cannot quote.
    pub(super) fn output(&self, amount: u64) -> u64 {
        match &self.second {
            None => self.first.output(amount),
            Some(Second { hop, room }) => {
                hop.output(self.first.output(room.spendable(Atoms::new(amount)).get()))
            }
        }
    }

    /// What the path gives for, or takes for, an amount. Of an exact input, two pools leave the room and a
    /// few atoms: the first one gives an exact output, so that nothing of the token between is left over.
    pub(super) fn quote(&self, mode: Mode, amount: Atoms) -> Result<Terms, String> {
        let Some(Second { hop: second, room }) = &self.second else {
            return Ok(Terms { first: self.first.quote(mode, amount)?, second: None });
        };
        let (first, second) = match mode {
            Mode::ExactIn => {
                let first = self.first.within(room.spendable(amount))?;
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

    /// The path's swaps as a part of a route.
    pub(super) fn swaps(&self, terms: &Terms, share: Fraction) -> impl Iterator<Item = Swap> {
        let quotes = std::iter::once(&terms.first).chain(&terms.second);
        self.hops().zip(quotes).map(move |(hop, quoted)| hop.swap(quoted, share))
    }

    /// The path as one that could not be used; it is named by its first pool.
    pub(super) fn refused(&self, reason: String) -> Alternative {
        self.first.candidate.refused(reason)
    }
}

impl Hop<'_> {
    /// What the pool gives for an input; nothing where it cannot quote.
    pub(super) fn output(&self, amount: u64) -> u64 {
        self.candidate.output(self.mint_in, amount)
    }

    /// What the pool takes for an output; None where it cannot quote.
    pub(super) fn input(&self, amount: Atoms) -> Option<Atoms> {
        let quoted = self.candidate.market.quote(self.mint_in, Mode::ExactOut, amount).ok()?;
        Some(quoted.amount_in)
    }

    fn quote(&self, mode: Mode, amount: Atoms) -> Result<SwapQuote, String> {
        self.candidate.quote(self.mint_in, mode, amount)
    }

    /// What must go in so that exactly this comes out.
    fn exactly(&self, amount: Atoms) -> Result<SwapQuote, String> {
        let quoted = self.quote(Mode::ExactOut, amount)?;
        if quoted.amount_out == amount {
            Ok(quoted)
        } else {
            Err("the transfer fee of the token between leaves no exact amount of it".to_owned())
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

    /// The pool's part of a route.
    fn swap(&self, quoted: &SwapQuote, share: Fraction) -> Swap {
        Swap {
            venue: self.candidate.entry.venue,
            pool: self.candidate.entry.address,
            mint_in: self.mint_in,
            mint_out: self.mint_out,
            amount_in: quoted.amount_in,
            amount_out: quoted.amount_out,
            share,
        }
    }
}

impl Terms {
    /// What leaves the trader.
    pub(super) fn amount_in(&self) -> Atoms {
        self.first.amount_in
    }

    /// What reaches the trader.
    pub(super) fn amount_out(&self) -> Atoms {
        self.second.as_ref().unwrap_or(&self.first).amount_out
    }

    /// The rate of the pools' fees together.
    pub(super) fn fee(&self) -> Fraction {
        self.both(|quoted| quoted.fee)
    }

    /// How much worse than at vanishing amounts the prices are together.
    pub(super) fn price_impact(&self) -> Fraction {
        self.both(|quoted| quoted.price_impact)
    }

    /// What is left after one rate is that of which the other takes its part.
    fn both(&self, rate: impl Fn(&SwapQuote) -> Fraction) -> Fraction {
        let first = rate(&self.first);
        let Some(second) = self.second.as_ref().map(rate) else { return first };
        let one = i128::from(Fraction::ONE.billionths());
        let left = |rate: Fraction| one.saturating_sub(i128::from(rate.billionths()));
        let kept = left(first).saturating_mul(left(second)).checked_div(one).unwrap_or(0);
        i64::try_from(one.saturating_sub(kept)).map_or(Fraction::ONE, Fraction::from_billionths)
    }
}
