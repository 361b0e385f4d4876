//! Products that need more than 128 bits, and powers.

use order_core::Fraction;
use ruint::aliases::U256;

/// `2^64`, one in the Q64.64 fixed point of the programs.
pub(crate) const Q64: u128 = 1 << 64;

/// `2^128`, one in the square of that fixed point.
pub(crate) const Q128: U256 = U256::from_limbs([0, 0, 1, 0]);

/// `value · 2^128`.
pub(crate) const fn times_q128(value: u64) -> U256 {
    U256::from_limbs([0, 0, value, 0])
}

/// A quotient that is rounded up. None if the denominator is zero.
pub(crate) fn div_ceil(numerator: U256, denominator: U256) -> Option<U256> {
    if denominator.is_zero() {
        return None;
    }
    let (quotient, remainder) = numerator.div_rem(denominator);
    if remainder.is_zero() { Some(quotient) } else { quotient.checked_add(U256::ONE) }
}

/// `floor(a · b / denominator)`. None if the denominator is zero or the result exceeds 64 bits.
pub(crate) fn mul_div_floor(a: u64, b: u64, denominator: u64) -> Option<u64> {
    let product = u128::from(a).checked_mul(u128::from(b))?;
    match u64::try_from(product) {
        Ok(product) => product.checked_div(denominator),
        Err(_) => u64::try_from(product.checked_div(u128::from(denominator))?).ok(),
    }
}

/// `ceil(a · b / denominator)`. None if the denominator is zero or the result exceeds 64 bits.
pub(crate) fn mul_div_ceil(a: u64, b: u64, denominator: u64) -> Option<u64> {
    if denominator == 0 {
        return None;
    }
    let product = u128::from(a).checked_mul(u128::from(b))?;
    match u64::try_from(product) {
        Ok(product) => Some(product.div_ceil(denominator)),
        Err(_) => u64::try_from(product.div_ceil(u128::from(denominator))).ok(),
    }
}

/// Output of `reserve_out` for `net` at constant product, rounded down. None if a reserve is empty.
pub(crate) fn bought(net: u64, reserve_in: u64, reserve_out: u64) -> Option<u64> {
    if reserve_in == 0 || reserve_out == 0 {
        return None;
    }
    let product = u128::from(reserve_out).checked_mul(u128::from(net))?;
    u64::try_from(product.checked_div(u128::from(reserve_in).checked_add(u128::from(net))?)?).ok()
}

/// Input that buys `bought` of `reserve_out` at constant product, rounded up. None if there is not that much.
pub(crate) fn paid(bought: u64, reserve_in: u64, reserve_out: u64) -> Option<u64> {
    if reserve_in == 0 {
        return None;
    }
    mul_div_ceil(reserve_in, bought, reserve_out.checked_sub(bought)?)
}

/// `floor(a · b / 2^64)`, and whether that is exact.
pub(crate) fn mul_q64(a: u128, b: u64) -> Option<(u128, bool)> {
    let lower = (a & u128::from(u64::MAX)).checked_mul(u128::from(b))?;
    let upper = (a >> 64).checked_mul(u128::from(b))?;
    Some((upper.checked_add(lower >> 64)?, lower & u128::from(u64::MAX) == 0))
}

/// `a · b` without loss.
pub(crate) fn mul(a: u128, b: u128) -> Option<U256> {
    U256::from(a).checked_mul(U256::from(b))
}

/// `part / whole` in billionths, rounded down. None if `whole` is zero or the result is beyond the type.
pub(crate) fn ratio(part: u128, whole: u128) -> Option<Fraction> {
    let scaled = mul(part, u128::from(Fraction::ONE_IN_BILLIONTHS))?.checked_div(U256::from(whole))?;
    i64::try_from(scaled).ok().map(Fraction::from_billionths)
}

/// `base^exponent` in Q64.64 for a base below one, rounding down at each of the steps that the programs take.
pub(crate) fn pow_below_one(base: u64, exponent: u32) -> Option<u128> {
    let mut square = u128::from(base);
    let mut result = Q64;
    let mut remaining = exponent;
    while remaining > 0 {
        if remaining & 1 == 1 {
            result = result.checked_mul(square)? >> 64;
        }
        square = square.checked_mul(square)? >> 64;
        remaining >>= 1;
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_power_below_one_shrinks() {
        assert_eq!(pow_below_one(u64::MAX, 0), Some(Q64));
        assert_eq!(pow_below_one(1 << 63, 1), Some(1 << 63));
        assert_eq!(pow_below_one(1 << 63, 3), Some(1 << 61));
        assert_eq!(pow_below_one(0, 65_535), Some(0));
    }

    proptest! {
        #[test]
        fn a_product_in_two_halves_is_the_product(a: u128, b: u64) {
            let product = mul(a, u128::from(b)).unwrap();
            let (floor, is_exact) = mul_q64(a, b).unwrap();
            prop_assert_eq!(U256::from(floor), product >> 64);
            prop_assert_eq!(is_exact, product.as_limbs()[0] == 0);
        }

        #[test]
        fn rounding_up_is_at_most_one_more(a: u64, b: u64, denominator in 1u64..) {
            match (mul_div_floor(a, b, denominator), mul_div_ceil(a, b, denominator)) {
                (Some(floor), Some(ceil)) => prop_assert!(ceil - floor <= 1),
                (floor, ceil) => prop_assert!(ceil.is_none() && floor.is_none_or(|floor| floor == u64::MAX)),
            }
        }
    }
}
