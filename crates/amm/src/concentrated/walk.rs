//! A swap's walk from one tick to the next.

use super::order;
use super::place::{Place, Stop};
use super::step::{FeeSide, StepRules, TickStep, step};
use super::volatility::{Bound, GrowingFee};
use crate::math;
use crate::swap::{Direction, QuoteError};
use order_core::Fraction;
use order_core::quote::Mode;
use ruint::aliases::U256;

/// Steps of one walk. A transaction has no room for as many.
const STEPS_MAX: usize = 1024;

const TOO_MANY_STEPS: QuoteError =
    QuoteError::Unsupported { reason: "a swap through more ticks than a transaction has room for" };

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
    pub(crate) fee_side: FeeSide,
    /// In place of the fee's rate, if it grows on the way.
    pub(crate) growing_fee: Option<GrowingFee>,
    /// The square root of the price that the program does not go beyond.
    pub(crate) price_limit: u128,
    pub(crate) beyond: Beyond,
    pub(crate) fee_shares: [Share; SHARES],
}

/// Where a walk came to.
#[derive(Debug, Clone)]
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
    /// The mean rate of the fee, in millionths.
    pub(crate) fee_rate: u32,
    /// As the swap leaves it.
    pub(crate) growing_fee: Option<GrowingFee>,
    /// Limit orders that were filled: the tick, and the amount.
    pub(crate) filled: Vec<(i32, u64)>,
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
    while walk.remaining > 0 {
        let stop = stops.next().ok_or(swap.beyond.error())?;
        walk.towards(*stop)?;
    }
    walk.end()
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
    mean_rate: MeanRate,
    growing_fee: Option<GrowingFee>,
    filled: Vec<(i32, u64)>,
    /// Steps that are left.
    steps: usize,
}

impl<'a, const SHARES: usize> TickWalk<'a, SHARES> {
    fn new(swap: TickSwap<'a, SHARES>) -> Self {
        let impact = Impact {
            start: swap.start.sqrt_price,
            direction: swap.direction,
            weight: U256::ZERO,
            sum: U256::ZERO,
        };
        Self {
            swap,
            at: swap.start,
            between: None,
            remaining: swap.amount,
            calculated: 0,
            fee_shares: [0; SHARES],
            impact,
            mean_rate: MeanRate::default(),
            growing_fee: swap.growing_fee,
            filled: Vec::new(),
            steps: STEPS_MAX,
        }
    }

    /// Goes to the stop, or as far as the amount reaches.
    fn towards(&mut self, stop: Stop) -> Result<(), QuoteError> {
        let target = match self.swap.direction {
            Direction::AToB => stop.sqrt_price.max(self.swap.price_limit),
            Direction::BToA => stop.sqrt_price.min(self.swap.price_limit),
        };
        let before = self.at;
        loop {
            self.steps = self.steps.checked_sub(1).ok_or(TOO_MANY_STEPS)?;
            let rules = self.rules().ok_or(QuoteError::Overflow)?;
            let bound = match &self.growing_fee {
                Some(fee) => fee.bound(target, self.at.liquidity).ok_or(QuoteError::Overflow)?,
                None => Bound { sqrt_price: target, jumps: false },
            };
            if self.at.sqrt_price != bound.sqrt_price {
                self.step(bound.sqrt_price, rules)?;
            }
            if self.at.sqrt_price == stop.sqrt_price {
                self.arrive(stop, rules)?;
            }
            if let Some(fee) = &mut self.growing_fee {
                fee.advance(self.at.sqrt_price, &stop, bound.jumps);
            }
            if self.remaining == 0 || self.at.sqrt_price == target {
                return self.rest(before, stop);
            }
        }
    }

    /// Where the price is between two ticks, if it has not come to the stop.
    fn rest(&mut self, before: Place, stop: Stop) -> Result<(), QuoteError> {
        if self.at.sqrt_price == stop.sqrt_price {
            return Ok(());
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

    /// The rules of the next step. None if the fee exceeds what the programs calculate with.
    fn rules(&mut self) -> Option<StepRules> {
        let TickSwap { direction, mode, fee_rate, fee_side, .. } = self.swap;
        let fee_rate = match &mut self.growing_fee {
            Some(fee) => fee.rate()?,
            None => fee_rate,
        };
        Some(StepRules { mode, direction, fee_side, fee_rate })
    }

    fn step(&mut self, target: u128, rules: StepRules) -> Result<(), QuoteError> {
        let Place { sqrt_price, liquidity, .. } = self.at;
        let TickStep { next, amount_in, amount_out, fee } =
            step(sqrt_price, target, liquidity, self.remaining, rules).ok_or(QuoteError::Overflow)?;
        self.count(amount_in, amount_out, fee, rules).ok_or(QuoteError::Overflow)?;
        self.impact.add(sqrt_price, next, amount_in).ok_or(QuoteError::Overflow)?;
        self.at.sqrt_price = next;
        Ok(())
    }

    /// Counts what was swapped. The input is without a fee on it, the output after one on it.
    fn count(&mut self, amount_in: u64, amount_out: u64, fee: u64, rules: StepRules) -> Option<()> {
        let paid = match rules.fee_side {
            FeeSide::Input => amount_in.checked_add(fee)?,
            FeeSide::Output => amount_in,
        };
        let (used, calculated) = match rules.mode {
            Mode::ExactIn => (paid, amount_out),
            Mode::ExactOut => (amount_out, paid),
        };
        self.remaining = self.remaining.checked_sub(used)?;
        self.calculated = self.calculated.checked_add(calculated)?;
        self.mean_rate.add(rules.fee_rate, amount_in)?;
        let mut rest = fee;
        for (sum, Share { rate, whole }) in self.fee_shares.iter_mut().zip(self.swap.fee_shares) {
            let part = math::mul_div_floor(fee, u64::from(rate), u64::from(whole))?;
            rest = rest.saturating_sub(part);
            *sum = sum.checked_add(part)?;
        }
        if self.at.liquidity == 0
            && let Some(first) = self.fee_shares.first_mut()
        {
            // Nobody owns liquidity here.
            *first = first.checked_add(rest)?;
        }
        Some(())
    }

    /// The price has come to the stop exactly: the limit orders there are filled, then the stop is crossed.
    fn arrive(&mut self, stop: Stop, rules: StepRules) -> Result<(), QuoteError> {
        let mut orders = stop.orders;
        if orders > 0 && self.remaining > 0 {
            let fill = order::fill(orders, stop.sqrt_price, self.remaining, rules);
            let fill = fill.ok_or(QuoteError::Overflow)?;
            self.count(fill.amount_in, fill.amount_out, fill.fee, rules).ok_or(QuoteError::Overflow)?;
            let impact = self.impact.add(stop.sqrt_price, stop.sqrt_price, fill.amount_in);
            impact.ok_or(QuoteError::Overflow)?;
            self.filled.push((stop.tick, fill.taken));
            orders = orders.checked_sub(fill.taken).ok_or(QuoteError::Overflow)?;
        }
        if orders == 0 {
            return self.cross(stop);
        }
        // The next swap in this direction meets the same orders.
        self.at.tick = match self.swap.direction {
            Direction::AToB => stop.tick,
            Direction::BToA => stop.tick.saturating_sub(1),
        };
        if self.remaining > 0 { Err(QuoteError::Overflow) } else { Ok(()) }
    }

    /// Liquidity begins or ends.
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
        let fee_rate = self.mean_rate.mean().unwrap_or(self.swap.fee_rate);
        let Self { fee_shares, at: end, between, growing_fee, filled, .. } = self;
        Ok(Walked {
            amount_in,
            amount_out,
            fee_shares,
            end,
            between,
            price_impact,
            fee_rate,
            growing_fee,
            filled,
        })
    }
}

/// The mean of the fee's rates over all steps, weighted by what went in.
#[derive(Debug, Default)]
struct MeanRate {
    weight: u128,
    sum: u128,
}

impl MeanRate {
    fn add(&mut self, rate: u32, amount_in: u64) -> Option<()> {
        // A step that nothing goes into counts as if one unit did.
        let weight = u128::from(amount_in.max(1));
        self.weight = self.weight.checked_add(weight)?;
        self.sum = self.sum.checked_add(weight.checked_mul(u128::from(rate))?)?;
        Some(())
    }

    fn mean(&self) -> Option<u32> {
        u32::try_from(self.sum.checked_div(self.weight)?).ok()
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
