//! Amounts of each token between two prices.

use super::place::{Place, Stop};
use crate::math;
use order_core::Atoms;
use ruint::aliases::{U256, U512};

/// In whose favour an amount is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the next unit.
    Up,
    /// The rest is dropped.
    Down,
}

/// Amount of the first token between two square roots of the price. None above 64 bits.
pub fn amount_a(liquidity: u128, low: u128, high: u128, rounding: Rounding) -> Option<u64> {
    let width = high.checked_sub(low)?;
    let scaled = U256::from(liquidity).checked_shl(64)?;
    let denominator = math::mul(low, high)?;
    // All but the largest pools fit into the shorter numbers, which are divided much faster.
    match scaled.checked_mul(U256::from(width)) {
        Some(numerator) if !denominator.is_zero() => {
            let (floor, rest) = numerator.div_rem(denominator);
            rounded(u64::try_from(floor).ok()?, rest.is_zero(), rounding)
        }
        Some(_) => None,
        None => {
            let numerator = U512::from(scaled).checked_mul(U512::from(width))?;
            let denominator = U512::from(denominator);
            let floor = numerator.checked_div(denominator)?;
            let is_exact = numerator.checked_rem(denominator)?.is_zero();
            rounded(u64::try_from(floor).ok()?, is_exact, rounding)
        }
    }
}

/// Amount of the second token between two square roots of the price. None above 64 bits.
pub fn amount_b(liquidity: u128, low: u128, high: u128, rounding: Rounding) -> Option<u64> {
    let [rest, floor, 0, 0] = *math::mul(liquidity, high.checked_sub(low)?)?.as_limbs() else { return None };
    rounded(floor, rest == 0, rounding)
}

fn rounded(floor: u64, is_exact: bool, rounding: Rounding) -> Option<u64> {
    match rounding {
        Rounding::Up if !is_exact => floor.checked_add(1),
        Rounding::Up | Rounding::Down => Some(floor),
    }
}

/// Amounts that can be bought of each token as far as the stops reach, each range rounded down.
pub(crate) fn reserves(start: Place, down: &[Stop], up: &[Stop]) -> [Atoms; 2] {
    let first = sum(start, up, |liquidity, from, to| amount_a(liquidity, from, to, Rounding::Down), false);
    let second = sum(start, down, |liquidity, from, to| amount_b(liquidity, to, from, Rounding::Down), true);
    [first, second].map(Atoms::new)
}

/// Liquidity that contradicts itself ends the sum: it cannot be walked either.
fn sum(
    start: Place,
    stops: &[Stop],
    amount: impl Fn(u128, u128, u128) -> Option<u64>,
    downwards: bool,
) -> u64 {
    let mut place = start;
    let mut total = 0_u64;
    for stop in stops {
        let part = amount(place.liquidity, place.sqrt_price, stop.sqrt_price).unwrap_or(u64::MAX);
        total = total.saturating_add(part).saturating_add(stop.orders);
        let Some(net) = stop.net else { break };
        let grows = (net < 0) == downwards;
        let magnitude = net.unsigned_abs();
        let liquidity = place.liquidity;
        let crossed = if grows { liquidity.checked_add(magnitude) } else { liquidity.checked_sub(magnitude) };
        let Some(liquidity) = crossed else { break };
        place = Place { sqrt_price: stop.sqrt_price, tick: stop.tick, liquidity };
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exactly(numerator: U512, denominator: U512, rounding: Rounding) -> Option<u64> {
        let floor = numerator.checked_div(denominator)?;
        let rest = numerator.checked_rem(denominator)?;
        let up = rounding == Rounding::Up && !rest.is_zero();
        u64::try_from(floor + U512::from(u8::from(up))).ok()
    }

    proptest! {
        #[test]
        fn short_and_long_numbers_give_the_same(
            bits in 1u32..=128, liquidity: u128, low in 0u128..1 << 96, high in 0u128..1 << 96, up: bool,
        ) {
            let (liquidity, low, high) = (liquidity >> (128 - bits), low.min(high), low.max(high));
            let rounding = if up { Rounding::Up } else { Rounding::Down };
            let scaled = U512::from(liquidity) * U512::from(high - low);
            let first = exactly(scaled << 64, U512::from(low) * U512::from(high), rounding);
            prop_assert_eq!(amount_a(liquidity, low, high, rounding), first);
            let second = exactly(scaled, U512::from(math::Q64), rounding);
            prop_assert_eq!(amount_b(liquidity, low, high, rounding), second);
        }
    }
}
