//! Amounts of each token between two prices.

use crate::math::{Q128, div_ceil, mul};
use ruint::aliases::U256;

/// An exact amount as a fraction.
pub struct Ratio {
    numerator: U256,
    denominator: U256,
}

/// Amount of the first token between two square roots of the price, in Q64.64.
pub fn amount_a(liquidity: u128, low: u128, high: u128) -> Option<Ratio> {
    let numerator = mul(liquidity, high.checked_sub(low)?)?;
    Some(Ratio { numerator, denominator: mul(low, high)? })
}

/// Amount of the second token between two square roots of the price, in Q64.64.
pub fn amount_b(liquidity: u128, low: u128, high: u128) -> Option<Ratio> {
    let numerator = mul(liquidity, high.checked_sub(low)?)?;
    Some(Ratio { numerator, denominator: Q128 })
}

/// Rounds an amount down. None above 64 bits.
pub fn floor(ratio: Ratio) -> Option<u64> {
    u64::try_from(ratio.numerator.checked_div(ratio.denominator)?).ok()
}

/// Rounds an amount up. None above 64 bits.
pub fn ceil(ratio: Ratio) -> Option<u64> {
    u64::try_from(div_ceil(ratio.numerator, ratio.denominator)?).ok()
}
