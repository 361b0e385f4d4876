//! One step: as far as the amount, or the next tick, allows.

use super::RATE_ONE;
use super::reserves::{Rounding, amount_a, amount_b};
use crate::math;
use crate::swap::Direction;
use order_core::quote::Mode;
use ruint::aliases::{U256, U512};

/// What a step moves, and how far.
pub(super) struct Step {
    /// The square root of the price after it.
    pub(super) next: u128,
    /// Without the fee.
    pub(super) amount_in: u64,
    pub(super) amount_out: u64,
    pub(super) fee: u64,
}

/// None if a number exceeds what the programs calculate with.
pub(super) fn step(
    price: u128,
    target: u128,
    liquidity: u128,
    remaining: u64,
    fee_rate: u32,
    mode: Mode,
    direction: Direction,
) -> Option<Step> {
    let one = u64::from(RATE_ONE);
    let kept = one.checked_sub(u64::from(fee_rate))?;
    let available = match mode {
        Mode::ExactIn => math::mul_div_floor(remaining, kept, one)?,
        Mode::ExactOut => remaining,
    };
    let whole_in = amount_in(price, target, liquidity, direction);
    let whole_out = amount_out(price, target, liquidity, direction);
    let limit = match mode {
        Mode::ExactIn => whole_in,
        Mode::ExactOut => whole_out,
    };
    // A target so far that either amount exceeds 64 bits is out of reach.
    let (next, amount_in, amount_out) = match whole_in.zip(whole_out).zip(limit) {
        Some(((whole_in, whole_out), limit)) if available >= limit => (target, whole_in, whole_out),
        Some(_) | None => {
            let next = match mode {
                Mode::ExactIn => price_after_input(price, liquidity, available, direction)?,
                Mode::ExactOut => price_after_output(price, liquidity, available, direction)?,
            };
            let amount_in = amount_in(price, next, liquidity, direction)?;
            (next, amount_in, amount_out(price, next, liquidity, direction)?)
        }
    };
    let fee = match mode {
        Mode::ExactIn if next != target => remaining.checked_sub(amount_in)?,
        Mode::ExactIn | Mode::ExactOut => math::mul_div_ceil(amount_in, u64::from(fee_rate), kept)?,
    };
    let amount_out = match mode {
        Mode::ExactIn => amount_out,
        Mode::ExactOut => amount_out.min(remaining),
    };
    Some(Step { next, amount_in, amount_out, fee })
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
            let scaled = U512::from(liquidity).checked_shl(64)?;
            let moved = U512::from(price).checked_mul(U512::from(amount))?;
            ceil(scaled.checked_mul(U512::from(price))?, scaled.checked_add(moved)?)
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
            let scaled = U512::from(liquidity).checked_shl(64)?;
            let moved = U512::from(price).checked_mul(U512::from(amount))?;
            ceil(scaled.checked_mul(U512::from(price))?, scaled.checked_sub(moved)?)
        }
    }
}

fn ceil(numerator: U512, denominator: U512) -> Option<u128> {
    let quotient = numerator.checked_div(denominator)?;
    let exact = numerator.checked_rem(denominator)?.is_zero();
    let rounded = if exact { quotient } else { quotient.checked_add(U512::ONE)? };
    u128::try_from(rounded).ok()
}
