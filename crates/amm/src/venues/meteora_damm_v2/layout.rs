//! Layouts of the program's accounts.

use super::base_fee::BaseFee;
use super::offset;
use crate::account::{DecodeError, Discriminator, Fields};
use crate::clock::TimeUnit;
use order_core::{Mint, Pubkey};

/// Length of a pool's account in bytes.
pub const POOL_SIZE: usize = 1112;
/// First bytes of a pool's account.
pub const POOL_DISCRIMINATOR: Discriminator = 0xf19a_6d04_11b1_6dbc_u64.to_be_bytes();

/// On which side of a swap the fee is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CollectFee {
    Output,
    /// Always in the second token.
    SecondToken,
}

/// The part of the fee that grows with the market's movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DynamicFee {
    pub(super) control: u32,
    pub(super) bin_step: u16,
    pub(super) accumulator: u128,
}

/// A pool's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DammV2Pool {
    pub(super) address: Pubkey,
    pub(super) base_fee: BaseFee,
    pub(super) dynamic_fee: Option<DynamicFee>,
    pub(super) protocol_fee_percent: u8,
    pub(super) mints: [Mint; 2],
    pub(super) vaults: [Pubkey; 2],
    pub(super) liquidity: u128,
    pub(super) protocol_fees: [u64; 2],
    pub(super) sqrt_min_price: u128,
    pub(super) sqrt_max_price: u128,
    pub(super) sqrt_price: u128,
    pub(super) activation_point: u64,
    pub(super) activation: TimeUnit,
    pub(super) enabled: bool,
    pub(super) collect_fee: CollectFee,
    /// The most that a fee may be, in billionths.
    pub(super) fee_cap: u64,
}

impl DammV2Pool {
    pub(crate) fn decode(address: Pubkey, data: &[u8]) -> Result<Self, DecodeError> {
        use offset as at;
        let fields = Fields::anchor(address, data, POOL_SIZE, POOL_DISCRIMINATOR, "a Meteora DAMM v2 pool")?;
        let pool = Self {
            address,
            base_fee: BaseFee::decode(address, fields)?,
            dynamic_fee: dynamic_fee(fields)?,
            protocol_fee_percent: fields.u8(at::PROTOCOL_FEE_PERCENT)?,
            mints: fields.mints(at::MINTS)?,
            vaults: fields.pubkeys(at::VAULTS)?,
            liquidity: fields.u128(at::LIQUIDITY)?,
            protocol_fees: fields.u64s(at::PROTOCOL_FEES)?,
            sqrt_min_price: fields.u128(at::SQRT_MIN_PRICE)?,
            sqrt_max_price: fields.u128(at::SQRT_MAX_PRICE)?,
            sqrt_price: fields.u128(at::SQRT_PRICE)?,
            activation_point: fields.u64(at::ACTIVATION_POINT)?,
            activation: TimeUnit::decode(address, fields.u8(at::ACTIVATION_TYPE)?)?,
            enabled: fields.u8(at::POOL_STATUS)? == 0,
            collect_fee: collect_fee(address, fields)?,
            fee_cap: fee_cap(address, fields)?,
        };
        let range = pool.sqrt_min_price..=pool.sqrt_max_price;
        if pool.sqrt_min_price == 0 || !range.contains(&pool.sqrt_price) {
            return Err(DecodeError::Inconsistent { address, reason: "the price is outside of its range" });
        }
        Ok(pool)
    }
}

fn dynamic_fee(fields: Fields<'_>) -> Result<Option<DynamicFee>, DecodeError> {
    if fields.u8(offset::DYNAMIC_FEE_INITIALIZED)? == 0 {
        return Ok(None);
    }
    Ok(Some(DynamicFee {
        control: fields.u32(offset::VARIABLE_FEE_CONTROL)?,
        bin_step: fields.u16(offset::BIN_STEP)?,
        accumulator: fields.u128(offset::VOLATILITY_ACCUMULATOR)?,
    }))
}

fn collect_fee(address: Pubkey, fields: Fields<'_>) -> Result<CollectFee, DecodeError> {
    match fields.u8(offset::COLLECT_FEE_MODE)? {
        0 => Ok(CollectFee::Output),
        1 => Ok(CollectFee::SecondToken),
        2 => {
            let reason =
                "a compounding pool, whose maths has not been checked against the program".to_owned();
            Err(DecodeError::Unsupported { address, reason })
        }
        other => Err(DecodeError::Unsupported { address, reason: format!("collect fee mode {other}") }),
    }
}

fn fee_cap(address: Pubkey, fields: Fields<'_>) -> Result<u64, DecodeError> {
    match fields.u8(offset::FEE_VERSION)? {
        0 => Ok(500_000_000),
        1 => Ok(990_000_000),
        other => Err(DecodeError::Unsupported { address, reason: format!("fee version {other}") }),
    }
}
