use crate::{Atoms, Fraction, Slippage, decimal};
use std::str::FromStr;

/// The part of an amount that two swaps in a row leave unspent, so that the price of the first pool may
/// move before they land.
///
/// The first of the two buys an exact amount of the token between, because the second must know what it
/// sells. If it took the whole amount to buy it, the least move against the trader would revert both.
/// What the price does not need stays with the trader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Room {
    billionths: u32,
}

/// A room out of range or not readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRoom {
    /// Not a number, or finer than a billionth.
    #[error(transparent)]
    Notation(#[from] decimal::Error),
    /// More than a tenth.
    #[error("must be at least 0 and at most 0.1")]
    OutOfRange,
}

impl Room {
    /// What a first attempt leaves: a thousandth.
    pub const STANDARD: Self = Self { billionths: 1_000_000 };

    /// The most that is ever left.
    const MOST: u32 = 100_000_000;

    /// Each attempt leaves so many times what the one before did: its pool moved too much.
    const GROWTH: u32 = 5;

    /// What an attempt leaves, of those counted from 1. Half of the slippage is for the first pool at most,
    /// so that the second one keeps as much.
    pub fn of(attempt: u32, slippage: Slippage) -> Self {
        let grown = Self::GROWTH.saturating_pow(attempt.saturating_sub(1));
        let billionths = Self::STANDARD.billionths.saturating_mul(grown);
        Self { billionths: billionths.min(u32::from(slippage) / 2).min(Self::MOST) }
    }

    /// What may be spent of an amount: `floor(amount · (1 − room))`, in its atoms.
    pub fn spendable(self, amount: Atoms) -> Atoms {
        let spent = Fraction::ONE_IN_BILLIONTHS.saturating_sub(u64::from(self.billionths));
        // A factor of at most one never leaves 64 bits.
        amount.mul_div_floor(spent, Fraction::ONE_IN_BILLIONTHS).unwrap_or(amount)
    }

    /// The fraction as a decimal number.
    pub fn to_decimal(self) -> String {
        decimal::format(u128::from(self.billionths), Fraction::DECIMALS)
    }
}

impl FromStr for Room {
    type Err = InvalidRoom;

    /// Reads a decimal fraction exactly; it must be in `0..=0.1` and no finer than a billionth.
    fn from_str(text: &str) -> Result<Self, InvalidRoom> {
        let billionths = match decimal::parse(text, Fraction::DECIMALS) {
            Ok(billionths) => billionths,
            Err(decimal::Error::Negative | decimal::Error::TooLarge) => return Err(InvalidRoom::OutOfRange),
            Err(error) => return Err(error.into()),
        };
        let billionths = u32::try_from(billionths).ok().filter(|billionths| *billionths <= Self::MOST);
        billionths.map(|billionths| Self { billionths }).ok_or(InvalidRoom::OutOfRange)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attempt_leaves_more_and_never_over_half_of_the_slippage() {
        let rooms = |slippage| {
            let slippage = Slippage::parse(slippage).unwrap();
            [1, 2, 3, u32::MAX].map(|attempt| Room::of(attempt, slippage).to_decimal())
        };
        assert_eq!(rooms("0.5"), ["0.001", "0.005", "0.025", "0.1"]);
        assert_eq!(rooms("0.01"), ["0.001", "0.005", "0.005", "0.005"]);
        assert_eq!(rooms("0.001"), ["0.0005"; 4]);
        assert_eq!(rooms("0"), ["0"; 4]);
        assert_eq!(Room::of(1, Slippage::parse("0.5").unwrap()), Room::STANDARD);
    }

    #[test]
    fn what_is_spent_is_rounded_down() {
        let spendable =
            |room: &str, amount| room.parse::<Room>().unwrap().spendable(Atoms::new(amount)).get();
        assert_eq!(spendable("0", u64::MAX), u64::MAX);
        assert_eq!(spendable("0.001", 1_000), 999);
        assert_eq!(spendable("0.001", 1_001), 999);
        assert_eq!(spendable("0.1", 1), 0);
    }

    #[test]
    fn the_range_is_closed() {
        assert_eq!("0.1".parse::<Room>().unwrap().to_decimal(), "0.1");
        for text in ["0.100000001", "1", "-0.1", "1e30"] {
            assert_eq!(text.parse::<Room>(), Err(InvalidRoom::OutOfRange), "{text}");
        }
        assert!(matches!("x".parse::<Room>(), Err(InvalidRoom::Notation(_))));
    }
}
