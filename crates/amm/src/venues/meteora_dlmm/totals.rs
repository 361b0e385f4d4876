//! Sums over the bins that a swap buys from, and the state that it leaves in them.

use super::bin_array::{self, bin_offset};
use super::loaded::LoadedBins;
use super::walk::BinFill;
use crate::changes::{FieldWrite, Writes};
use crate::math::{self, Q64, mul};
use crate::swap::Direction;
use order_core::Fraction;
use ruint::aliases::U256;

/// Sums of a swap through several bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Totals {
    /// Amount that leaves the vault.
    pub(super) out: u64,
    /// The protocol's part of the fees.
    pub(super) protocol_fee: u64,
    /// Without the fees.
    paid: u64,
    /// Sum over the bins of the amount paid there times the rate there.
    fees: u128,
    /// Sum over the bins of the amount paid there times the part of the pool's price lost there, in Q64.64.
    lost: u128,
}

impl Totals {
    /// None where the program's own arithmetic fails.
    pub(super) fn add(
        &mut self,
        step: &BinFill<'_>,
        direction: Direction,
        bins: &LoadedBins,
        writes: &mut Writes,
    ) -> Option<()> {
        let here = step.paid()?;
        self.out = self.out.checked_add(step.out)?;
        self.protocol_fee = self.protocol_fee.checked_add(step.protocol_fee(&bins.pool)?)?;
        self.paid = self.paid.checked_add(here)?;
        self.fees = self.fees.checked_add(u128::from(here).checked_mul(u128::from(step.rate))?)?;
        // Compared is with the pool's price: if the nearest bins are empty, the first step is worse already.
        let (worse, better) = match direction {
            Direction::AToB => (step.price, bins.price?),
            Direction::BToA => (bins.price?, step.price),
        };
        self.lost = self.lost.checked_add(u128::from(here).checked_mul(lost(worse, better)?)?)?;
        write_step(step, direction, writes)
    }

    /// The rate of the fee and the price impact, weighted by what was paid in each bin.
    pub(super) fn terms(&self) -> Option<(Fraction, Fraction)> {
        let rate = u64::try_from(self.fees.checked_div(u128::from(self.paid))?).ok()?;
        let whole = u128::from(self.paid).checked_mul(Q64)?;
        Some((fraction(rate), math::ratio(self.lost, whole)?))
    }
}

/// Part that a unit buys less at the worse price than at the better, in Q64.64; zero if it buys more.
fn lost(worse: u128, better: u128) -> Option<u128> {
    if worse >= better {
        return Some(0);
    }
    let worth = match worse.checked_mul(Q64) {
        Some(scaled) => scaled.checked_div(better)?,
        None => u128::try_from(mul(worse, Q64)?.checked_div(U256::from(better))?).ok()?,
    };
    Q64.checked_sub(worth)
}

/// A rate in billionths as a fraction.
pub(super) fn fraction(billionths: u64) -> Fraction {
    i64::try_from(billionths).map_or(Fraction::ONE, Fraction::from_billionths)
}

/// Liquidity is exchanged in the bin. What orders have got in exchange is their makers': the program keeps
/// it in fields that no quote depends on, and which are left alone here.
fn write_step(step: &BinFill<'_>, direction: Direction, writes: &mut Writes) -> Option<()> {
    let [liquidity, processed, open] = step.taken;
    let [first, second] = step.bin.amounts;
    let [amount_first, amount_second] = match direction {
        Direction::AToB => [first.checked_add(liquidity.paid)?, second.checked_sub(liquidity.given)?],
        Direction::BToA => [first.checked_sub(liquidity.given)?, second.checked_add(liquidity.paid)?],
    };
    let processed_left = step.bin.processed_orders.checked_sub(processed.given)?;
    let open_left = step.bin.open_orders.checked_sub(open.given)?;
    let start = bin_array::offset_of(step.place);
    let [offset_first, offset_second] = bin_offset::AMOUNTS;
    writes.add(|| {
        [
            (offset_first, amount_first),
            (offset_second, amount_second),
            (bin_offset::PROCESSED_ORDERS, processed_left),
            (bin_offset::OPEN_ORDERS, open_left),
        ]
        .map(|(field, value)| FieldWrite::u64(step.array.address, start.saturating_add(field), value))
    });
    Some(())
}
