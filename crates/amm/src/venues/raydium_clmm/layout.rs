//! Layouts of the program's accounts.

use super::price::{SQRT_PRICE_MAX, SQRT_PRICE_MIN};
use super::program::PROGRAM_ID;
use super::tick_array;
use crate::account::{DecodeError, Discriminator, Fields, Lookup, existing, require_owner};
use crate::concentrated::{Place, RATE_ONE, TickArrays};
use crate::swap::Direction;
use order_core::{Mint, Pubkey};

/// Length of a pool's account in bytes.
pub const POOL_SIZE: usize = 1544;
/// First bytes of a pool's account.
pub const POOL_DISCRIMINATOR: Discriminator = 0xf7ed_e3f5_d7c3_de46_u64.to_be_bytes();
/// Length of a fee configuration's account in bytes.
pub const CONFIG_SIZE: usize = 117;
/// First bytes of a fee configuration's account.
pub const CONFIG_DISCRIMINATOR: Discriminator = 0xdaf4_2168_cbcb_2b6f_u64.to_be_bytes();

/// First seed of a pool's address.
pub const POOL_SEED: &[u8] = b"pool";

/// The bit of the status that stops swaps.
const STATUS_SWAP_DISABLED: u8 = 1 << 4;

/// Number of tick arrays in a swap instruction: a transaction has room for more, a route of two
/// pools has not.
pub(super) const ARRAYS: usize = 3;

/// Number of bits of the bitmap that is in the pool's own account.
pub(super) const BITMAP_BITS: i32 = 1024;
const BITMAP_WORDS: usize = 16;
/// The bitmap's bit of the array that begins at tick zero.
pub const BITMAP_ZERO: i32 = 512;

/// Where the fields of a pool's account are.
pub mod pool_offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const BUMP: usize = 8;
    pub const CONFIG: usize = 9;
    pub const MINTS: [usize; 2] = [73, 105];
    pub const VAULTS: [usize; 2] = [137, 169];
    pub const OBSERVATION: usize = 201;
    pub const DECIMALS: [usize; 2] = [233, 234];
    pub const TICK_SPACING: usize = 235;
    pub const LIQUIDITY: usize = 237;
    pub const SQRT_PRICE: usize = 253;
    pub const TICK: usize = 269;
    pub const PROTOCOL_FEES: [usize; 2] = [309, 317];
    pub const STATUS: usize = 389;
    pub const FEE_ON: usize = 390;
    pub const BITMAP: usize = 904;
    pub const FUND_FEES: [usize; 2] = [1064, 1072];
    pub const OPEN_TIME: usize = 1080;
    pub const DYNAMIC_FEE: usize = 1096;
}

/// Bytes of the dynamic fee's settings and state; all of them are zero if there is none.
const DYNAMIC_FEE_SIZE: usize = 80;

/// Where the fields of a fee configuration are.
pub mod config_offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const BUMP: usize = 8;
    pub const INDEX: usize = 9;
    pub const PROTOCOL_FEE_RATE: usize = 43;
    pub const TRADE_FEE_RATE: usize = 47;
    pub const TICK_SPACING: usize = 51;
    pub const FUND_FEE_RATE: usize = 53;
}

/// Where the pool's price is.
const PLACE: [usize; 3] = [pool_offset::SQRT_PRICE, pool_offset::TICK, pool_offset::LIQUIDITY];

/// A pool's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClmmPool {
    pub(super) address: Pubkey,
    pub(super) bump: u8,
    pub(super) config: Pubkey,
    pub(super) mints: [Mint; 2],
    pub(super) vaults: [Pubkey; 2],
    pub(super) observation: Pubkey,
    pub(super) place: Place,
    pub(super) protocol_fees: [u64; 2],
    pub(super) fund_fees: [u64; 2],
    pub(super) swap_disabled: bool,
    pub(super) open_time: u64,
    /// Number of ticks that an array spans.
    pub(super) array_ticks: i32,
    /// Those with ticks that a swap goes through.
    pub(super) arrays: TickArrays,
}

impl ClmmPool {
    pub(super) fn decode(address: Pubkey, data: &[u8]) -> Result<Self, DecodeError> {
        use pool_offset as at;
        let fields = Fields::anchor(address, data, POOL_SIZE, POOL_DISCRIMINATOR, "a Raydium CLMM pool")?;
        require_supported(address, fields)?;
        let place = Place::decode(address, fields, PLACE, SQRT_PRICE_MIN..=SQRT_PRICE_MAX)?;
        let array_ticks = i32::from(fields.u16(at::TICK_SPACING)?).saturating_mul(tick_array::TICKS);
        let current = current_bit(address, place, array_ticks)?;
        let bitmap = TickArrayBitmap::decode(fields)?;
        let starts = |direction| bitmap.starts(current, array_ticks, direction);
        Ok(Self {
            address,
            bump: fields.u8(at::BUMP)?,
            config: fields.pubkey(at::CONFIG)?,
            mints: fields.mints(at::MINTS)?,
            vaults: fields.pubkeys(at::VAULTS)?,
            observation: fields.pubkey(at::OBSERVATION)?,
            place,
            protocol_fees: fields.u64s(at::PROTOCOL_FEES)?,
            fund_fees: fields.u64s(at::FUND_FEES)?,
            swap_disabled: fields.u8(at::STATUS)? & STATUS_SWAP_DISABLED != 0,
            open_time: fields.u64(at::OPEN_TIME)?,
            array_ticks,
            arrays: TickArrays::new(starts, |start| tick_array::address(address, start)),
        })
    }
}

/// The bitmap's bit of the array that the price is in.
fn current_bit(address: Pubkey, place: Place, array_ticks: i32) -> Result<i32, DecodeError> {
    let bit = place.tick.checked_div_euclid(array_ticks).and_then(|array| array.checked_add(BITMAP_ZERO));
    bit.filter(|bit| (0..BITMAP_BITS).contains(bit)).ok_or_else(|| {
        let reason = "a price beyond the bitmap of its own account".to_owned();
        DecodeError::Unsupported { address, reason }
    })
}

/// Which arrays have ticks, the lowest first.
struct TickArrayBitmap([u64; BITMAP_WORDS]);

impl TickArrayBitmap {
    fn decode(fields: Fields<'_>) -> Result<Self, DecodeError> {
        let mut words = [0; BITMAP_WORDS];
        for (word, offset) in words.iter_mut().zip((pool_offset::BITMAP..).step_by(8)) {
            *word = fields.u64(offset)?;
        }
        Ok(Self(words))
    }

    fn has_array(&self, bit: i32) -> bool {
        let Ok(bit) = usize::try_from(bit) else { return false };
        self.0.get(bit >> 6).is_some_and(|word| word >> (bit & 63) & 1 == 1)
    }

    /// The first ticks of the arrays that a swap in a direction goes through, from the array of this bit on
    /// and as far as an instruction names them.
    fn starts(&self, current: i32, array_ticks: i32, direction: Direction) -> Vec<i32> {
        let start = |bit: i32| bit.saturating_sub(BITMAP_ZERO).saturating_mul(array_ticks);
        let found = |bit: &i32| self.has_array(*bit);
        match direction {
            Direction::AToB => (0..=current).rev().filter(found).take(ARRAYS).map(start).collect(),
            Direction::BToA => (current..BITMAP_BITS).filter(found).take(ARRAYS).map(start).collect(),
        }
    }
}

fn require_supported(address: Pubkey, fields: Fields<'_>) -> Result<(), DecodeError> {
    let unsupported = |reason: &str| Err(DecodeError::Unsupported { address, reason: reason.to_owned() });
    if fields.u8(pool_offset::FEE_ON)? != 0 {
        return unsupported("a fee on one token only, whose maths has not been checked against the program");
    }
    if fields.bytes::<DYNAMIC_FEE_SIZE>(pool_offset::DYNAMIC_FEE)? != [0; DYNAMIC_FEE_SIZE] {
        return unsupported("a dynamic fee, whose maths has not been checked against the program");
    }
    Ok(())
}

/// The fee rates that many pools share, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClmmConfig {
    pub(super) trade_fee_rate: u32,
    /// Of the trade fee, not of the amount.
    pub(super) protocol_fee_rate: u32,
    /// Of the trade fee, not of the amount.
    pub(super) fund_fee_rate: u32,
}

impl ClmmConfig {
    pub(super) fn load(address: Pubkey, accounts: Lookup<'_, '_>) -> Result<Self, DecodeError> {
        use config_offset as at;
        let account = existing(address, accounts)?;
        require_owner(address, account, PROGRAM_ID)?;
        let expected = "a Raydium CLMM fee configuration";
        let data = account.data.as_slice();
        let fields = Fields::anchor(address, data, CONFIG_SIZE, CONFIG_DISCRIMINATOR, expected)?;
        let config = Self {
            trade_fee_rate: fields.u32(at::TRADE_FEE_RATE)?,
            protocol_fee_rate: fields.u32(at::PROTOCOL_FEE_RATE)?,
            fund_fee_rate: fields.u32(at::FUND_FEE_RATE)?,
        };
        if config.trade_fee_rate >= RATE_ONE {
            let reason = "the fee is the whole amount or more";
            return Err(DecodeError::Inconsistent { address, reason });
        }
        Ok(config)
    }
}
