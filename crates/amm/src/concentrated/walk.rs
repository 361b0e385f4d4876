//! A swap's walk from one tick to the next.

use super::place::{Place, Stop};
use super::step::{TickStep, step};
use crate::math;
use crate::swap::{Direction, QuoteError};
use order_core::Fraction;
use order_core::quote::Mode;
use ruint::aliases::U256;

/// Ticks that one walk may pass: three arrays of either program have fewer.
const STEPS_MAX: usize = 1024;

/// The part of each step's fee that goes to others than the liquidity's owners: `rate` of `whole`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    pub(crate) rate: u32,
    pub(crate) whole: u32,
}

/// Reason why there is no tick after the last stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beyond {
    /// The pool has no liquidity there.
    PoolEnds,
    /// The accounts that an instruction names have no more ticks.
    AccountsEnd,
}

impl Beyond {
    fn error(self) -> QuoteError {
        match self {
            Self::PoolEnds => QuoteError::InsufficientLiquidity,
            Self::AccountsEnd => QuoteError::BeyondAccounts,
        }
    }
}

/// A swap to walk. Fees are shared with as many as there are `SHARES`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TickSwap<'a, const SHARES: usize> {
    pub(crate) start: Place,
    /// The ticks in the direction, nearest first.
    pub(crate) stops: &'a [Stop],
    pub(crate) direction: Direction,
    pub(crate) mode: Mode,
    /// Amount that arrives in, or leaves, a vault.
    pub(crate) amount: u64,
    /// In millionths, below one.
    pub(crate) fee_rate: u32,
    /// The square root of the price that the program does not go beyond.
    pub(crate) price_limit: u128,
    pub(crate) beyond: Beyond,
    pub(crate) fee_shares: [Share; SHARES],
}

/// Where a walk came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Walked<const SHARES: usize> {
    /// Amount that arrives in the vault, fee included.
    pub(crate) amount_in: u64,
    /// Amount that leaves the vault.
    pub(crate) amount_out: u64,
    /// The sums of what others get of the fees, rounded down at each step.
    pub(crate) fee_shares: [u64; SHARES],
    /// Its tick is that of the last stop, which the price may have left.
    pub(crate) end: Place,
    /// The ticks between which the price has come to its end, if it is at no stop.
    between: Option<(i32, i32)>,
    pub(crate) price_impact: Fraction,
}

impl<const SHARES: usize> Walked<SHARES> {
    /// The tick at or below the price at the end. `tick_at` finds it between two ticks.
    pub(crate) fn tick(&self, tick_at: fn(u128, i32, i32) -> i32) -> i32 {
        self.between.map_or(self.end.tick, |(low, high)| tick_at(self.end.sqrt_price, low, high))
    }
}

/// Swaps the whole amount, or refuses if the known liquidity is not enough.
pub(crate) fn walk<const SHARES: usize>(swap: TickSwap<'_, SHARES>) -> Result<Walked<SHARES>, QuoteError> {
    let mut walk = TickWalk::new(swap);
    let mut stops = swap.stops.iter();
    for _ in 0..STEPS_MAX {
        if walk.remaining == 0 {
            return walk.end();
        }
        let stop = stops.next().ok_or(swap.beyond.error())?;
        walk.towards(*stop)?;
    }
    Err(QuoteError::Unsupported { reason: "a swap through more ticks than a transaction has room for" })
}

/// A walk under way.
struct TickWalk<'a, const SHARES: usize> {
    swap: TickSwap<'a, SHARES>,
    at: Place,
    between: Option<(i32, i32)>,
    /// Part of the amount that is not swapped yet.
    remaining: u64,
    /// The other side of the part that is swapped.
    calculated: u64,
    fee_shares: [u64; SHARES],
    impact: Impact,
}

impl<'a, const SHARES: usize> TickWalk<'a, SHARES> {
    fn new(swap: TickSwap<'a, SHARES>) -> Self {
        let impact = Impact {
            start: swap.start.sqrt_price,
            direction: swap.direction,
            weight: U256::ZERO,
            sum: U256::ZERO,
        };
        let (remaining, fee_shares) = (swap.amount, [0; SHARES]);
        Self { swap, at: swap.start, between: None, remaining, calculated: 0, fee_shares, impact }
    }

    /// Goes to the stop, or as far as the amount reaches.
    fn towards(&mut self, stop: Stop) -> Result<(), QuoteError> {
        let target = match self.swap.direction {
            Direction::AToB => stop.sqrt_price.max(self.swap.price_limit),
            Direction::BToA => stop.sqrt_price.min(self.swap.price_limit),
        };
        let before = self.at;
        if before.sqrt_price != target {
            self.step(target)?;
        }
        if self.at.sqrt_price == stop.sqrt_price {
            return self.cross(stop);
        }
        if self.remaining > 0 {
            return Err(QuoteError::InsufficientLiquidity);
        }
        if self.at.sqrt_price != before.sqrt_price {
            self.between = Some(match self.swap.direction {
                Direction::AToB => (stop.tick, before.tick),
                Direction::BToA => (before.tick, stop.tick),
            });
        }
        Ok(())
    }

    fn step(&mut self, target: u128) -> Result<(), QuoteError> {
        let TickSwap { direction, mode, fee_rate, .. } = self.swap;
        let Place { sqrt_price, liquidity, .. } = self.at;
        let TickStep { next, amount_in, amount_out, fee } =
            step(sqrt_price, target, liquidity, self.remaining, fee_rate, mode, direction)
                .ok_or(QuoteError::Overflow)?;
        let paid = amount_in.checked_add(fee);
        let (used, calculated) = match mode {
            Mode::ExactIn => (paid, Some(amount_out)),
            Mode::ExactOut => (Some(amount_out), paid),
        };
        let rest = used.and_then(|used| self.remaining.checked_sub(used));
        let sum = calculated.and_then(|amount| self.calculated.checked_add(amount));
        (self.remaining, self.calculated) = rest.zip(sum).ok_or(QuoteError::Overflow)?;
        for (sum, Share { rate, whole }) in self.fee_shares.iter_mut().zip(self.swap.fee_shares) {
            let part = math::mul_div_floor(fee, u64::from(rate), u64::from(whole));
            *sum = part.and_then(|part| sum.checked_add(part)).ok_or(QuoteError::Overflow)?;
        }
        self.impact.add(sqrt_price, next, amount_in).ok_or(QuoteError::Overflow)?;
        self.at.sqrt_price = next;
        Ok(())
    }

    /// The price has come to the stop exactly.
    fn cross(&mut self, stop: Stop) -> Result<(), QuoteError> {
        match stop.net {
            None if self.remaining > 0 => return Err(self.swap.beyond.error()),
            None => {}
            Some(net) => {
                let magnitude = net.unsigned_abs();
                let grows = match self.swap.direction {
                    Direction::AToB => net < 0,
                    Direction::BToA => net >= 0,
                };
                let liquidity = self.at.liquidity;
                let crossed =
                    if grows { liquidity.checked_add(magnitude) } else { liquidity.checked_sub(magnitude) };
                self.at.liquidity = crossed.ok_or(QuoteError::Overflow)?;
            }
        }
        self.at.tick = match self.swap.direction {
            Direction::AToB => stop.tick.saturating_sub(1),
            Direction::BToA => stop.tick,
        };
        Ok(())
    }

    fn end(self) -> Result<Walked<SHARES>, QuoteError> {
        let (amount_in, amount_out) = match self.swap.mode {
            Mode::ExactIn => (self.swap.amount, self.calculated),
            Mode::ExactOut => (self.calculated, self.swap.amount),
        };
        let price_impact = self.impact.mean().ok_or(QuoteError::Overflow)?;
        let Self { fee_shares, at: end, between, .. } = self;
        Ok(Walked { amount_in, amount_out, fee_shares, end, between, price_impact })
    }
}

/// The mean over all steps of how much worse than at the start the price was, weighted by what went in.
struct Impact {
    start: u128,
    direction: Direction,
    weight: U256,
    sum: U256,
}

impl Impact {
    /// The average price of a step is the product of the square roots at both of its ends.
    fn add(&mut self, from: u128, to: u128, amount_in: u64) -> Option<()> {
        let first = math::mul(self.start, self.start)?;
        let average = math::mul(from, to)?;
        let (worse, whole) = match self.direction {
            Direction::AToB => (first.saturating_sub(average), first),
            Direction::BToA => (average.saturating_sub(first), average),
        };
        // Both are of 192 bits at most.
        let part = worse.checked_mul(U256::from(Fraction::ONE_IN_BILLIONTHS))?.checked_div(whole)?;
        // A step that nothing goes into counts as if one unit did.
        let weight = U256::from(amount_in.max(1));
        self.weight = self.weight.checked_add(weight)?;
        self.sum = self.sum.checked_add(part.checked_mul(weight)?)?;
        Some(())
    }

    fn mean(&self) -> Option<Fraction> {
        let mean = self.sum.checked_div(self.weight)?;
        i64::try_from(mean).ok().map(Fraction::from_billionths)
    }
}
