//! Prices of bins.

use super::program::BASIS_POINTS;
use crate::math::{Q64, mul_q64, pow_below_one};
use crate::swap::Direction;

/// Second tokens for one of the first in a bin, in Q64.64: a power of the step, rounded at each of the
/// program's own steps. None if the program cannot tell it.
pub fn of_bin(id: i32, bin_step: u16) -> Option<u128> {
    if id == 0 {
        return Some(Q64);
    }
    let step = (u128::from(bin_step) << 64).checked_div(u128::from(BASIS_POINTS))?;
    let inverse = u128::MAX.checked_div(Q64.checked_add(step)?)?;
    let power = pow_below_one(u64::try_from(inverse).ok()?, id.unsigned_abs())?;
    if id > 0 { u128::MAX.checked_div(power) } else { Some(power) }
}

/// Input that buys `amount` at a price, rounded up. None if that exceeds 64 bits.
pub(super) fn cost(price: u128, direction: Direction, amount: u64) -> Option<u64> {
    let cost = match direction {
        Direction::AToB if price == 0 => return None,
        Direction::AToB => (u128::from(amount) << 64).div_ceil(price),
        Direction::BToA => {
            let (floor, is_exact) = mul_q64(price, amount)?;
            floor.checked_add(u128::from(!is_exact))?
        }
    };
    u64::try_from(cost).ok()
}

/// Output for `amount` at a price, rounded down. None if that exceeds 64 bits.
pub(super) fn bought(price: u128, direction: Direction, amount: u64) -> Option<u64> {
    match direction {
        Direction::AToB => u64::try_from(mul_q64(price, amount)?.0).ok(),
        Direction::BToA => u64::try_from((u128::from(amount) << 64).checked_div(price)?).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_price_grows_by_the_step_with_each_bin() {
        // Cached by the program itself in bins of recorded pools.
        for (id, bin_step, price) in [
            (0, 250, 18_446_744_073_709_551_616),
            (1, 250, 18_907_912_675_552_290_407),
            (43, 250, 53_339_130_809_154_245_279),
            (69, 10, 19_763_828_131_875_509_275),
        ] {
            assert_eq!(of_bin(id, bin_step), Some(price), "{id}");
        }
    }

    #[test]
    fn a_price_may_be_beyond_its_fixed_point() {
        for bin_step in [1, 4, 10] {
            assert!(of_bin(-35_840, bin_step).is_some_and(|price| price > 0));
            assert!(of_bin(35_839, bin_step).is_some());
        }
        assert_eq!((of_bin(-35_840, 100), of_bin(35_839, 100)), (Some(0), None));
    }

    #[test]
    fn what_is_bought_costs_no_more_than_was_paid() {
        for direction in [Direction::AToB, Direction::BToA] {
            for price in [1 << 60, 3 << 63, Q64, 7 << 70] {
                let out = bought(price, direction, 1_000_003).unwrap();
                assert!(cost(price, direction, out).unwrap() <= 1_000_003);
                assert!(cost(price, direction, out + 1).unwrap() > 1_000_003);
            }
        }
        assert_eq!(cost(u128::MAX, Direction::BToA, 2), None);
        assert_eq!(cost(0, Direction::AToB, 1), None);
    }
}
