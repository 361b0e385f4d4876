//! Square roots of prices, by tick.

use crate::concentrated::{TICK_MAX, tick_between};
use crate::math::{Q64, mul};
use ruint::aliases::U256;

/// The square roots of the prices at the lowest and the highest tick.
pub(super) const SQRT_PRICE_MIN: u128 = 4_295_048_016;
pub(super) const SQRT_PRICE_MAX: u128 = 79_226_673_515_401_279_992_447_579_055;

/// `1.0001^(-2^i / 2)` in Q64.64, for each bit of a tick below zero.
const FACTORS_BELOW: [u64; 19] = [
    18_445_821_805_675_392_311,
    18_444_899_583_751_176_498,
    18_443_055_278_223_354_162,
    18_439_367_220_385_604_838,
    18_431_993_317_065_449_817,
    18_417_254_355_718_160_513,
    18_387_811_781_193_591_352,
    18_329_067_761_203_520_168,
    18_212_142_134_806_087_854,
    17_980_523_815_641_551_639,
    17_526_086_738_831_147_013,
    16_651_378_430_235_024_244,
    15_030_750_278_693_429_944,
    12_247_334_978_882_834_399,
    8_131_365_268_884_726_200,
    3_584_323_654_723_342_297,
    696_457_651_847_595_233,
    26_294_789_957_452_057,
    37_481_735_321_082,
];

/// `1.0001^(2^i / 2)` in Q32.96, for each bit of a tick from zero on.
const FACTORS_ABOVE: [u128; 19] = [
    79_232_123_823_359_799_118_286_999_567,
    79_236_085_330_515_764_027_303_304_731,
    79_244_008_939_048_815_603_706_035_061,
    79_259_858_533_276_714_757_314_932_305,
    79_291_567_232_598_584_799_939_703_904,
    79_355_022_692_464_371_645_785_046_466,
    79_482_085_999_252_804_386_437_311_141,
    79_736_823_300_114_093_921_829_183_326,
    80_248_749_790_819_932_309_965_073_892,
    81_282_483_887_344_747_381_513_967_011,
    83_390_072_131_320_151_908_154_831_281,
    87_770_609_709_833_776_024_991_924_138,
    97_234_110_755_111_693_312_479_820_773,
    119_332_217_159_966_728_226_237_229_890,
    179_736_315_981_702_064_433_883_588_727,
    407_748_233_172_238_350_107_850_275_304,
    2_098_478_828_474_011_932_436_660_412_517,
    55_581_415_166_113_811_149_459_800_483_533,
    38_992_368_544_603_139_932_233_054_999_993_551,
];

/// The square root of the price at a tick, as the program rounds it. None beyond the ticks that there are.
pub fn sqrt_price(tick: i32) -> Option<u128> {
    let magnitude = tick.unsigned_abs();
    if magnitude > TICK_MAX.unsigned_abs() {
        return None;
    }
    if tick < 0 { below(magnitude) } else { above(magnitude) }
}

fn below(magnitude: u32) -> Option<u128> {
    let mut result = Q64;
    for (bit, factor) in FACTORS_BELOW.into_iter().enumerate() {
        if magnitude >> bit & 1 == 1 {
            // Both are at most one: the product fits.
            result = result.checked_mul(u128::from(factor))? >> 64;
        }
    }
    Some(result)
}

fn above(magnitude: u32) -> Option<u128> {
    let mut result = 1_u128 << 96;
    for (bit, factor) in FACTORS_ABOVE.into_iter().enumerate() {
        if magnitude >> bit & 1 == 1 {
            let product: U256 = mul(result, factor)?;
            result = u128::try_from(product.wrapping_shr(96)).ok()?;
        }
    }
    Some(result >> 32)
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
