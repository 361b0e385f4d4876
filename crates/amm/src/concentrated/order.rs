//! Limit orders that wait at a tick: a swap whose price comes there buys them at the tick's price.

use super::step::{FeeSide, StepRules};
use crate::math;
use crate::swap::Direction;
use order_core::quote::Mode;
use ruint::aliases::U256;

/// Part of the orders at a tick that a swap takes.
pub(super) struct OrderFill {
    /// Without a fee on the input.
    pub(super) amount_in: u64,
    /// After a fee on the output.
    pub(super) amount_out: u64,
    pub(super) fee: u64,
    /// Part of the orders that is filled.
    pub(super) taken: u64,
}

/// Fills orders of `unfilled` for the rest of an amount, rounded in their favour. None if a number exceeds what the
/// program calculates with.
pub(super) fn fill(unfilled: u64, sqrt_price: u128, remaining: u64, rules: StepRules) -> Option<OrderFill> {
    let StepRules { mode, direction, fee_side, .. } = rules;
    let price = price(sqrt_price, direction)?;
    let (taken, amount_in) = match mode {
        Mode::ExactIn => {
            let fee = if fee_side == FeeSide::Input { rules.fee_within(remaining)? } else { 0 };
            let offered = remaining.checked_sub(fee)?;
            match bought(offered, price, direction)? {
                all if all > U256::from(unfilled) => (unfilled, paid(unfilled, price, direction)?),
                // The fee is what is left of the amount.
                part => {
                    let taken = u64::try_from(part).ok()?;
                    return charge(OrderFill { amount_in: offered, amount_out: taken, fee, taken }, rules);
                }
            }
        }
        Mode::ExactOut => {
            let taken = match fee_side {
                FeeSide::Input => remaining.min(unfilled),
                FeeSide::Output => rules.before_fee(remaining.min(unfilled))?.min(unfilled),
            };
            (taken, paid(taken, price, direction)?)
        }
    };
    let fee = if fee_side == FeeSide::Input { rules.fee_on_top(amount_in)? } else { 0 };
    charge(OrderFill { amount_in, amount_out: taken, fee, taken }, rules)
}

/// Takes a fee on the output.
fn charge(fill: OrderFill, rules: StepRules) -> Option<OrderFill> {
    match rules.fee_side {
        FeeSide::Input => Some(fill),
        FeeSide::Output => {
            let fee = rules.fee_within(fill.taken)?;
            Some(OrderFill { amount_out: fill.taken.checked_sub(fee)?, fee, ..fill })
        }
    }
}

/// The price of the first token in the second, in Q64.64, rounded in favour of the orders.
fn price(sqrt_price: u128, direction: Direction) -> Option<u128> {
    let square = math::mul(sqrt_price, sqrt_price)?;
    let rounding = match direction {
        Direction::AToB => U256::ZERO,
        Direction::BToA => U256::from(u64::MAX),
    };
    u128::try_from(square.checked_add(rounding)?.wrapping_shr(64)).ok()
}

fn bought(amount_in: u64, price: u128, direction: Direction) -> Option<U256> {
    match direction {
        Direction::AToB => Some(math::mul(u128::from(amount_in), price)?.wrapping_shr(64)),
        Direction::BToA => U256::from(amount_in).checked_shl(64)?.checked_div(U256::from(price)),
    }
}

fn paid(amount_out: u64, price: u128, direction: Direction) -> Option<u64> {
    let paid = match direction {
        Direction::AToB => math::div_ceil(U256::from(amount_out).checked_shl(64)?, U256::from(price))?,
        Direction::BToA => math::div_ceil(math::mul(u128::from(amount_out), price)?, U256::from(math::Q64))?,
    };
    u64::try_from(paid).ok()
}
