//! Accounts with the ticks of a range of prices.

use super::price::sqrt_price;
use super::program::PROGRAM_ID;
use crate::account::{DecodeError, Discriminator, Fields, require_owner};
use crate::changes::FieldWrite;
use crate::concentrated::Stop;
use crate::math::{self, Q64};
use order_core::{Pubkey, derived_address};
use ruint::aliases::U256;
use solana_account::Account;

/// Number of ticks in an array.
pub const TICKS: i32 = 60;

/// Length of the account in bytes.
pub const SIZE: usize = 10_240;
/// First bytes of the account.
pub const DISCRIMINATOR: Discriminator = 0xc09b_55cd_31f9_812a_u64.to_be_bytes();

/// Where the fields of a tick array are.
pub mod offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const POOL: usize = 8;
    pub const START: usize = 40;
    pub const TICKS: usize = 44;
    pub const INITIALIZED: usize = 10_124;
}

/// Length of a tick in bytes.
pub const TICK_SIZE: usize = 168;
/// Where the fields of a tick are.
pub mod tick_offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const LIQUIDITY_NET: usize = 4;
    pub const LIQUIDITY_GROSS: usize = 20;
    pub const ORDER_PHASE: usize = 116;
    pub const ORDERS: usize = 124;
    pub const PART_FILLED_ORDERS: usize = 132;
    pub const UNFILLED_RATIO: usize = 140;
}

/// Address of the array of a pool that begins at a tick.
pub fn address(pool: Pubkey, start: i32) -> Pubkey {
    let seeds: [&[u8]; 3] = [b"tick_array", pool.as_ref(), &start.to_be_bytes()];
    derived_address(&PROGRAM_ID, &seeds)
}

/// The ticks of an array that a swap stops at, the lowest first.
#[derive(Debug, Default)]
pub(super) struct ArrayTicks {
    pub(super) stops: Vec<Stop>,
    pub(super) orders: Vec<TickOrders>,
}

/// Limit orders at a tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TickOrders {
    pub(super) tick: i32,
    array: Pubkey,
    /// Where the tick is in its array.
    base: usize,
    phase: u64,
    /// Those of which nothing is filled.
    whole: u64,
    /// The rest of those that were filled in part.
    part_filled: u64,
    /// Unfilled part of the latter, in Q64.64.
    unfilled_ratio: u128,
}

/// Reads an array.
pub(super) fn decode(
    address: Pubkey,
    account: &Account,
    pool: Pubkey,
    start: i32,
    spacing: i32,
) -> Result<ArrayTicks, DecodeError> {
    require_owner(address, account, PROGRAM_ID)?;
    let data = account.data.as_slice();
    let fields = Fields::anchor(address, data, SIZE, DISCRIMINATOR, "a Raydium CLMM tick array")?;
    if fields.pubkey(offset::POOL)? != pool || fields.i32(offset::START)? != start {
        return Err(DecodeError::Inconsistent { address, reason: "the ticks of another pool or price" });
    }
    let mut ticks = ArrayTicks::default();
    for (place, base) in (0..TICKS).zip((offset::TICKS..).step_by(TICK_SIZE)) {
        let tick = start.saturating_add(place.saturating_mul(spacing));
        let orders = TickOrders::decode(address, fields, tick, base)?;
        let has_liquidity = fields.u128(base.saturating_add(tick_offset::LIQUIDITY_GROSS))? != 0;
        if !has_liquidity && orders.is_none() {
            continue;
        }
        let sqrt_price = sqrt_price(tick)
            .ok_or(DecodeError::Inconsistent { address, reason: "a tick beyond the last" })?;
        let net = if has_liquidity {
            fields.u128(base.saturating_add(tick_offset::LIQUIDITY_NET))?.cast_signed()
        } else {
            0
        };
        let unfilled = orders.as_ref().map_or(Some(0), TickOrders::unfilled);
        let reason = "the limit orders of a tick exceed 64 bits";
        let orders_amount = unfilled.ok_or(DecodeError::Inconsistent { address, reason })?;
        ticks.stops.push(Stop { tick, sqrt_price, net: Some(net), orders: orders_amount });
        ticks.orders.extend(orders);
    }
    Ok(ticks)
}

impl TickOrders {
    /// None if there are none.
    fn decode(
        array: Pubkey,
        fields: Fields<'_>,
        tick: i32,
        base: usize,
    ) -> Result<Option<Self>, DecodeError> {
        let at = |offset: usize| base.saturating_add(offset);
        let orders = Self {
            tick,
            array,
            base,
            phase: fields.u64(at(tick_offset::ORDER_PHASE))?,
            whole: fields.u64(at(tick_offset::ORDERS))?,
            part_filled: fields.u64(at(tick_offset::PART_FILLED_ORDERS))?,
            unfilled_ratio: fields.u128(at(tick_offset::UNFILLED_RATIO))?,
        };
        Ok(Some(orders).filter(|orders| orders.whole > 0 || orders.part_filled > 0))
    }

    fn unfilled(&self) -> Option<u64> {
        self.whole.checked_add(self.part_filled)
    }

    /// The fields after `taken` of the orders is filled: first those that were filled in part before. None if there are
    /// not as many.
    pub(super) fn fill(&self, taken: u64) -> Option<[FieldWrite; 4]> {
        let mut after = self.clone();
        let from_part = self.part_filled.min(taken);
        if from_part > 0 {
            after.part_filled = self.part_filled.checked_sub(from_part)?;
            after.unfilled_ratio = part(self.unfilled_ratio, after.part_filled, self.part_filled)?;
        }
        let from_whole = taken.checked_sub(from_part)?;
        if from_whole > 0 {
            after.phase = self.phase.saturating_add(1);
            after.part_filled = self.whole.checked_sub(from_whole)?;
            after.unfilled_ratio = part(Q64, after.part_filled, self.whole)?;
            after.whole = 0;
        }
        let at = |offset: usize| self.base.saturating_add(offset);
        Some([
            FieldWrite::u64(self.array, at(tick_offset::ORDER_PHASE), after.phase),
            FieldWrite::u64(self.array, at(tick_offset::ORDERS), after.whole),
            FieldWrite::u64(self.array, at(tick_offset::PART_FILLED_ORDERS), after.part_filled),
            FieldWrite::u128(self.array, at(tick_offset::UNFILLED_RATIO), after.unfilled_ratio),
        ])
    }
}

/// `floor(ratio · left / all)`.
fn part(ratio: u128, left: u64, all: u64) -> Option<u128> {
    u128::try_from(math::mul(ratio, u128::from(left))?.checked_div(U256::from(all))?).ok()
}
