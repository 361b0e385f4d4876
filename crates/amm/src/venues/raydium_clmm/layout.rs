//! Layouts of the program's accounts.

use super::bitmap::{BitmapExtension, End, Starts, TickArrayBitmap, extension_address};
use super::dynamic_fee::DynamicFee;
use super::price::{SQRT_PRICE_MAX, SQRT_PRICE_MIN};
use super::program::PROGRAM_ID;
use super::tick_array;
use crate::account::{DecodeError, Discriminator, Fields, Lookup, existing, is_vacant, require_owner};
use crate::concentrated::{FeeSide, Place, RATE_ONE, TickArrays};
use crate::swap::Direction;
use order_core::{Mint, Pubkey};

pub use super::offset as pool_offset;

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
    /// Distance of the ticks that can have liquidity.
    pub(super) spacing: i32,
    pub(super) fee_on: FeeOn,
    /// In place of the configuration's rate, if the pool has one.
    pub(super) dynamic_fee: Option<DynamicFee>,
    pub(super) bitmap: TickArrayBitmap,
    /// Address of the bitmap's extension; None if the pool needs none.
    pub(super) extension: Option<Pubkey>,
}

/// Token that the fee is taken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FeeOn {
    Input,
    First,
    Second,
}

impl FeeOn {
    fn decode(address: Pubkey, fields: Fields<'_>) -> Result<Self, DecodeError> {
        match fields.u8(pool_offset::FEE_ON)? {
            0 => Ok(Self::Input),
            1 => Ok(Self::First),
            2 => Ok(Self::Second),
            mode => Err(DecodeError::Unsupported {
                address,
                reason: format!("the mode {mode} of the fee's token"),
            }),
        }
    }

    pub(super) fn side(self, direction: Direction) -> FeeSide {
        match (self, direction) {
            (Self::Input, _) | (Self::First, Direction::AToB) | (Self::Second, Direction::BToA) => {
                FeeSide::Input
            }
            (Self::First, Direction::BToA) | (Self::Second, Direction::AToB) => FeeSide::Output,
        }
    }
}

impl ClmmPool {
    pub(super) fn decode(address: Pubkey, data: &[u8]) -> Result<Self, DecodeError> {
        use pool_offset as at;
        let fields = Fields::anchor(address, data, POOL_SIZE, POOL_DISCRIMINATOR, "a Raydium CLMM pool")?;
        let spacing = fields.u16(at::TICK_SPACING)?;
        if spacing == 0 {
            return Err(DecodeError::Inconsistent { address, reason: "no distance between its ticks" });
        }
        let place = Place::decode(address, fields, PLACE, SQRT_PRICE_MIN..=SQRT_PRICE_MAX)?;
        let bitmap = TickArrayBitmap::decode(fields)?;
        let mut pool = Self {
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
            spacing: i32::from(spacing),
            fee_on: FeeOn::decode(address, fields)?,
            dynamic_fee: DynamicFee::decode(address, fields)?,
            bitmap,
            extension: None,
        };
        let unknown = [Direction::AToB, Direction::BToA].map(|direction| pool.starts(None, direction).end);
        pool.extension = unknown.contains(&End::Unknown).then(|| extension_address(address));
        Ok(pool)
    }

    /// Number of ticks that an array spans.
    pub(super) fn array_ticks(&self) -> i32 {
        self.spacing.saturating_mul(tick_array::TICKS)
    }

    /// The first ticks of the arrays that a swap in a direction goes through.
    pub(super) fn starts(&self, extension: Option<&BitmapExtension>, direction: Direction) -> Starts {
        self.bitmap.starts(extension, self.place.tick, self.array_ticks(), direction)
    }

    /// The extension of the bitmap, if it is needed and was read.
    pub(super) fn extension(&self, accounts: Lookup<'_, '_>) -> Result<Option<BitmapExtension>, DecodeError> {
        let Some((address, account)) =
            self.extension.and_then(|address| Some((address, accounts(&address)?)))
        else {
            return Ok(None);
        };
        if is_vacant(account) {
            return Ok(Some(BitmapExtension::EMPTY));
        }
        BitmapExtension::decode(address, account, self.address).map(Some)
    }

    /// The arrays that a swap goes through.
    pub(super) fn arrays(&self, extension: Option<&BitmapExtension>) -> TickArrays {
        let starts = |direction| self.starts(extension, direction).starts;
        TickArrays::new(starts, |start| tick_array::address(self.address, start))
    }
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
