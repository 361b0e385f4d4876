//! The account with a pool's adaptive fee, and the time at which the pool opens.

use super::price::{sqrt_price, tick_at};
use super::program::PROGRAM_ID;
use crate::account::{DecodeError, Discriminator, Fields, Lookup, is_vacant, require_owner};
use crate::changes::{FieldWrite, Writes};
use crate::clock::Clock;
use crate::concentrated::{GroupRules, GrowingFee, Place, Volatility, VolatilitySettings};
use crate::math::mul;
use crate::swap::{Direction, QuoteError};
use order_core::Pubkey;

/// Length of the account in bytes.
pub const SIZE: usize = 254;
/// First bytes of the account.
pub const DISCRIMINATOR: Discriminator = 0x8bc2_83b3_8cb3_e5f4_u64.to_be_bytes();

/// Where the fields of the account are.
pub mod offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const POOL: usize = 8;
    pub const TRADE_ENABLE_TIME: usize = 40;
    pub const FILTER_PERIOD: usize = 48;
    pub const DECAY_PERIOD: usize = 50;
    pub const REDUCTION_FACTOR: usize = 52;
    pub const CONTROL: usize = 54;
    pub const MAXIMUM: usize = 58;
    pub const GROUP: usize = 62;
    pub const MAJOR_SWAP_TICKS: usize = 64;
    pub const LAST_REFERENCE: usize = 82;
    pub const LAST_MAJOR_SWAP: usize = 90;
    pub const REFERENCE: usize = 98;
    pub const INDEX_REFERENCE: usize = 102;
    pub const ACCUMULATOR: usize = 106;
}

/// Seconds after which a reference counts for nothing, however many major swaps there were.
const REFERENCE_AGE_MAX: u64 = 3600;

/// The settings and the state of the fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Oracle {
    address: Pubkey,
    trade_enable_time: u64,
    settings: VolatilitySettings,
    /// Ticks of a swap that counts as a major one.
    major_swap_ticks: u16,
    last_reference: u64,
    last_major_swap: u64,
    volatility: Volatility,
}

impl Oracle {
    /// None if the pool has none: its fee stands still then.
    pub(super) fn load(
        address: Pubkey,
        pool: Pubkey,
        accounts: Lookup<'_, '_>,
    ) -> Result<Option<Self>, DecodeError> {
        use offset as at;
        let account = accounts(&address).ok_or(DecodeError::Missing { address })?;
        if is_vacant(account) {
            return Ok(None);
        }
        require_owner(address, account, PROGRAM_ID)?;
        let fields = Fields::anchor(address, &account.data, SIZE, DISCRIMINATOR, "an Orca Whirlpool oracle")?;
        let settings = VolatilitySettings {
            filter_period: fields.u16(at::FILTER_PERIOD)?,
            decay_period: fields.u16(at::DECAY_PERIOD)?,
            reduction_factor: fields.u16(at::REDUCTION_FACTOR)?,
            control: fields.u32(at::CONTROL)?,
            maximum: fields.u32(at::MAXIMUM)?,
            group: i32::from(fields.u16(at::GROUP)?),
        };
        let volatility = Volatility {
            index_reference: fields.i32(at::INDEX_REFERENCE)?,
            reference: fields.u32(at::REFERENCE)?,
            accumulator: fields.u32(at::ACCUMULATOR)?,
        };
        let is_sound = settings.group > 0 && volatility.reference <= settings.maximum;
        if fields.pubkey(at::POOL)? != pool || !is_sound {
            return Err(DecodeError::Inconsistent { address, reason: "not the oracle of the pool" });
        }
        Ok(Some(Self {
            address,
            trade_enable_time: fields.u64(at::TRADE_ENABLE_TIME)?,
            settings,
            major_swap_ticks: fields.u16(at::MAJOR_SWAP_TICKS)?,
            last_reference: fields.u64(at::LAST_REFERENCE)?,
            last_major_swap: fields.u64(at::LAST_MAJOR_SWAP)?,
            volatility,
        }))
    }

    /// The oracle as a swap at this time finds it.
    pub(super) fn at(&self, place: Place, clock: Clock) -> Result<Self, QuoteError> {
        let now = clock.seconds();
        if self.trade_enable_time > now {
            return Err(QuoteError::Closed { reason: "its opening time is not reached" });
        }
        let last = self.last_reference.max(self.last_major_swap);
        let elapsed = now.checked_sub(last);
        let elapsed = elapsed.ok_or(QuoteError::Closed { reason: "its last swap is of a later time" })?;
        let is_old = now.saturating_sub(self.last_reference) > REFERENCE_AGE_MAX;
        let mut oracle = *self;
        let elapsed = if is_old { u64::MAX } else { elapsed };
        if oracle.volatility.refer(&self.settings, self.index(place), elapsed) {
            oracle.last_reference = now;
        }
        Ok(oracle)
    }

    /// The fee of a swap that begins at this place.
    pub(super) fn fee(&self, place: Place, base_rate: u32, direction: Direction) -> GrowingFee {
        GrowingFee {
            rules: GroupRules::OrcaWhirlpool,
            settings: self.settings,
            volatility: self.volatility,
            base_rate,
            sqrt_price,
            tick_at,
            direction,
            index: self.index(place),
        }
    }

    fn index(&self, place: Place) -> i32 {
        place.tick.checked_div_euclid(self.settings.group).unwrap_or(0)
    }

    /// Reports the state after a swap from one price to another. None if a number exceeds what the program calculates
    /// with.
    pub(super) fn write(
        &self,
        volatility: Volatility,
        prices: [u128; 2],
        clock: Clock,
        writes: &mut Writes,
    ) -> Option<()> {
        let is_major = self.is_major_swap(prices)?;
        let last_major_swap = if is_major { clock.seconds() } else { self.last_major_swap };
        let Self { address, last_reference, .. } = *self;
        writes.add(|| {
            [
                FieldWrite::u64(address, offset::LAST_REFERENCE, last_reference),
                FieldWrite::u64(address, offset::LAST_MAJOR_SWAP, last_major_swap),
                FieldWrite::u32(address, offset::REFERENCE, volatility.reference),
                FieldWrite::i32(address, offset::INDEX_REFERENCE, volatility.index_reference),
                FieldWrite::u32(address, offset::ACCUMULATOR, volatility.accumulator),
            ]
        });
        Some(())
    }

    fn is_major_swap(&self, [one, other]: [u128; 2]) -> Option<bool> {
        let factor = sqrt_price(i32::from(self.major_swap_ticks))?;
        let target = mul(one.min(other), factor)?.wrapping_shr(64);
        Some(ruint::aliases::U256::from(one.max(other)) >= target)
    }
}
