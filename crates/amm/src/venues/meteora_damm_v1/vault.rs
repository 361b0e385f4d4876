use super::program::VAULT_PROGRAM_ID;
use crate::account::{DecodeError, Discriminator, Fields, require_owner};
use crate::math::mul_div_floor;
use order_core::{Mint, Pubkey};
use solana_account::Account;

pub(super) const SIZE: usize = 10_240;
/// Up to here the fields that are read; the rest is room for more.
pub(super) const SIZE_MIN: usize = 1227;
pub(super) const DISCRIMINATOR: Discriminator = 0xd308_e82b_0298_7577_u64.to_be_bytes();

/// Where the fields of a vault's account are.
pub(super) mod offset {
    pub(crate) const ENABLED: usize = 8;
    pub(crate) const BUMPS: [usize; 2] = [9, 10];
    pub(crate) const TOTAL_AMOUNT: usize = 11;
    pub(crate) const TOKEN_VAULT: usize = 19;
    pub(crate) const TOKEN_MINT: usize = 83;
    pub(crate) const LP_MINT: usize = 115;
    pub(crate) const BASE: usize = 1107;
    pub(crate) const LOCKED_PROFIT: usize = 1203;
    pub(crate) const LAST_REPORT: usize = 1211;
    pub(crate) const DEGRADATION: usize = 1219;
}

/// The part of the locked profit that unlocks in a second is in units of one by this.
const DEGRADATION_ONE: u128 = 1_000_000_000_000;

/// Where a vault keeps what it has not lent.
pub(super) fn token_vault(vault: Pubkey) -> Pubkey {
    Pubkey::find_program_address(&[b"token_vault", vault.as_ref()], &VAULT_PROGRAM_ID).0
}

/// A vault's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LendingVault {
    pub(super) address: Pubkey,
    /// One that is not only pays out.
    pub(super) enabled: bool,
    /// What it has, what it has lent included.
    pub(super) total_amount: u64,
    pub(super) token_vault: Pubkey,
    pub(super) mint: Mint,
    pub(super) lp_mint: Pubkey,
    /// Profit that was not the share holders' yet at the last report.
    locked_profit: u64,
    /// In seconds since 1970.
    last_report: u64,
    degradation: u64,
}

impl LendingVault {
    pub(super) fn decode(address: Pubkey, account: &Account) -> Result<Self, DecodeError> {
        use offset as at;
        require_owner(address, account, VAULT_PROGRAM_ID)?;
        let fields = Fields::anchor(address, &account.data, SIZE_MIN, DISCRIMINATOR, "a Meteora vault")?;
        Ok(Self {
            address,
            enabled: fields.u8(at::ENABLED)? != 0,
            total_amount: fields.u64(at::TOTAL_AMOUNT)?,
            token_vault: fields.pubkey(at::TOKEN_VAULT)?,
            mint: fields.pubkey(at::TOKEN_MINT)?.into(),
            lp_mint: fields.pubkey(at::LP_MINT)?,
            locked_profit: fields.u64(at::LOCKED_PROFIT)?,
            last_report: fields.u64(at::LAST_REPORT)?,
            degradation: fields.u64(at::DEGRADATION)?,
        })
    }

    /// What belongs to the share holders at a time. None if the vault contradicts itself, or reports from
    /// the future.
    pub(super) fn unlocked(&self, unix_time: u64) -> Option<u64> {
        let passed = u128::from(unix_time.checked_sub(self.last_report)?);
        let unlocked_part = passed.checked_mul(u128::from(self.degradation))?;
        let locked = match DEGRADATION_ONE.checked_sub(unlocked_part) {
            None => 0,
            Some(part) => u128::from(self.locked_profit).checked_mul(part)?.checked_div(DEGRADATION_ONE)?,
        };
        self.total_amount.checked_sub(u64::try_from(locked).ok()?)
    }
}

/// What shares of a vault are worth at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shares {
    /// What belongs to the share holders.
    pub(super) unlocked: u64,
    /// How many shares there are.
    pub(super) supply: u64,
}

impl Shares {
    /// What a number of shares is worth, rounded down. None if there are no shares.
    pub(super) fn worth(self, shares: u64) -> Option<u64> {
        mul_div_floor(shares, self.unlocked, self.supply)
    }

    /// How many shares an amount is worth, rounded down. None if the vault is empty.
    pub(super) fn of(self, amount: u64) -> Option<u64> {
        mul_div_floor(amount, self.supply, self.unlocked)
    }

    /// After an amount was paid in for so many new shares.
    pub(super) fn after_deposit(self, amount: u64, shares: u64) -> Option<Self> {
        let unlocked = self.unlocked.checked_add(amount)?;
        Some(Self { unlocked, supply: self.supply.checked_add(shares)? })
    }
}
