//! How much of each token lies between two prices.

use super::{Place, Stop};
use order_core::Atoms;
use ruint::aliases::U512;

/// In whose favour an amount is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    Up,
    Down,
}

/// What of the first token lies between two square roots of the price. None above 64 bits.
pub(super) fn amount_a(liquidity: u128, low: u128, high: u128, rounding: Rounding) -> Option<u64> {
    let width = U512::from(high.checked_sub(low)?);
    let numerator = U512::from(liquidity).checked_shl(64)?.checked_mul(width)?;
    quotient(numerator, U512::from(low).checked_mul(U512::from(high))?, rounding)
}

/// What of the second token lies between two square roots of the price. None above 64 bits.
pub(super) fn amount_b(liquidity: u128, low: u128, high: u128, rounding: Rounding) -> Option<u64> {
    let width = U512::from(high.checked_sub(low)?);
    quotient(U512::from(liquidity).checked_mul(width)?, U512::from(crate::math::Q64), rounding)
}

fn quotient(numerator: U512, denominator: U512, rounding: Rounding) -> Option<u64> {
    let floor = numerator.checked_div(denominator)?;
    let exact = numerator.checked_rem(denominator)?.is_zero();
    let rounded = match rounding {
        Rounding::Up if !exact => floor.checked_add(U512::ONE)?,
        Rounding::Up | Rounding::Down => floor,
    };
    u64::try_from(rounded).ok()
}

/// What can be bought of each token as far as the stops reach, each range rounded down.
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
        total = total.saturating_add(part);
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
