//! Layouts of the program's accounts.

use super::program::{FEE_CONFIG, FEE_PROGRAM, GLOBAL_CONFIG, PROGRAM_ID};
use crate::account::{DecodeError, Discriminator, Fields, Lookup, require_owner};
use order_core::{Mint, Pubkey};

/// Length of a pool's account in bytes. The program wants older ones, which are shorter, extended before they swap.
pub const POOL_SIZE: usize = 300;
/// First bytes of a pool's account.
pub const POOL_DISCRIMINATOR: Discriminator = 0xf19a_6d04_11b1_6dbc_u64.to_be_bytes();
/// First bytes of the account of the configuration that all pools share.
pub const GLOBAL_CONFIG_DISCRIMINATOR: Discriminator = 0x9508_9cca_a0fc_b0d9_u64.to_be_bytes();
/// First bytes of the account of the fees that all pools share.
pub const FEE_CONFIG_DISCRIMINATOR: Discriminator = 0x8f34_92bb_db7b_4c9b_u64.to_be_bytes();

/// Most tiers of fees that are read; the fee program's account has room for fewer.
const TIERS_MAX: usize = 256;

/// Bits of the configuration's flags that stop swaps.
const BUY_DISABLED: u8 = 1 << 3;
const SELL_DISABLED: u8 = 1 << 4;

/// Where the fields of a pool's account are.
pub mod pool_offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const BUMP: usize = 8;
    pub const INDEX: usize = 9;
    pub const CREATOR: usize = 11;
    pub const MINTS: [usize; 2] = [43, 75];
    pub const LP_MINT: usize = 107;
    pub const VAULTS: [usize; 2] = [139, 171];
    pub const LP_SUPPLY: usize = 203;
    pub const COIN_CREATOR: usize = 211;
    pub const IS_MAYHEM_MODE: usize = 243;
    pub const IS_CASHBACK_COIN: usize = 244;
    pub const VIRTUAL_QUOTE_RESERVES: usize = 245;
    pub const CREATOR_FEE_BPS: usize = 261;
}

/// Where the fields of the shared configuration are.
pub mod global_offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const DISABLE_FLAGS: usize = 56;
    pub const PROTOCOL_FEE_RECIPIENTS: usize = 57;
    pub const RESERVED_FEE_RECIPIENT: usize = 385;
    pub const IS_MAYHEM_MODE_ENABLED: usize = 417;
    pub const BUYBACK_FEE_RECIPIENTS: usize = 643;
    pub const BUYBACK_BASIS_POINTS: usize = 899;
    pub const CREATOR_FEE_CONFIGURABLE: usize = 940;
    /// The end of the fields that are read.
    pub const END: usize = 907;
}

/// Where the fields of the shared fees are.
pub mod fee_offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const FLAT_FEES: usize = 41;
    pub const TIERS: usize = 65;
    /// In a tier: its threshold, of sixteen bytes, and its fees.
    pub const TIER_FEES: usize = 16;
    /// Length of a tier.
    pub const TIER_SIZE: usize = 40;
}

/// A pool's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PumpSwapPool {
    pub(super) address: Pubkey,
    pub(super) bump: u8,
    pub(super) index: u16,
    pub(super) creator: Pubkey,
    /// The token that is sold, and the one that it is paid in.
    pub(super) mints: [Mint; 2],
    pub(super) vaults: [Pubkey; 2],
    /// Who gets the creator's fee; none if it is the default address.
    pub(super) coin_creator: Pubkey,
    pub(super) is_mayhem: bool,
    /// True if its creator has set the rate of the creator's fee.
    pub(super) has_own_fee: bool,
}

impl PumpSwapPool {
    pub(crate) fn decode(address: Pubkey, data: &[u8]) -> Result<Self, DecodeError> {
        use pool_offset as at;
        let fields = Fields::anchor(address, data, POOL_SIZE, POOL_DISCRIMINATOR, "a PumpSwap pool")?;
        if fields.u8(at::IS_CASHBACK_COIN)? != 0 {
            let reason = "its creator's fee is given back to traders, on accounts of their own".to_owned();
            return Err(DecodeError::Unsupported { address, reason });
        }
        if fields.u128(at::VIRTUAL_QUOTE_RESERVES)? != 0 {
            let reason = "it counts reserves that it does not hold".to_owned();
            return Err(DecodeError::Unsupported { address, reason });
        }
        Ok(Self {
            address,
            bump: fields.u8(at::BUMP)?,
            index: fields.u16(at::INDEX)?,
            creator: fields.pubkey(at::CREATOR)?,
            mints: fields.mints(at::MINTS)?,
            vaults: fields.pubkeys(at::VAULTS)?,
            coin_creator: fields.pubkey(at::COIN_CREATOR)?,
            is_mayhem: fields.u8(at::IS_MAYHEM_MODE)? != 0,
            has_own_fee: fields.u64(at::CREATOR_FEE_BPS)? != 0,
        })
    }
}

/// The configuration that all pools share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GlobalConfig {
    pub(super) buy_disabled: bool,
    pub(super) sell_disabled: bool,
    pub(super) protocol_fee_recipient: Pubkey,
    /// The recipient of the protocol's fee in mayhem mode.
    pub(super) reserved_fee_recipient: Pubkey,
    pub(super) buyback_fee_recipient: Pubkey,
    /// The part of the protocol's fee that buys back, in ten-thousandths.
    pub(super) buyback: u64,
    /// True if a pool's own rate of the creator's fee is used.
    pub(super) creator_fee_configurable: bool,
}

impl GlobalConfig {
    pub(super) fn load(accounts: Lookup<'_, '_>) -> Result<Self, DecodeError> {
        use global_offset as at;
        let address = GLOBAL_CONFIG;
        let account = accounts(&address).ok_or(DecodeError::Missing { address })?;
        require_owner(address, account, PROGRAM_ID)?;
        let expected = "PumpSwap's configuration";
        let data = account.data.as_slice();
        let fields = Fields::anchor(address, data, at::END, GLOBAL_CONFIG_DISCRIMINATOR, expected)?;
        let flags = fields.u8(at::DISABLE_FLAGS)?;
        let configurable = data.len() > at::CREATOR_FEE_CONFIGURABLE;
        Ok(Self {
            buy_disabled: flags & BUY_DISABLED != 0,
            sell_disabled: flags & SELL_DISABLED != 0,
            protocol_fee_recipient: fields.pubkey(at::PROTOCOL_FEE_RECIPIENTS)?,
            reserved_fee_recipient: fields.pubkey(at::RESERVED_FEE_RECIPIENT)?,
            buyback_fee_recipient: fields.pubkey(at::BUYBACK_FEE_RECIPIENTS)?,
            buyback: fields.u64(at::BUYBACK_BASIS_POINTS)?,
            creator_fee_configurable: configurable && fields.u8(at::CREATOR_FEE_CONFIGURABLE)? != 0,
        })
    }
}

/// Rates of fees on the quote side, in ten-thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Rates {
    /// Stays in the pool.
    pub(super) liquidity: u64,
    pub(super) protocol: u64,
    pub(super) creator: u64,
}

/// The fees that all pools share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeeConfig {
    /// Those of pools that anybody has created.
    pub(super) flat: Rates,
    /// Those of pools of the Pump program that are paid in SOL, by market capitalisation, the lowest first.
    pub(super) tiers: Vec<(u128, Rates)>,
    /// Those of its pools that are paid in dollars.
    pub(super) stable_tiers: Vec<(u128, Rates)>,
}

impl FeeConfig {
    pub(super) fn load(accounts: Lookup<'_, '_>) -> Result<Self, DecodeError> {
        use fee_offset as at;
        let address = FEE_CONFIG;
        let account = accounts(&address).ok_or(DecodeError::Missing { address })?;
        require_owner(address, account, FEE_PROGRAM)?;
        let expected = "the fees of Pump's programs";
        let data = account.data.as_slice();
        let fields = Fields::anchor(address, data, at::TIERS, FEE_CONFIG_DISCRIMINATOR, expected)?;
        let flat = rates(&fields, at::FLAT_FEES)?;
        let (tiers, end) = tiers(&fields, address, at::TIERS)?;
        let (stable_tiers, _) = self::tiers(&fields, address, end)?;
        Ok(Self { flat, tiers, stable_tiers })
    }
}

fn rates(fields: &Fields<'_>, offset: usize) -> Result<Rates, DecodeError> {
    Ok(Rates {
        liquidity: fields.u64(offset)?,
        protocol: fields.u64(offset.saturating_add(8))?,
        creator: fields.u64(offset.saturating_add(16))?,
    })
}

/// A list of tiers, and where it ends.
fn tiers(
    fields: &Fields<'_>,
    address: Pubkey,
    offset: usize,
) -> Result<(Vec<(u128, Rates)>, usize), DecodeError> {
    let count = usize::try_from(fields.u32(offset)?).unwrap_or(usize::MAX);
    if count > TIERS_MAX {
        return Err(DecodeError::Inconsistent { address, reason: "the list of fees does not end" });
    }
    let mut end = offset.saturating_add(4);
    let mut tiers = Vec::with_capacity(count);
    for _ in 0..count {
        let fees = rates(fields, end.saturating_add(fee_offset::TIER_FEES))?;
        tiers.push((fields.u128(end)?, fees));
        end = end.saturating_add(fee_offset::TIER_SIZE);
    }
    Ok((tiers, end))
}
