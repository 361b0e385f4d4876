//! Amounts of a token, and the price that two of them make.

use crate::decimal;
use serde::{Deserialize, Serialize};

/// An amount in a token's smallest unit (lamports for SOL).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Atoms(u64);

impl Atoms {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Wraps a count of smallest units.
    pub const fn new(units: u64) -> Self {
        Self(units)
    }

    /// The count of smallest units.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// True if this is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, unless it exceeds 64 bits.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, unless it is negative.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// `floor(self · numerator / denominator)`, through 128 bits.
    /// None if the denominator is zero or the result exceeds 64 bits.
    pub fn mul_div_floor(self, numerator: u64, denominator: u64) -> Option<Self> {
        let product = u128::from(self.0).checked_mul(u128::from(numerator))?;
        u64::try_from(product.checked_div(u128::from(denominator))?).ok().map(Self)
    }

    /// `ceil(self · numerator / denominator)`, through 128 bits.
    /// None if the denominator is zero or the result exceeds 64 bits.
    pub fn mul_div_ceil(self, numerator: u64, denominator: u64) -> Option<Self> {
        if denominator == 0 {
            return None;
        }
        let product = u128::from(self.0).checked_mul(u128::from(numerator))?;
        u64::try_from(product.div_ceil(u128::from(denominator))).ok().map(Self)
    }

    /// Reads a decimal number of whole tokens exactly.
    ///
    /// # Errors
    /// See [`decimal::Error`].
    pub fn parse(text: &str, decimals: u8) -> Result<Self, decimal::Error> {
        decimal::parse(text, decimals).map(Self)
    }

    /// The decimal number of whole tokens, without needless zeros.
    pub fn to_decimal(self, decimals: u8) -> String {
        decimal::format(u128::from(self.0), decimals)
    }
}

/// How many significant digits a price is written with.
const PRICE_DIGITS: usize = 12;

/// Whole output tokens for one whole input token, as a decimal number of up to 12 significant
/// digits, rounded down. None if `amount_in` is zero or a token has more than 18 decimals.
pub fn price(amount_in: Atoms, decimals_in: u8, amount_out: Atoms, decimals_out: u8) -> Option<String> {
    if decimals_in > crate::token::MAX_DECIMALS || decimals_out > crate::token::MAX_DECIMALS {
        return None;
    }
    let numerator = u128::from(amount_out.0).checked_mul(10u128.checked_pow(u32::from(decimals_in))?)?;
    let denominator = u128::from(amount_in.0).checked_mul(10u128.checked_pow(u32::from(decimals_out))?)?;
    let whole = numerator.checked_div(denominator)?;
    let mut remainder = numerator.checked_rem(denominator)?;
    let mut significant = if whole == 0 { 0 } else { whole.to_string().len() };
    let mut fraction = String::new();
    while remainder != 0 && significant < PRICE_DIGITS && fraction.len() < MAX_FRACTION_DIGITS {
        remainder = remainder.checked_mul(10)?;
        let digit = remainder.checked_div(denominator)?;
        remainder = remainder.checked_rem(denominator)?;
        fraction.push(char::from_digit(u32::try_from(digit).ok()?, 10)?);
        if significant > 0 || digit != 0 {
            significant = significant.saturating_add(1);
        }
    }
    let fraction = fraction.trim_end_matches('0');
    Some(if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") })
}

/// The smallest ratio of two amounts needs fewer digits than this before its first significant one.
const MAX_FRACTION_DIGITS: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prices_are_exact_decimals_rounded_down() {
        let sol = |units| Atoms::new(units);
        assert_eq!(price(sol(1_000_000_000), 9, Atoms::new(150_250_000), 6).unwrap(), "150.25");
        assert_eq!(price(Atoms::new(3), 0, Atoms::new(2), 0).unwrap(), "0.666666666666");
        assert_eq!(price(Atoms::new(1), 0, Atoms::new(u64::MAX), 0).unwrap(), u64::MAX.to_string());
        assert_eq!(price(Atoms::ZERO, 9, Atoms::new(1), 6), None);
        assert_eq!(price(Atoms::new(1), 19, Atoms::new(1), 6), None);
    }

    proptest! {
        #[test]
        fn floor_and_ceil_enclose_the_exact_ratio(amount: u64, numerator: u64, denominator in 1u64..) {
            let exact = u128::from(amount) * u128::from(numerator);
            if let Some(floor) = Atoms::new(amount).mul_div_floor(numerator, denominator) {
                let floor = u128::from(floor.get()) * u128::from(denominator);
                prop_assert!(floor <= exact && exact - floor < u128::from(denominator));
            }
            if let Some(ceil) = Atoms::new(amount).mul_div_ceil(numerator, denominator) {
                let ceil = u128::from(ceil.get()) * u128::from(denominator);
                prop_assert!(ceil >= exact && ceil - exact < u128::from(denominator));
            }
        }

        #[test]
        fn every_price_can_be_written(amount_in in 1u64.., decimals_in in 0u8..=18, amount_out: u64, decimals_out in 0u8..=18) {
            prop_assert!(price(Atoms::new(amount_in), decimals_in, Atoms::new(amount_out), decimals_out).is_some());
        }
    }
}
