//! The lending vaults that hold the pools' tokens.

use super::program::VAULT_PROGRAM_ID;
use crate::account::{DecodeError, Discriminator, Fields, require_owner};
use crate::math::mul_div_floor;
use crate::swap::Authority;
use order_core::{Mint, Pubkey, derived_address};
use solana_account::Account;

/// Length of the account in bytes.
pub const SIZE: usize = 10_240;
/// Up to here the fields that are read; the rest is room for more.
const SIZE_MIN: usize = 1227;
/// First bytes of the account.
pub const DISCRIMINATOR: Discriminator = 0xd308_e82b_0298_7577_u64.to_be_bytes();

/// Where the fields of a vault's account are.
pub mod offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const ENABLED: usize = 8;
    pub const BUMPS: [usize; 2] = [9, 10];
    pub const TOTAL_AMOUNT: usize = 11;
    pub const TOKEN_VAULT: usize = 19;
    pub const TOKEN_MINT: usize = 83;
    pub const LP_MINT: usize = 115;
    pub const BASE: usize = 1107;
    pub const LOCKED_PROFIT: usize = 1203;
    pub const LAST_REPORT: usize = 1211;
    pub const DEGRADATION: usize = 1219;
}

/// The part of the locked profit that unlocks in a second is in units of one by this.
const DEGRADATION_ONE: u128 = 1_000_000_000_000;

/// First seed of a vault's address.
pub const VAULT_SEED: &[u8] = b"vault";

/// Where a vault keeps what it has not lent.
pub fn token_vault(vault: Pubkey) -> Pubkey {
    derived_address(&VAULT_PROGRAM_ID, &[b"token_vault", vault.as_ref()])
}

/// A vault's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LendingVault {
    /// Where it is.
    pub address: Pubkey,
    /// One that is not only pays out.
    pub enabled: bool,
    /// Total amount, with what it has lent.
    pub total_amount: u64,
    /// Where it keeps what it has not lent.
    pub token_vault: Pubkey,
    /// The token.
    pub mint: Mint,
    /// Mint of its shares.
    pub lp_mint: Pubkey,
    /// Profit that was not the share holders' yet at the last report.
    locked_profit: u64,
    /// In seconds since 1970.
    last_report: u64,
    degradation: u64,
    base: Pubkey,
    bump: u8,
}

impl LendingVault {
    /// Reads a vault's account.
    ///
    /// # Errors
    /// The account is no vault.
    pub fn decode(address: Pubkey, account: &Account) -> Result<Self, DecodeError> {
        use offset as at;
        let [bump, _] = at::BUMPS;
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
            base: fields.pubkey(at::BASE)?,
            bump: fields.u8(bump)?,
        })
    }

    /// Who signs for the vault's tokens and for its shares: the vault itself.
    pub fn authority(&self) -> Authority {
        let (mint, base) = (self.mint.to_bytes().to_vec(), self.base.to_bytes().to_vec());
        Authority { address: self.address, seeds: vec![VAULT_SEED.to_vec(), mint, base, vec![self.bump]] }
    }

    /// Amount that belongs to the share holders at a time, in seconds since 1970. None if the vault
    /// contradicts itself, or reports from the future.
    pub fn unlocked(&self, unix_time: u64) -> Option<u64> {
        let passed = u128::from(unix_time.checked_sub(self.last_report)?);
        let unlocked_part = passed.checked_mul(u128::from(self.degradation))?;
        let locked = match DEGRADATION_ONE.checked_sub(unlocked_part) {
            None => 0,
            Some(part) => u128::from(self.locked_profit).checked_mul(part)?.checked_div(DEGRADATION_ONE)?,
        };
        self.total_amount.checked_sub(u64::try_from(locked).ok()?)
    }
}

/// Worth of a vault's shares at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// Amount that belongs to the share holders.
    pub unlocked: u64,
    /// Number of shares.
    pub supply: u64,
}

impl Shares {
    /// Worth of a number of shares, rounded down. None if there are no shares.
    pub fn worth(self, shares: u64) -> Option<u64> {
        mul_div_floor(shares, self.unlocked, self.supply)
    }

    /// Number of shares that an amount is worth, rounded down. None if the vault is empty.
    pub fn of(self, amount: u64) -> Option<u64> {
        mul_div_floor(amount, self.supply, self.unlocked)
    }

    /// After an amount was paid in for so many new shares.
    pub(super) fn after_deposit(self, amount: u64, shares: u64) -> Option<Self> {
        let unlocked = self.unlocked.checked_add(amount)?;
        Some(Self { unlocked, supply: self.supply.checked_add(shares)? })
    }
}
