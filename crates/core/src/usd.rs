//! Amounts of US dollars, for limits on what may be spent.

use crate::decimal;
use std::fmt;
use std::str::FromStr;

/// Decimals of a dollar that are kept.
const DECIMALS: u8 = 6;

/// An amount in millionths of a US dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UsdMicros(u64);

impl UsdMicros {
    /// Wraps a count of millionths.
    pub const fn new(micros: u64) -> Self {
        Self(micros)
    }

    /// The count of millionths.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for UsdMicros {
    /// The decimal number of whole dollars, without needless zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&decimal::format(u128::from(self.0), DECIMALS))
    }
}

impl FromStr for UsdMicros {
    type Err = decimal::Error;

    /// Reads a decimal number of whole dollars exactly.
    fn from_str(text: &str) -> Result<Self, decimal::Error> {
        decimal::parse(text, DECIMALS).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_and_written_exactly() {
        for (text, micros) in
            [("0", 0), ("12.5", 12_500_000), ("0.000001", 1), ("1000000", 1_000_000_000_000)]
        {
            assert_eq!(text.parse(), Ok(UsdMicros::new(micros)));
            assert_eq!(UsdMicros::new(micros).to_string(), text);
        }
        assert_eq!("0.0000001".parse::<UsdMicros>(), Err(decimal::Error::TooPrecise { limit: 6 }));
        assert_eq!("-1".parse::<UsdMicros>(), Err(decimal::Error::Negative));
    }
}
