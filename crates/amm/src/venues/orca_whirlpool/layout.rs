//! Layouts of the program's accounts.

use super::price::{SQRT_PRICE_MAX, SQRT_PRICE_MIN};
use super::program::PROGRAM_ID;
use super::tick_array;
use crate::account::{DecodeError, Discriminator, Fields};
use crate::concentrated::{Place, RATE_ONE, TICK_MAX, TickArrays};
use crate::swap::Direction;
use order_core::{Mint, Pubkey, derived_address};

/// Length of a pool's account in bytes.
pub const POOL_SIZE: usize = 653;
/// First bytes of a pool's account.
pub const POOL_DISCRIMINATOR: Discriminator = 0x3f95_d10c_e180_6309_u64.to_be_bytes();

/// First seed of a pool's address.
pub const POOL_SEED: &[u8] = b"whirlpool";

/// Number of tick arrays in a swap instruction.
pub(super) const ARRAYS: usize = 3;

/// Where the fields of a pool's account are.
pub mod offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const CONFIG: usize = 8;
    pub const BUMP: usize = 40;
    pub const TICK_SPACING: usize = 41;
    pub const FEE_TIER: usize = 43;
    pub const FEE_RATE: usize = 45;
    pub const PROTOCOL_FEE_RATE: usize = 47;
    pub const LIQUIDITY: usize = 49;
    pub const SQRT_PRICE: usize = 65;
    pub const TICK: usize = 81;
    pub const PROTOCOL_FEES: [usize; 2] = [85, 93];
    pub const MINTS: [usize; 2] = [101, 181];
    pub const VAULTS: [usize; 2] = [133, 213];
}

/// Where the pool's price is.
const PLACE: [usize; 3] = [offset::SQRT_PRICE, offset::TICK, offset::LIQUIDITY];

/// A pool's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whirlpool {
    pub(super) address: Pubkey,
    pub(super) bump: u8,
    pub(super) config: Pubkey,
    pub(super) tick_spacing: u16,
    /// Number of the fee's tier, which is part of the pool's address.
    pub(super) tier: u16,
    /// In millionths.
    pub(super) fee_rate: u32,
    /// Of the fee, not of the amount, in ten-thousandths.
    pub(super) protocol_fee_rate: u16,
    pub(super) place: Place,
    pub(super) protocol_fees: [u64; 2],
    pub(super) mints: [Mint; 2],
    pub(super) vaults: [Pubkey; 2],
    /// Those that a swap goes through, one next to the other. They end where the prices end.
    pub(super) arrays: TickArrays,
    pub(super) oracle: Pubkey,
}

impl Whirlpool {
    pub(super) fn decode(address: Pubkey, data: &[u8]) -> Result<Self, DecodeError> {
        use offset as at;
        let fields = Fields::anchor(address, data, POOL_SIZE, POOL_DISCRIMINATOR, "an Orca Whirlpool")?;
        let tick_spacing = fields.u16(at::TICK_SPACING)?;
        let fee_rate = u32::from(fields.u16(at::FEE_RATE)?);
        if tick_spacing == 0 || fee_rate >= RATE_ONE {
            return Err(DecodeError::Inconsistent { address, reason: "no distance between its ticks" });
        }
        let place = Place::decode(address, fields, PLACE, SQRT_PRICE_MIN..=SQRT_PRICE_MAX)?;
        let starts = |direction| array_starts(place.tick, tick_spacing, direction);
        let tier = fields.u16(at::FEE_TIER)?;
        Ok(Self {
            address,
            tier,
            bump: fields.u8(at::BUMP)?,
            config: fields.pubkey(at::CONFIG)?,
            tick_spacing,
            fee_rate,
            protocol_fee_rate: fields.u16(at::PROTOCOL_FEE_RATE)?,
            place,
            protocol_fees: fields.u64s(at::PROTOCOL_FEES)?,
            mints: fields.mints(at::MINTS)?,
            vaults: fields.pubkeys(at::VAULTS)?,
            arrays: TickArrays::new(starts, |start| tick_array::address(address, start)),
            oracle: derived_address(&PROGRAM_ID, &[b"oracle", address.as_ref()]),
        })
    }

    /// True if the oracle has a fee that grows: a fee that stands still is of the tier with the spacing's number.
    pub(super) fn is_adaptive(&self) -> bool {
        self.tier != self.tick_spacing
    }

    /// Number of ticks that an array spans.
    pub(super) fn array_ticks(&self) -> i32 {
        array_ticks(self.tick_spacing)
    }
}

fn array_ticks(tick_spacing: u16) -> i32 {
    i32::from(tick_spacing).saturating_mul(tick_array::TICKS)
}

/// The first ticks of the arrays from a tick on.
fn array_starts(tick: i32, tick_spacing: u16, direction: Direction) -> Vec<i32> {
    let span = array_ticks(tick_spacing);
    let (first, step) = match direction {
        Direction::AToB => (tick, span.saturating_neg()),
        Direction::BToA => (tick.saturating_add(i32::from(tick_spacing)), span),
    };
    let first = first.checked_div_euclid(span).unwrap_or(0).saturating_mul(span);
    let starts = std::iter::successors(Some(first), |start| start.checked_add(step)).take(ARRAYS);
    starts.filter(|start| start.saturating_add(span) > -TICK_MAX && *start <= TICK_MAX).collect()
}
