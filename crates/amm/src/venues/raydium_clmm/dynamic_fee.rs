//! A fee that grows with the distance of the price from where it was.

use super::offset as pool_offset;
use super::price::{sqrt_price, tick_at};
use crate::account::{DecodeError, Fields};
use crate::changes::{FieldWrite, Writes};
use crate::clock::Clock;
use crate::concentrated::{GroupRules, GrowingFee, Place, Volatility, VolatilitySettings};
use crate::swap::Direction;
use order_core::Pubkey;

/// Bytes of the settings and the state; all of them are zero if there is no such fee.
const SIZE: usize = 80;

/// Where its fields are, from its beginning on.
mod offset {
    pub(super) const FILTER_PERIOD: usize = 0;
    pub(super) const DECAY_PERIOD: usize = 2;
    pub(super) const REDUCTION_FACTOR: usize = 4;
    pub(super) const CONTROL: usize = 6;
    pub(super) const MAXIMUM: usize = 10;
    pub(super) const INDEX_REFERENCE: usize = 14;
    pub(super) const REFERENCE: usize = 18;
    pub(super) const ACCUMULATOR: usize = 22;
    pub(super) const LAST_UPDATE: usize = 26;
}

/// The settings and the state of the fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DynamicFee {
    settings: VolatilitySettings,
    volatility: Volatility,
    last_update: u64,
}

impl DynamicFee {
    /// None if the pool has none.
    pub(super) fn decode(address: Pubkey, fields: Fields<'_>) -> Result<Option<Self>, DecodeError> {
        if fields.bytes::<SIZE>(pool_offset::DYNAMIC_FEE)? == [0; SIZE] {
            return Ok(None);
        }
        let settings = VolatilitySettings {
            filter_period: fields.u16(at(offset::FILTER_PERIOD))?,
            decay_period: fields.u16(at(offset::DECAY_PERIOD))?,
            reduction_factor: fields.u16(at(offset::REDUCTION_FACTOR))?,
            control: fields.u32(at(offset::CONTROL))?,
            maximum: fields.u32(at(offset::MAXIMUM))?,
            group: i32::from(fields.u16(pool_offset::TICK_SPACING)?),
        };
        let volatility = Volatility {
            index_reference: fields.i32(at(offset::INDEX_REFERENCE))?,
            reference: fields.u32(at(offset::REFERENCE))?,
            accumulator: fields.u32(at(offset::ACCUMULATOR))?,
        };
        if volatility.reference > settings.maximum {
            let reason = "its volatility is above its own maximum";
            return Err(DecodeError::Inconsistent { address, reason });
        }
        let last_update = fields.u64(at(offset::LAST_UPDATE))?;
        Ok(Some(Self { settings, volatility, last_update }))
    }

    /// The fee as a swap at this time finds it, and the time of its last reference.
    pub(super) fn at(
        &self,
        place: Place,
        base_rate: u32,
        direction: Direction,
        clock: Clock,
    ) -> (GrowingFee, u64) {
        let now = clock.seconds();
        let index = place.tick.checked_div_euclid(self.settings.group).unwrap_or(0);
        let mut volatility = self.volatility;
        let refers = volatility.refer(&self.settings, index, now.saturating_sub(self.last_update));
        let fee = GrowingFee {
            rules: GroupRules::RaydiumClmm,
            settings: self.settings,
            volatility,
            base_rate,
            sqrt_price,
            tick_at,
            direction,
            index,
        };
        (fee, if refers { now } else { self.last_update })
    }
}

/// Reports the state after a swap.
pub(super) fn write(pool: Pubkey, volatility: Volatility, last_update: u64, writes: &mut Writes) {
    writes.add(|| {
        [
            FieldWrite::i32(pool, at(offset::INDEX_REFERENCE), volatility.index_reference),
            FieldWrite::u32(pool, at(offset::REFERENCE), volatility.reference),
            FieldWrite::u32(pool, at(offset::ACCUMULATOR), volatility.accumulator),
            FieldWrite::u64(pool, at(offset::LAST_UPDATE), last_update),
        ]
    });
}

const fn at(offset: usize) -> usize {
    pool_offset::DYNAMIC_FEE.saturating_add(offset)
}
