//! Square roots of ratios, as pools of concentrated liquidity store their prices.

use ruint::aliases::U256;

/// `2^128`, the square of one in Q64.64.
const Q128: U256 = U256::from_limbs([0, 0, 1, 0]);

/// `value · 2^128`.
pub(crate) const fn times_q128(value: u64) -> U256 {
    U256::from_limbs([0, 0, value, 0])
}

/// The integer square root, rounded down.
pub(crate) fn sqrt(value: U256) -> U256 {
    let (mut low, mut high) = (U256::ZERO, Q128);
    // The root is in low..high: bisection needs 128 steps, and only seeds are made with it.
    while let Some(middle) = low.checked_add(high).map(|sum| sum.wrapping_shr(1))
        && middle > low
    {
        match middle.checked_mul(middle) {
            Some(square) if square <= value => low = middle,
            Some(_) | None => high = middle,
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_square_root_is_the_largest_whose_square_fits(high: u128, low: u128) {
            let value = (U256::from(high) << 128) | U256::from(low);
            let root = sqrt(value);
            prop_assert!(root.checked_mul(root).unwrap() <= value);
            let next = root + U256::ONE;
            prop_assert!(next.checked_mul(next).is_none_or(|square| square > value));
        }
    }
}
