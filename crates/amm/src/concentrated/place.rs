//! A place on the curve of prices, and the ticks where liquidity changes.

use crate::account::{DecodeError, Fields};
use order_core::Pubkey;
use std::ops::RangeInclusive;

/// The lowest and the highest tick of both programs.
pub const TICK_MAX: i32 = 443_636;

/// A price, and the liquidity there is at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The square root of the price of the first token in the second, in Q64.64.
    pub sqrt_price: u128,
    /// The tick at or below the price.
    pub tick: i32,
    /// The liquidity at the price.
    pub liquidity: u128,
}

impl Place {
    /// Reads it from a pool's account: the price's root, the tick and the liquidity are at these offsets,
    /// and the program has prices in this range.
    pub(crate) fn decode(
        address: Pubkey,
        fields: Fields<'_>,
        [sqrt_price, tick, liquidity]: [usize; 3],
        range: RangeInclusive<u128>,
    ) -> Result<Self, DecodeError> {
        let place = Self {
            sqrt_price: fields.u128(sqrt_price)?,
            tick: fields.i32(tick)?,
            liquidity: fields.u128(liquidity)?,
        };
        if range.contains(&place.sqrt_price) && (-TICK_MAX..=TICK_MAX).contains(&place.tick) {
            Ok(place)
        } else {
            Err(DecodeError::Inconsistent { address, reason: "the price is outside of its range" })
        }
    }
}

/// A tick where a range of liquidity begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) tick: i32,
    pub(crate) sqrt_price: u128,
    /// Growth of liquidity when the price rises past it; None where the known ticks end: a swap may
    /// come here and no further.
    pub(crate) net: Option<i128>,
    /// Limit orders that wait here, of the token that comes out.
    pub(crate) orders: u64,
}

/// The tick at or below a square root of a price between two ticks, by bisection over a program's table.
pub(crate) fn tick_between(sqrt_price: u128, low: i32, high: i32, at: impl Fn(i32) -> Option<u128>) -> i32 {
    let (mut low, mut high) = (low.min(high), high.max(low));
    while let Some(middle) = middle(low, high)
        && middle > low
    {
        if at(middle).is_some_and(|price| price <= sqrt_price) {
            low = middle;
        } else {
            high = middle.saturating_sub(1);
        }
    }
    low
}

/// Halfway between two ticks, rounded up.
fn middle(low: i32, high: i32) -> Option<i32> {
    let width = high.checked_sub(low)?;
    low.checked_add(width.checked_add(1)?.checked_div(2)?)
}
