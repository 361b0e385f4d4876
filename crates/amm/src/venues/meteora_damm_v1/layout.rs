//! Layouts of the program's accounts.

use super::vault::{self, LendingVault};
use crate::account::{DecodeError, Discriminator, Fields, Lookup};
use crate::clock::TimeUnit;
use order_core::{Mint, Pubkey};

/// Length of a pool's account today, in bytes; older ones are longer, and are followed by name.
pub const POOL_SIZE: usize = 952;
/// Up to here all pools of constant product are alike.
const POOL_SIZE_MIN: usize = 875;
/// The second version of the program has the same: the owner tells them apart.
pub const POOL_DISCRIMINATOR: Discriminator = 0xf19a_6d04_11b1_6dbc_u64.to_be_bytes();

/// Where the fields of a pool's account are.
pub mod offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const LP_MINT: usize = 8;
    pub const MINTS: [usize; 2] = [40, 72];
    pub const VAULTS: [usize; 2] = [104, 136];
    pub const VAULT_LPS: [usize; 2] = [168, 200];
    pub const VAULT_LP_BUMP: usize = 232;
    pub const ENABLED: usize = 233;
    pub const PROTOCOL_FEE_ACCOUNTS: [usize; 2] = [234, 266];
    pub const TRADE_FEE: [usize; 2] = [330, 338];
    pub const PROTOCOL_FEE: [usize; 2] = [346, 354];
    pub const POOL_TYPE: usize = 362;
    pub const ACTIVATION_POINT: usize = 403;
    pub const ACTIVATION_TYPE: usize = 475;
    pub const CURVE_TYPE: usize = 874;
}

/// A fee: rounded down, but at least one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DammV1Fee {
    /// Not more than the denominator.
    pub(super) numerator: u64,
    pub(super) denominator: u64,
}

/// A pool's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DammV1Pool {
    pub(super) address: Pubkey,
    pub(super) mints: [Mint; 2],
    pub(super) lending_vaults: [Pubkey; 2],
    /// Where the vaults keep what they have not lent.
    pub(super) token_vaults: [Pubkey; 2],
    /// Where the pool keeps its shares of the vaults; the first also signs for the pool.
    pub(super) vault_lps: [Pubkey; 2],
    pub(super) vault_lp_bump: u8,
    /// Who receives the protocol's part of the fee, by the token that goes in.
    pub(super) protocol_fee_accounts: [Pubkey; 2],
    pub(super) enabled: bool,
    pub(super) activation: TimeUnit,
    pub(super) activation_point: u64,
    pub(super) trade_fee: DammV1Fee,
    /// Of the trade fee, not of the amount.
    pub(super) protocol_fee: DammV1Fee,
}

impl DammV1Pool {
    pub(super) fn decode(address: Pubkey, data: &[u8]) -> Result<Self, DecodeError> {
        use offset as at;
        let fields =
            Fields::anchor(address, data, POOL_SIZE_MIN, POOL_DISCRIMINATOR, "a Meteora DAMM v1 pool")?;
        let unsupported = |reason| DecodeError::Unsupported { address, reason };
        match fields.u8(at::CURVE_TYPE)? {
            0 => {}
            1 => return Err(unsupported("a curve for tokens of one worth".to_owned())),
            other => return Err(unsupported(format!("a curve of type {other}"))),
        }
        let fee = |offsets: [usize; 2]| {
            let [numerator, denominator] = fields.u64s(offsets)?;
            let fee = DammV1Fee { numerator, denominator };
            let reason = "a fee is more than the amount";
            let sound = fee.denominator > 0 && fee.numerator <= fee.denominator;
            if sound { Ok(fee) } else { Err(DecodeError::Inconsistent { address, reason }) }
        };
        let lending_vaults = fields.pubkeys(at::VAULTS)?;
        Ok(Self {
            address,
            mints: fields.mints(at::MINTS)?,
            lending_vaults,
            token_vaults: lending_vaults.map(vault::token_vault),
            vault_lps: fields.pubkeys(at::VAULT_LPS)?,
            vault_lp_bump: fields.u8(at::VAULT_LP_BUMP)?,
            protocol_fee_accounts: fields.pubkeys(at::PROTOCOL_FEE_ACCOUNTS)?,
            enabled: fields.u8(at::ENABLED)? != 0,
            activation: TimeUnit::decode(address, fields.u8(at::ACTIVATION_TYPE)?)?,
            activation_point: fields.u64(at::ACTIVATION_POINT)?,
            trade_fee: fee(at::TRADE_FEE)?,
            protocol_fee: fee(at::PROTOCOL_FEE)?,
        })
    }

    /// The share tokens, as far as the vaults that name them are known.
    pub(super) fn lp_mints(&self, known: Lookup<'_, '_>) -> Vec<Pubkey> {
        let vaults = self.lending_vaults.into_iter();
        vaults.filter_map(|vault| Some(LendingVault::decode(vault, known(&vault)?).ok()?.lp_mint)).collect()
    }
}
