use crate::{Atoms, Fraction, Slippage, decimal};
use std::str::FromStr;

/// Input buffer of a two-hop path: the share that it leaves unsold, so that the first pool's price may move before
/// the transaction lands.
///
/// The second hop must know what it sells. If the first is exact-out, the buffer is left of the input. If it is
/// exact-in, the buffer is left of what it gives. Without one, the least move against the trader would revert
/// both. What is not needed stays with the trader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputBuffer {
    billionths: u32,
}

/// A buffer out of range or not readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInputBuffer {
    /// Not a number, or finer than a billionth.
    #[error(transparent)]
    Notation(#[from] decimal::Error),
    /// More than a tenth.
    #[error("must be at least 0 and at most 0.1")]
    OutOfRange,
}

impl InputBuffer {
    /// Buffer of the first attempt: a thousandth.
    pub const STANDARD: Self = Self { billionths: 1_000_000 };

    /// The largest buffer.
    const MOST: u32 = 100_000_000;

    /// Growth factor of the buffer per attempt.
    const GROWTH: u32 = 5;

    /// Buffer of attempt `attempt`, counted from 1. It is at most half of the slippage, so that the second hop
    /// keeps the other half.
    pub fn of(attempt: u32, slippage: Slippage) -> Self {
        let grown = Self::GROWTH.saturating_pow(attempt.saturating_sub(1));
        let billionths = Self::STANDARD.billionths.saturating_mul(grown);
        Self { billionths: billionths.min(u32::from(slippage) / 2).min(Self::MOST) }
    }

    /// The part of an amount that may be spent: `floor(amount · (1 − buffer))`, in its base units.
    pub fn spendable(self, amount: Atoms) -> Atoms {
        let spent = Fraction::ONE_IN_BILLIONTHS.saturating_sub(u64::from(self.billionths));
        // A factor of at most one never leaves 64 bits.
        amount.mul_div_floor(spent, Fraction::ONE_IN_BILLIONTHS).unwrap_or(amount)
    }

    /// The least amount of which this much may be spent, in its base units; None if that exceeds 64 bits.
    pub fn before(self, spendable: Atoms) -> Option<Atoms> {
        let spent = Fraction::ONE_IN_BILLIONTHS.saturating_sub(u64::from(self.billionths));
        spendable.mul_div_ceil(Fraction::ONE_IN_BILLIONTHS, spent)
    }

    /// The fraction as a decimal number.
    pub fn to_decimal(self) -> String {
        decimal::format(u128::from(self.billionths), Fraction::DECIMALS)
    }
}

impl FromStr for InputBuffer {
    type Err = InvalidInputBuffer;

    /// Reads a decimal fraction exactly; it must be in `0..=0.1` and no finer than a billionth.
    fn from_str(text: &str) -> Result<Self, InvalidInputBuffer> {
        let billionths = match decimal::parse(text, Fraction::DECIMALS) {
            Ok(billionths) => billionths,
            Err(decimal::Error::Negative | decimal::Error::TooLarge) => {
                return Err(InvalidInputBuffer::OutOfRange);
            }
            Err(error) => return Err(error.into()),
        };
        let billionths = u32::try_from(billionths).ok().filter(|billionths| *billionths <= Self::MOST);
        billionths.map(|billionths| Self { billionths }).ok_or(InvalidInputBuffer::OutOfRange)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attempt_leaves_more_and_never_over_half_of_the_slippage() {
        let buffers = |slippage| {
            let slippage = Slippage::parse(slippage).unwrap();
            [1, 2, 3, u32::MAX].map(|attempt| InputBuffer::of(attempt, slippage).to_decimal())
        };
        assert_eq!(buffers("0.5"), ["0.001", "0.005", "0.025", "0.1"]);
        assert_eq!(buffers("0.01"), ["0.001", "0.005", "0.005", "0.005"]);
        assert_eq!(buffers("0.001"), ["0.0005"; 4]);
        assert_eq!(buffers("0"), ["0"; 4]);
        assert_eq!(InputBuffer::of(1, Slippage::parse("0.5").unwrap()), InputBuffer::STANDARD);
    }

    #[test]
    fn what_is_spent_is_rounded_down() {
        let spendable = |input_buffer: &str, amount| {
            input_buffer.parse::<InputBuffer>().unwrap().spendable(Atoms::new(amount)).get()
        };
        assert_eq!(spendable("0", u64::MAX), u64::MAX);
        assert_eq!(spendable("0.001", 1_000), 999);
        assert_eq!(spendable("0.001", 1_001), 999);
        assert_eq!(spendable("0.1", 1), 0);
    }

    #[test]
    fn the_least_amount_before_the_buffer_leaves_enough() {
        let of = |text: &str| text.parse::<InputBuffer>().unwrap();
        for (buffer, spendable) in [("0", 7), ("0.001", 999), ("0.001", 1_000), ("0.1", 1), ("0.05", 12_345)]
        {
            let before = of(buffer).before(Atoms::new(spendable)).unwrap();
            let less = Atoms::new(before.get() - 1);
            assert!(of(buffer).spendable(before).get() >= spendable, "{buffer} {spendable}");
            assert!(of(buffer).spendable(less).get() < spendable, "{buffer} {spendable}");
        }
        assert_eq!(of("0.1").before(Atoms::new(u64::MAX)), None);
    }

    #[test]
    fn the_range_is_closed() {
        assert_eq!("0.1".parse::<InputBuffer>().unwrap().to_decimal(), "0.1");
        for text in ["0.100000001", "1", "-0.1", "1e30"] {
            assert_eq!(text.parse::<InputBuffer>(), Err(InvalidInputBuffer::OutOfRange), "{text}");
        }
        assert!(matches!("x".parse::<InputBuffer>(), Err(InvalidInputBuffer::Notation(_))));
    }
}
