use crate::{Atoms, decimal};
use serde::{Deserialize, Serialize};

/// A signed fraction in billionths: fee rates, price impact, realised slippage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fraction(i64);

impl Fraction {
    /// Decimals of the unit.
    pub(crate) const DECIMALS: u8 = 9;
    /// Billionths in one.
    pub const ONE_IN_BILLIONTHS: u64 = 1_000_000_000;
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The whole.
    pub const ONE: Self = Self(1_000_000_000);

    /// Wraps a count of billionths.
    pub const fn from_billionths(billionths: i64) -> Self {
        Self(billionths)
    }

    /// The count of billionths.
    pub const fn billionths(self) -> i64 {
        self.0
    }

    /// `(from − to) / from`, rounded towards zero: positive when `to` is the smaller.
    /// None if `from` is zero or the result exceeds the type.
    pub fn shortfall(from: Atoms, to: Atoms) -> Option<Self> {
        let difference = i128::from(from.get()).checked_sub(i128::from(to.get()))?;
        let scaled = difference.checked_mul(i128::from(Self::ONE_IN_BILLIONTHS))?;
        i64::try_from(scaled.checked_div(i128::from(from.get()))?).ok().map(Self)
    }

    /// The fraction as a decimal number: `0.0025`.
    pub fn to_decimal(self) -> String {
        self.signed(Self::DECIMALS)
    }

    /// The fraction in percent as a decimal number, without the sign: `0.25`.
    pub fn to_percent(self) -> String {
        self.signed(Self::DECIMALS.saturating_sub(2))
    }

    fn signed(self, decimals: u8) -> String {
        let magnitude = decimal::format(u128::from(self.0.unsigned_abs()), decimals);
        if self.0 < 0 { format!("-{magnitude}") } else { magnitude }
    }
}

/// Reads a decimal number exactly: at most nine decimals, a leading minus allowed.
impl std::str::FromStr for Fraction {
    type Err = decimal::Error;

    fn from_str(text: &str) -> Result<Self, decimal::Error> {
        let magnitude = decimal::parse(text.strip_prefix('-').unwrap_or(text), Self::DECIMALS)?;
        let billionths = i64::try_from(magnitude).map_err(|_| decimal::Error::TooLarge)?;
        Ok(Self(if text.starts_with('-') { billionths.saturating_neg() } else { billionths }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for billionths in [0, 1, -1, 2_500_000, 1_000_000_000, -i64::MAX, i64::MAX] {
            let fraction = Fraction::from_billionths(billionths);
            assert_eq!(fraction.to_decimal().parse(), Ok(fraction));
        }
        assert_eq!("--1".parse::<Fraction>(), Err(decimal::Error::Negative));
        assert_eq!("0.0000000001".parse::<Fraction>(), Err(decimal::Error::TooPrecise { limit: 9 }));
        assert_eq!("9223372037".parse::<Fraction>(), Err(decimal::Error::TooLarge));
    }

    #[test]
    fn writes_decimals_and_percent() {
        let fee = Fraction::from_billionths(2_500_000);
        assert_eq!((fee.to_decimal().as_str(), fee.to_percent().as_str()), ("0.0025", "0.25"));
        assert_eq!(Fraction::from_billionths(-1).to_decimal(), "-0.000000001");
        assert_eq!(Fraction::ONE.to_percent(), "100");
    }

    #[test]
    fn a_worse_fill_is_a_positive_shortfall() {
        let shortfall =
            |from, to| Fraction::shortfall(Atoms::new(from), Atoms::new(to)).map(Fraction::to_percent);
        assert_eq!(shortfall(1000, 990).as_deref(), Some("1"));
        assert_eq!(shortfall(1000, 1010).as_deref(), Some("-1"));
        assert_eq!(shortfall(0, 1), None);
    }
}
