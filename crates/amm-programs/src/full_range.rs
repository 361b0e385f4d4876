//! Liquidity for a pool on a local cluster: the same over nearly all prices.

use crate::root::{sqrt, times_q128};
use amm::concentrated::{Place, Rounding, TICK_MAX, amount_a, amount_b};
use order_core::Atoms;
use ruint::aliases::U256;

/// Where positions meet, in spacings from the price: a swap of some percent crosses one.
const MEETINGS: [i32; 2] = [-2, 3];

/// Several positions of the same liquidity next to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FullRange {
    pub(crate) place: Place,
    /// Amounts that the positions hold, rounded up.
    pub(crate) amounts: [Atoms; 2],
    low: i32,
    high: i32,
    spacing: i32,
}

/// A tick where positions begin or end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tick {
    pub(crate) index: i32,
    pub(crate) net: i128,
    pub(crate) gross: u128,
}

impl FullRange {
    /// None if a reserve is zero, or the price beyond the last ticks of this spacing.
    pub(crate) fn new(
        [reserve_a, reserve_b]: [Atoms; 2],
        spacing: i32,
        sqrt_price: fn(i32) -> Option<u128>,
        tick_at: fn(u128, i32, i32) -> i32,
    ) -> Option<Self> {
        let square = times_q128(reserve_b.get()).checked_div(U256::from(reserve_a.get()))?;
        let price = u128::try_from(sqrt(square)).ok()?;
        let high = TICK_MAX.checked_div(spacing)?.checked_mul(spacing)?;
        let low = high.checked_neg()?;
        let (price_low, price_high) = (sqrt_price(low)?, sqrt_price(high)?);
        if price <= price_low || price >= price_high {
            return None;
        }
        let width = U256::from(price.checked_sub(price_low)?);
        let scaled = U256::from(reserve_b.get()).checked_shl(64)?;
        let liquidity = u128::try_from(scaled.checked_div(width)?).ok().filter(|liquidity| *liquidity > 0)?;
        let first = amount_a(liquidity, price, price_high, Rounding::Up)?;
        let second = amount_b(liquidity, price_low, price, Rounding::Up)?;
        let place = Place { sqrt_price: price, tick: tick_at(price, -TICK_MAX, TICK_MAX), liquidity };
        Some(Self { place, amounts: [first, second].map(Atoms::new), low, high, spacing })
    }

    /// The lowest first. Where one position ends and the next begins, liquidity stays what it is.
    pub(crate) fn ticks(&self) -> Vec<Tick> {
        let liquidity = self.place.liquidity;
        let net = i128::try_from(liquidity).unwrap_or(i128::MAX);
        let mut ticks = vec![Tick { index: self.low, net, gross: liquidity }];
        let below = self.place.tick.checked_div_euclid(self.spacing).unwrap_or(0);
        for meeting in MEETINGS {
            let index = below.saturating_add(meeting).saturating_mul(self.spacing);
            if index > self.low && index < self.high {
                ticks.push(Tick { index, net: 0, gross: liquidity.saturating_mul(2) });
            }
        }
        ticks.push(Tick { index: self.high, net: net.saturating_neg(), gross: liquidity });
        ticks
    }
}
