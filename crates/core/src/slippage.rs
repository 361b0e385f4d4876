use crate::{Atoms, Fraction, decimal};
use serde::{Deserialize, Serialize};

/// The largest accepted shortfall from an order's reference: a fraction of at least 0 and below 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Slippage {
    billionths: u32,
}

/// A slippage out of range or not readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSlippage {
    /// Not a number, or finer than a billionth.
    #[error(transparent)]
    Notation(#[from] decimal::Error),
    /// One or more.
    #[error("must be at least 0 and below 1")]
    OutOfRange,
}

impl Slippage {
    /// Reads a decimal fraction (`0.01` is one percent) exactly.
    ///
    /// # Errors
    /// Not a number, finer than a billionth, or not in `0..1`.
    pub fn parse(text: &str) -> Result<Self, InvalidSlippage> {
        let billionths = match decimal::parse(text, Fraction::DECIMALS) {
            Ok(billionths) => billionths,
            Err(decimal::Error::Negative | decimal::Error::TooLarge) => {
                return Err(InvalidSlippage::OutOfRange);
            }
            Err(error) => return Err(error.into()),
        };
        u32::try_from(billionths).map_err(|_| InvalidSlippage::OutOfRange)?.try_into()
    }

    /// The least output that is accepted: `floor(reference · (1 − slippage))`, in output atoms.
    pub fn min_out(self, reference: Atoms) -> Atoms {
        let kept = Fraction::ONE_IN_BILLIONTHS.saturating_sub(u64::from(self.billionths));
        // A factor of at most one never leaves 64 bits.
        reference.mul_div_floor(kept, Fraction::ONE_IN_BILLIONTHS).unwrap_or(reference)
    }

    /// The fraction as a decimal number.
    pub fn to_decimal(self) -> String {
        decimal::format(u128::from(self.billionths), Fraction::DECIMALS)
    }
}

impl TryFrom<u32> for Slippage {
    type Error = InvalidSlippage;

    fn try_from(billionths: u32) -> Result<Self, InvalidSlippage> {
        if u64::from(billionths) < Fraction::ONE_IN_BILLIONTHS {
            Ok(Self { billionths })
        } else {
            Err(InvalidSlippage::OutOfRange)
        }
    }
}

impl From<Slippage> for u32 {
    fn from(slippage: Slippage) -> Self {
        slippage.billionths
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_range_is_closed_below_and_open_above() {
        assert_eq!(Slippage::parse("0").unwrap().min_out(Atoms::new(7)), Atoms::new(7));
        assert_eq!(Slippage::parse("0.01").unwrap().min_out(Atoms::new(1999)), Atoms::new(1979));
        assert_eq!(Slippage::parse("0.999999999").unwrap().min_out(Atoms::new(1)), Atoms::ZERO);
        for text in ["1", "1.5", "-0.1", "1e30"] {
            assert_eq!(Slippage::parse(text), Err(InvalidSlippage::OutOfRange), "{text}");
        }
        assert!(matches!(Slippage::parse("x"), Err(InvalidSlippage::Notation(_))));
        assert!(matches!(Slippage::parse("0.0000000001"), Err(InvalidSlippage::Notation(_))));
    }

    proptest! {
        #[test]
        fn the_floor_is_never_above_the_reference_nor_below_the_exact_bound_by_one(reference: u64, billionths in 0u32..1_000_000_000) {
            let slippage = Slippage::try_from(billionths).unwrap();
            let min_out = u128::from(slippage.min_out(Atoms::new(reference)).get()) * 1_000_000_000;
            let exact = u128::from(reference) * u128::from(1_000_000_000 - billionths);
            prop_assert!(min_out <= exact && exact - min_out < 1_000_000_000);
        }
    }
}
