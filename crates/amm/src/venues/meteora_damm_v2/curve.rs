use super::amounts::{amount_a, amount_b, ceil, floor};
use super::base_fee::Moment;
use super::layout::{CollectFee, DammV2Pool, DynamicFee};
use super::offset;
use super::program::FEE_ONE;
use crate::changes::{FieldWrite, Writes};
use crate::clock::Clock;
use crate::math::{self, div_ceil, mul, mul_div_ceil, times_q128};
use crate::swap::{Direction, Fill, QuoteError};
use crate::venue::{Curve, SwapArgs};
use order_core::{Atoms, Fraction};
use ruint::aliases::U256;
use solana_instruction::Instruction;

/// The variable fee is in units of this many parts of a billionth.
const VARIABLE_FEE_UNIT: u128 = 100_000_000_000;

/// A pool; its own account tells everything that the maths needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DammV2Curve {
    pool: DammV2Pool,
    reserves: [u64; 2],
}

impl Curve for DammV2Curve {
    fn reserves(&self, _clock: Clock) -> [Atoms; 2] {
        self.reserves.map(Atoms::new)
    }

    fn fee(&self, clock: Clock) -> Fraction {
        let moment = self.moment(Direction::AToB, clock);
        let rate = self.pool.base_fee.planned(moment).and_then(|base| self.capped(base));
        fraction(rate.unwrap_or(self.pool.fee_cap))
    }

    /// Output for `amount` that arrives in the vault.
    fn exact_in(
        &self,
        direction: Direction,
        amount: u64,
        clock: Clock,
        writes: &mut Writes,
    ) -> Result<Fill, QuoteError> {
        self.require_open(clock)?;
        let base = self.pool.base_fee.for_input(self.moment(direction, clock), amount);
        let rate = base.and_then(|base| self.capped(base)).ok_or(QuoteError::Overflow)?;
        let fee_of = |amount| mul_div_ceil(amount, rate, FEE_ONE).ok_or(QuoteError::Overflow);
        let fee_on_input = self.fee_on_input(direction);
        let fee_in = if fee_on_input { fee_of(amount)? } else { 0 };
        let net = amount.checked_sub(fee_in).ok_or(QuoteError::Overflow)?;
        let next = self.price_after_input(direction, net).ok_or(QuoteError::InsufficientLiquidity)?;
        let gross = self.out(direction, next).ok_or(QuoteError::InsufficientLiquidity)?;
        let fee_out = if fee_on_input { 0 } else { fee_of(gross)? };
        let amount_out = gross.checked_sub(fee_out).ok_or(QuoteError::Overflow)?;
        let fee = fee_in.max(fee_out);
        self.fill(DammV2Swap { direction, amount_in: amount, amount_out, next, fee, rate }, writes)
    }

    /// Input that must arrive in the vault so that `amount` leaves the other.
    fn exact_out(
        &self,
        direction: Direction,
        amount: u64,
        clock: Clock,
        writes: &mut Writes,
    ) -> Result<Fill, QuoteError> {
        self.require_open(clock)?;
        let moment = self.moment(direction, clock);
        let base = self.pool.base_fee.planned(moment);
        let rate = base.and_then(|base| self.capped(base)).ok_or(QuoteError::Overflow)?;
        let kept = FEE_ONE.checked_sub(rate).ok_or(QuoteError::Overflow)?;
        let before_fee = |net| mul_div_ceil(net, FEE_ONE, kept).ok_or(QuoteError::Overflow);
        let fee_on_input = self.fee_on_input(direction);
        let gross = if fee_on_input { amount } else { before_fee(amount)? };
        let next = self.price_after_output(direction, gross).ok_or(QuoteError::InsufficientLiquidity)?;
        let net = self.paid(direction, next).ok_or(QuoteError::InsufficientLiquidity)?;
        let amount_in = if fee_on_input { before_fee(net)? } else { net };
        if self.pool.base_fee.planned_up_to(moment).is_some_and(|limit| amount_in > limit) {
            let reason = "an exact output above the reference amount of a rate limiter";
            return Err(QuoteError::Unsupported { reason });
        }
        let fee = gross.saturating_sub(amount).max(amount_in.saturating_sub(net));
        self.fill(DammV2Swap { direction, amount_in, amount_out: amount, next, fee, rate }, writes)
    }

    fn instruction(&self, args: SwapArgs<'_>) -> Instruction {
        self.pool.instruction(args)
    }
}

impl DammV2Curve {
    pub(super) fn load(pool: &DammV2Pool) -> Self {
        let first = amount_a(pool.liquidity, pool.sqrt_price, pool.sqrt_max_price);
        let second = amount_b(pool.liquidity, pool.sqrt_min_price, pool.sqrt_price);
        // The program never asks for all of them at once: more than 64 bits do not stop it.
        let reserves = [first, second].map(|amount| amount.and_then(floor).unwrap_or(u64::MAX));
        Self { pool: pool.clone(), reserves }
    }

    fn require_open(&self, clock: Clock) -> Result<(), QuoteError> {
        if !self.pool.enabled {
            return Err(QuoteError::Closed { reason: "it is disabled" });
        }
        if self.point(clock) < self.pool.activation_point {
            return Err(QuoteError::Closed { reason: "its activation is not reached" });
        }
        if self.pool.liquidity == 0 {
            return Err(QuoteError::InsufficientLiquidity);
        }
        Ok(())
    }

    fn point(&self, clock: Clock) -> u64 {
        clock.in_unit(self.pool.activation)
    }

    fn moment(&self, direction: Direction, clock: Clock) -> Moment {
        Moment {
            point: self.point(clock),
            activation_point: self.pool.activation_point,
            sqrt_price: self.pool.sqrt_price,
            direction,
        }
    }

    fn fee_on_input(&self, direction: Direction) -> bool {
        match (self.pool.collect_fee, direction) {
            (CollectFee::Output, Direction::AToB | Direction::BToA)
            | (CollectFee::SecondToken, Direction::AToB) => false,
            (CollectFee::SecondToken, Direction::BToA) => true,
        }
    }

    /// The base fee with the variable fee of the stored volatility, up to the program's cap.
    fn capped(&self, base: u64) -> Option<u64> {
        let variable = match self.pool.dynamic_fee {
            None => 0,
            Some(dynamic) => variable_fee(dynamic)?,
        };
        let total = u64::try_from(u128::from(base).checked_add(variable)?).ok()?;
        Some(total.min(self.pool.fee_cap))
    }

    /// The square root of the price after `net` has come in. None if that leaves the pool's range.
    fn price_after_input(&self, direction: Direction, net: u64) -> Option<u128> {
        let DammV2Pool { liquidity, sqrt_price, sqrt_min_price, sqrt_max_price, .. } = self.pool;
        match direction {
            Direction::AToB => {
                let denominator = U256::from(liquidity).checked_add(mul(sqrt_price, u128::from(net))?)?;
                let next = narrow(div_ceil(mul(liquidity, sqrt_price)?, denominator)?)?;
                (next >= sqrt_min_price).then_some(next)
            }
            Direction::BToA => {
                let rise = times_q128(net).checked_div(U256::from(liquidity))?;
                let next = sqrt_price.checked_add(narrow(rise)?)?;
                (next <= sqrt_max_price).then_some(next)
            }
        }
    }

    /// The square root of the price after `gross` has gone out. None if that leaves the pool's range.
    fn price_after_output(&self, direction: Direction, gross: u64) -> Option<u128> {
        let DammV2Pool { liquidity, sqrt_price, sqrt_min_price, sqrt_max_price, .. } = self.pool;
        match direction {
            Direction::AToB => {
                let fall = div_ceil(times_q128(gross), U256::from(liquidity))?;
                let next = sqrt_price.checked_sub(narrow(fall)?)?;
                (next >= sqrt_min_price).then_some(next)
            }
            Direction::BToA => {
                let denominator = U256::from(liquidity).checked_sub(mul(sqrt_price, u128::from(gross))?)?;
                let next = narrow(div_ceil(mul(liquidity, sqrt_price)?, denominator)?)?;
                (next <= sqrt_max_price).then_some(next)
            }
        }
    }

    /// Output while the price moves to `next`, rounded down.
    fn out(&self, direction: Direction, next: u128) -> Option<u64> {
        let (liquidity, price) = (self.pool.liquidity, self.pool.sqrt_price);
        match direction {
            Direction::AToB => amount_b(liquidity, next, price).and_then(floor),
            Direction::BToA => amount_a(liquidity, price, next).and_then(floor),
        }
    }

    /// Input that moves the price to `next`, rounded up.
    fn paid(&self, direction: Direction, next: u128) -> Option<u64> {
        let (liquidity, price) = (self.pool.liquidity, self.pool.sqrt_price);
        match direction {
            Direction::AToB => amount_a(liquidity, next, price).and_then(ceil),
            Direction::BToA => amount_b(liquidity, price, next).and_then(ceil),
        }
    }

    fn fill(&self, swap: DammV2Swap, writes: &mut Writes) -> Result<Fill, QuoteError> {
        self.write(swap, writes).ok_or(QuoteError::Overflow)?;
        let price = self.pool.sqrt_price;
        // The average price is the product of both square roots, the first price the square of one.
        let impact = math::ratio(price.abs_diff(swap.next), price.max(swap.next));
        Ok(Fill {
            amount_in: swap.amount_in,
            amount_out: swap.amount_out,
            fee: fraction(swap.rate),
            price_impact: impact.ok_or(QuoteError::Overflow)?,
        })
    }

    fn write(&self, swap: DammV2Swap, writes: &mut Writes) -> Option<()> {
        let protocol = math::mul_div_floor(swap.fee, u64::from(self.pool.protocol_fee_percent), 100)?;
        let [first, second] = self.pool.protocol_fees;
        let in_second = match swap.direction {
            Direction::AToB => !self.fee_on_input(swap.direction),
            Direction::BToA => self.fee_on_input(swap.direction),
        };
        let [fees_first, fees_second] = if in_second {
            [first, second.checked_add(protocol)?]
        } else {
            [first.checked_add(protocol)?, second]
        };
        let address = self.pool.address;
        let [offset_first, offset_second] = offset::PROTOCOL_FEES;
        writes.add(|| {
            [
                FieldWrite::u128(address, offset::SQRT_PRICE, swap.next),
                FieldWrite::u64(address, offset_first, fees_first),
                FieldWrite::u64(address, offset_second, fees_second),
            ]
        });
        Some(())
    }
}

/// The amounts of one swap.
#[derive(Clone, Copy)]
struct DammV2Swap {
    direction: Direction,
    amount_in: u64,
    amount_out: u64,
    /// The square root of the price after it.
    next: u128,
    fee: u64,
    /// The rate of the fee in billionths.
    rate: u64,
}

fn narrow(value: U256) -> Option<u128> {
    u128::try_from(value).ok()
}

/// In billionths, rounded up. None where the program's own arithmetic, of 128 bits, fails.
fn variable_fee(dynamic: DynamicFee) -> Option<u128> {
    let steps = dynamic.accumulator.checked_mul(u128::from(dynamic.bin_step))?;
    Some(steps.checked_mul(steps)?.checked_mul(u128::from(dynamic.control))?.div_ceil(VARIABLE_FEE_UNIT))
}

fn fraction(billionths: u64) -> Fraction {
    i64::try_from(billionths).map_or(Fraction::ONE, Fraction::from_billionths)
}
