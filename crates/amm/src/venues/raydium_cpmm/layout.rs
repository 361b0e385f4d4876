//! Layouts of the program's accounts.

use super::program::PROGRAM_ID;
use crate::account::{DecodeError, Discriminator, Fields, Lookup, existing, require_owner};
use order_core::{Mint, Pubkey};

/// Length of a pool's account in bytes.
pub const POOL_SIZE: usize = 637;
/// First bytes of a pool's account.
pub const POOL_DISCRIMINATOR: Discriminator = 0xf7ed_e3f5_d7c3_de46_u64.to_be_bytes();
/// Length of a fee configuration's account in bytes.
pub const CONFIG_SIZE: usize = 236;
/// Accounts that were made before the creator's fee existed may end before it.
const CONFIG_SIZE_MIN: usize = 108;
/// First bytes of a fee configuration's account.
pub const CONFIG_DISCRIMINATOR: Discriminator = 0xdaf4_2168_cbcb_2b6f_u64.to_be_bytes();

/// The bit of the status that stops swaps.
const STATUS_SWAP_DISABLED: u8 = 1 << 2;

/// Where the fields of a pool's account are.
pub mod pool_offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const CONFIG: usize = 8;
    pub const VAULTS: [usize; 2] = [72, 104];
    pub const MINTS: [usize; 2] = [168, 200];
    pub const TOKEN_PROGRAMS: [usize; 2] = [232, 264];
    pub const OBSERVATION: usize = 296;
    pub const AUTHORITY_BUMP: usize = 328;
    pub const STATUS: usize = 329;
    pub const LP_DECIMALS: usize = 330;
    pub const DECIMALS: [usize; 2] = [331, 332];
    pub const PROTOCOL_FEES: [usize; 2] = [341, 349];
    pub const FUND_FEES: [usize; 2] = [357, 365];
    pub const OPEN_TIME: usize = 373;
    pub const CREATOR_FEE_ON: usize = 389;
    pub const ENABLE_CREATOR_FEE: usize = 390;
    pub const CREATOR_FEES: [usize; 2] = [397, 405];
}

/// Where the fields of a fee configuration are.
pub mod config_offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const BUMP: usize = 8;
    pub const INDEX: usize = 10;
    pub const TRADE_FEE_RATE: usize = 12;
    pub const PROTOCOL_FEE_RATE: usize = 20;
    pub const FUND_FEE_RATE: usize = 28;
    pub const CREATOR_FEE_RATE: usize = 108;
}

/// Fees that are in the vaults and no longer the pool's, in base units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct OwedFees {
    pub(super) protocol: u64,
    pub(super) fund: u64,
    pub(super) creator: u64,
}

/// On which side of a swap the creator's fee is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CreatorFeeOn {
    Input,
    /// Only in the first token.
    FirstToken,
    /// Only in the second token.
    SecondToken,
}

/// A pool's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CpmmPool {
    pub(super) address: Pubkey,
    pub(super) config: Pubkey,
    pub(super) vaults: [Pubkey; 2],
    pub(super) mints: [Mint; 2],
    pub(super) observation: Pubkey,
    pub(super) swap_disabled: bool,
    pub(super) owed: [OwedFees; 2],
    pub(super) open_time: u64,
    pub(super) creator_fee_on: CreatorFeeOn,
    pub(super) creator_fee_enabled: bool,
}

impl CpmmPool {
    pub(crate) fn decode(address: Pubkey, data: &[u8]) -> Result<Self, DecodeError> {
        use pool_offset as at;
        let fields = Fields::anchor(address, data, POOL_SIZE, POOL_DISCRIMINATOR, "a Raydium CPMM pool")?;
        let creator_fee_on = match fields.u8(at::CREATOR_FEE_ON)? {
            0 => CreatorFeeOn::Input,
            1 => CreatorFeeOn::FirstToken,
            2 => CreatorFeeOn::SecondToken,
            other => {
                let reason = format!("a creator's fee on side {other}");
                return Err(DecodeError::Unsupported { address, reason });
            }
        };
        let [protocol, fund] = [fields.u64s(at::PROTOCOL_FEES)?, fields.u64s(at::FUND_FEES)?];
        let creator = fields.u64s(at::CREATOR_FEES)?;
        let owed = |[protocol, fund, creator]: [u64; 3]| OwedFees { protocol, fund, creator };
        Ok(Self {
            address,
            config: fields.pubkey(at::CONFIG)?,
            vaults: fields.pubkeys(at::VAULTS)?,
            mints: fields.mints(at::MINTS)?,
            observation: fields.pubkey(at::OBSERVATION)?,
            swap_disabled: fields.u8(at::STATUS)? & STATUS_SWAP_DISABLED != 0,
            owed: [owed([protocol[0], fund[0], creator[0]]), owed([protocol[1], fund[1], creator[1]])],
            open_time: fields.u64(at::OPEN_TIME)?,
            creator_fee_on,
            creator_fee_enabled: fields.u8(at::ENABLE_CREATOR_FEE)? != 0,
        })
    }
}

/// The fee rates that many pools share, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CpmmConfig {
    pub(super) trade_fee_rate: u64,
    /// Of the trade fee, not of the amount.
    pub(super) protocol_fee_rate: u64,
    /// Of the trade fee, not of the amount.
    pub(super) fund_fee_rate: u64,
    pub(super) creator_fee_rate: u64,
}

impl CpmmConfig {
    pub(super) fn load(address: Pubkey, accounts: Lookup<'_, '_>) -> Result<Self, DecodeError> {
        use config_offset as at;
        let account = existing(address, accounts)?;
        require_owner(address, account, PROGRAM_ID)?;
        let data = account.data.as_slice();
        let expected = "a Raydium CPMM fee configuration";
        let fields = Fields::anchor(address, data, CONFIG_SIZE_MIN, CONFIG_DISCRIMINATOR, expected)?;
        let has_creator_fee = data.len() >= at::CREATOR_FEE_RATE.saturating_add(8);
        Ok(Self {
            trade_fee_rate: fields.u64(at::TRADE_FEE_RATE)?,
            protocol_fee_rate: fields.u64(at::PROTOCOL_FEE_RATE)?,
            fund_fee_rate: fields.u64(at::FUND_FEE_RATE)?,
            creator_fee_rate: if has_creator_fee { fields.u64(at::CREATOR_FEE_RATE)? } else { 0 },
        })
    }
}
