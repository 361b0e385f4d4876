//! One step: as far as the amount, or the next tick, allows.

use super::reserves::{Rounding, amount_a, amount_b};
use crate::math;
use crate::swap::Direction;
use order_core::quote::Mode;
use ruint::aliases::{U256, U512};

/// Rates of fees are in millionths.
pub(crate) const RATE_ONE: u32 = 1_000_000;

/// Side of a swap that a pool's fee is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FeeSide {
    Input,
    Output,
}

/// Rules of a step that do not depend on where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StepRules {
    pub(super) mode: Mode,
    pub(super) direction: Direction,
    pub(super) fee_side: FeeSide,
    /// In millionths, below one.
    pub(super) fee_rate: u32,
}

/// Amounts of a step, and the price after it.
pub(super) struct TickStep {
    /// The square root of the price after it.
    pub(super) next: u128,
    /// Without a fee on the input.
    pub(super) amount_in: u64,
    /// After a fee on the output.
    pub(super) amount_out: u64,
    pub(super) fee: u64,
}

/// None if a number exceeds what the programs calculate with.
pub(super) fn step(
    price: u128,
    target: u128,
    liquidity: u128,
    remaining: u64,
    rules: StepRules,
) -> Option<TickStep> {
    let StepRules { mode, direction, .. } = rules;
    let available = rules.moving(remaining)?;
    // A target so far that either amount exceeds 64 bits is out of reach.
    let whole = match mode {
        Mode::ExactIn => amount_in(price, target, liquidity, direction)
            .filter(|whole| available >= *whole)
            .and_then(|whole| Some((whole, amount_out(price, target, liquidity, direction)?))),
        Mode::ExactOut => amount_out(price, target, liquidity, direction)
            .filter(|whole| available >= *whole)
            .and_then(|whole| Some((amount_in(price, target, liquidity, direction)?, whole))),
    };
    let (next, amount_in, amount_out) = match whole {
        Some((whole_in, whole_out)) => (target, whole_in, whole_out),
        None => {
            let next = match mode {
                Mode::ExactIn => price_after_input(price, liquidity, available, direction)?,
                Mode::ExactOut => price_after_output(price, liquidity, available, direction)?,
            };
            let amount_in = amount_in(price, next, liquidity, direction)?;
            (next, amount_in, amount_out(price, next, liquidity, direction)?)
        }
    };
    let moved = TickStep { next, amount_in, amount_out, fee: 0 };
    rules.charge(moved, remaining, next != target)
}

impl StepRules {
    fn kept(self) -> Option<u64> {
        u64::from(RATE_ONE).checked_sub(u64::from(self.fee_rate))
    }

    /// The part of the amount that moves the price.
    fn moving(self, remaining: u64) -> Option<u64> {
        let one = u64::from(RATE_ONE);
        match (self.mode, self.fee_side) {
            (Mode::ExactIn, FeeSide::Input) => math::mul_div_floor(remaining, self.kept()?, one),
            (Mode::ExactOut, FeeSide::Output) => self.before_fee(remaining),
            (Mode::ExactIn, FeeSide::Output) | (Mode::ExactOut, FeeSide::Input) => Some(remaining),
        }
    }

    /// Output of which the fee leaves an amount.
    pub(super) fn before_fee(self, amount_out: u64) -> Option<u64> {
        math::mul_div_ceil(amount_out, u64::from(RATE_ONE), self.kept()?)
    }

    /// Fee on an input that it is not part of.
    pub(super) fn fee_on_top(self, amount_in: u64) -> Option<u64> {
        math::mul_div_ceil(amount_in, u64::from(self.fee_rate), self.kept()?)
    }

    /// Fee within an amount.
    pub(super) fn fee_within(self, amount: u64) -> Option<u64> {
        math::mul_div_ceil(amount, u64::from(self.fee_rate), u64::from(RATE_ONE))
    }

    /// Takes the fee of a step. `partial`: it did not come to its target, and the amount ends with it.
    fn charge(self, step: TickStep, remaining: u64, partial: bool) -> Option<TickStep> {
        let TickStep { next, amount_in, amount_out, .. } = step;
        match (self.mode, self.fee_side) {
            (Mode::ExactIn, FeeSide::Input) => {
                let fee =
                    if partial { remaining.checked_sub(amount_in)? } else { self.fee_on_top(amount_in)? };
                Some(TickStep { fee, ..step })
            }
            (Mode::ExactOut, FeeSide::Input) => {
                let fee = self.fee_on_top(amount_in)?;
                Some(TickStep { fee, amount_out: amount_out.min(remaining), ..step })
            }
            (Mode::ExactIn, FeeSide::Output) => {
                let fee = self.fee_within(amount_out)?;
                let amount_in = if partial { remaining } else { amount_in };
                Some(TickStep { next, amount_in, amount_out: amount_out.checked_sub(fee)?, fee })
            }
            (Mode::ExactOut, FeeSide::Output) => {
                let net = amount_out.checked_sub(self.fee_within(amount_out)?)?.min(remaining);
                Some(TickStep { next, amount_in, amount_out: net, fee: amount_out.checked_sub(net)? })
            }
        }
    }
}

fn amount_in(from: u128, to: u128, liquidity: u128, direction: Direction) -> Option<u64> {
    match direction {
        Direction::AToB => amount_a(liquidity, to, from, Rounding::Up),
        Direction::BToA => amount_b(liquidity, from, to, Rounding::Up),
    }
}

fn amount_out(from: u128, to: u128, liquidity: u128, direction: Direction) -> Option<u64> {
    match direction {
        Direction::AToB => amount_b(liquidity, to, from, Rounding::Down),
        Direction::BToA => amount_a(liquidity, from, to, Rounding::Down),
    }
}

fn price_after_input(price: u128, liquidity: u128, amount: u64, direction: Direction) -> Option<u128> {
    if amount == 0 {
        return Some(price);
    }
    match direction {
        Direction::AToB => {
            let scaled = U256::from(liquidity).checked_shl(64)?;
            let moved = math::mul(price, u128::from(amount))?;
            scaled_price(scaled, price, scaled.checked_add(moved)?)
        }
        Direction::BToA => {
            let rise = U256::from(amount).checked_shl(64)?.checked_div(U256::from(liquidity))?;
            price.checked_add(u128::try_from(rise).ok()?)
        }
    }
}

fn price_after_output(price: u128, liquidity: u128, amount: u64, direction: Direction) -> Option<u128> {
    if amount == 0 {
        return Some(price);
    }
    match direction {
        Direction::AToB => {
            let fall = math::div_ceil(U256::from(amount).checked_shl(64)?, U256::from(liquidity))?;
            price.checked_sub(u128::try_from(fall).ok()?)
        }
        Direction::BToA => {
            let scaled = U256::from(liquidity).checked_shl(64)?;
            let moved = math::mul(price, u128::from(amount))?;
            scaled_price(scaled, price, scaled.checked_sub(moved)?)
        }
    }
}

/// `price · numerator / denominator`, rounded up.
fn scaled_price(numerator: U256, price: u128, denominator: U256) -> Option<u128> {
    // All but the largest pools fit into the shorter numbers, which are divided much faster.
    if let Some(product) = numerator.checked_mul(U256::from(price)) {
        return u128::try_from(math::div_ceil(product, denominator)?).ok();
    }
    let (product, denominator) =
        (U512::from(numerator).checked_mul(U512::from(price))?, U512::from(denominator));
    let quotient = product.checked_div(denominator)?;
    let is_exact = product.checked_rem(denominator)?.is_zero();
    let rounded = if is_exact { quotient } else { quotient.checked_add(U512::ONE)? };
    u128::try_from(rounded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn short_and_long_numbers_give_the_same(
            bits in 64u32..=192, limbs: [u64; 3], price in 1u128..1 << 96, more: u128,
        ) {
            let [low, middle, high] = limbs;
            let numerator = U256::from_limbs([low, middle, high, 0]) >> (192 - bits);
            let denominator = numerator + U256::from(more);
            let product = U512::from(numerator) * U512::from(price);
            let divisor = U512::from(denominator);
            let expected = (!denominator.is_zero()).then(|| (product + divisor - U512::ONE) / divisor);
            let expected = expected.and_then(|price| u128::try_from(price).ok());
            prop_assert_eq!(scaled_price(numerator, price, denominator), expected);
        }
    }
}
