//! Square roots of prices, by tick.

use crate::concentrated::{TICK_MAX, tick_between};
use crate::math::Q64;

/// The square roots of the prices at the lowest and the highest tick.
pub(super) const SQRT_PRICE_MIN: u128 = 4_295_048_016;
pub(super) const SQRT_PRICE_MAX: u128 = 79_226_673_521_066_979_257_578_248_091;

/// `1.0001^(-2^i / 2)` in Q64.64, for each bit of a tick.
const FACTORS: [u64; 19] = [
    0xfffc_b933_bd6f_b800,
    0xfff9_7272_373d_4000,
    0xfff2_e50f_5f65_7000,
    0xffe5_caca_7e10_f000,
    0xffcb_9843_d60f_7000,
    0xff97_3b41_fa98_e800,
    0xff2e_a164_66c9_b000,
    0xfe5d_ee04_6a9a_3800,
    0xfcbe_86c7_900b_b000,
    0xf987_a725_3ac6_5800,
    0xf339_2b08_22bb_6000,
    0xe715_9475_a2ca_f000,
    0xd097_f3bd_fd2f_2000,
    0xa9f7_4646_2d9f_8000,
    0x70d8_69a1_56f3_1c00,
    0x31be_135f_97ed_3200,
    0x09aa_508b_5b85_a500,
    0x005d_6af8_dedc_582c,
    0x0000_2216_e584_f5fa,
];

/// The square root of the price at a tick, as the program rounds it. None beyond the ticks that there are.
pub fn sqrt_price(tick: i32) -> Option<u128> {
    let magnitude = tick.unsigned_abs();
    if magnitude > TICK_MAX.unsigned_abs() {
        return None;
    }
    let mut result = Q64;
    for (bit, factor) in FACTORS.into_iter().enumerate() {
        if magnitude >> bit & 1 == 1 {
            // Both are at most one: the product fits.
            result = result.checked_mul(u128::from(factor))? >> 64;
        }
    }
    if tick > 0 { u128::MAX.checked_div(result) } else { Some(result) }
}

/// The tick at or below a square root of a price, known to be between two ticks.
pub fn tick_at(price: u128, low: i32, high: i32) -> i32 {
    tick_between(price, low, high, sqrt_price)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ends_are_the_programs() {
        assert_eq!(sqrt_price(-TICK_MAX), Some(SQRT_PRICE_MIN));
        assert_eq!(sqrt_price(TICK_MAX), Some(SQRT_PRICE_MAX));
        assert_eq!((sqrt_price(0), sqrt_price(TICK_MAX + 1), sqrt_price(i32::MIN)), (Some(Q64), None, None));
    }

    proptest! {
        #[test]
        fn a_tick_is_found_from_any_price_up_to_the_next(tick in -TICK_MAX..TICK_MAX, part: u64) {
            let (low, high) = (sqrt_price(tick).unwrap(), sqrt_price(tick + 1).unwrap());
            let between = low + u128::from(part) % (high - low);
            prop_assert!(low < high);
            prop_assert_eq!(tick_at(between, -TICK_MAX, TICK_MAX), tick);
        }
    }
}
