//! Calls of the program that keeps the lending vaults.

use crate::anchor::AnchorArguments;
use crate::bytes::put;
use amm::program_error::{ACCOUNT_DISCRIMINATOR_MISMATCH, ACCOUNT_NOT_ENOUGH_KEYS, CONSTRAINT_ADDRESS};
use amm::token::supply;
use amm::venues::meteora_damm_v1::program::VAULT_PROGRAM_ID;
use amm::venues::meteora_damm_v1::vault::{LendingVault, Shares, offset};
use amm::{Authority, Clock, DecodeError, Discriminator, token_program_id};
use order_core::token::Program;
use order_core::{Atoms, Pubkey};
use solana_account::Account;
use solana_instruction::{AccountMeta, Instruction};

const DEPOSIT: Discriminator = 0xf223_c689_52e1_f2b6_u64.to_be_bytes();
const WITHDRAW: Discriminator = 0xb712_469c_946d_a122_u64.to_be_bytes();

const ACCOUNTS: usize = 7;

const VAULT_IS_DISABLED: u32 = 6000;
const SLIPPAGE_EXCEEDED: u32 = 6001;
const MATH_OVERFLOW: u32 = 6011;

/// A call of the program of Meteora's vaults: its pools make them for a swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultCall {
    /// Pay tokens in, for new shares.
    Deposit {
        /// Amount paid in, in base units.
        amount: Atoms,
        /// The least shares to get for it.
        min_shares: Atoms,
    },
    /// Give shares back, for tokens.
    Withdraw {
        /// Number of shares that are given back.
        shares: Atoms,
        /// Least amount to get for them, in base units.
        min_amount: Atoms,
    },
}

/// The accounts of a call, by their part in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VaultAccounts {
    /// The vault.
    pub vault: Pubkey,
    /// Where the vault keeps what it has not lent.
    pub token_vault: Pubkey,
    /// The mint of its shares.
    pub lp_mint: Pubkey,
    /// Where the tokens come from or go to.
    pub user_token: Pubkey,
    /// Where the shares go to or come from.
    pub user_lp: Pubkey,
    /// Who owns both and signs.
    pub user: Pubkey,
}

/// Effects of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultChange {
    /// The tokens that move into the vault or out of it.
    pub amount: Atoms,
    /// The shares that are made or destroyed.
    pub shares: Atoms,
    /// Who signs for the vault's tokens and for its shares: the vault itself.
    pub authority: Authority,
    vault: Pubkey,
    /// Total amount of the vault after the call.
    total_amount: u64,
}

impl VaultCall {
    /// The program that is called.
    pub const PROGRAM_ID: Pubkey = VAULT_PROGRAM_ID;

    /// The call as an instruction.
    pub fn instruction(&self, accounts: &VaultAccounts) -> Instruction {
        let (discriminator, first, second) = match *self {
            Self::Deposit { amount, min_shares } => (DEPOSIT, amount, min_shares),
            Self::Withdraw { shares, min_amount } => (WITHDRAW, shares, min_amount),
        };
        let mut data = discriminator.to_vec();
        data.extend(first.get().to_le_bytes());
        data.extend(second.get().to_le_bytes());
        let VaultAccounts { vault, token_vault, lp_mint, user_token, user_lp, user } = *accounts;
        let changing = [vault, token_vault, lp_mint, user_token, user_lp];
        let mut accounts = changing.map(|address| AccountMeta::new(address, false)).to_vec();
        accounts.push(AccountMeta::new_readonly(user, true));
        accounts.push(AccountMeta::new_readonly(token_program_id(Program::SplToken), false));
        Instruction { program_id: VAULT_PROGRAM_ID, accounts, data }
    }

    /// Reads a call.
    ///
    /// # Errors
    /// The custom error code with which the program fails.
    pub fn decode(accounts: &[Pubkey], data: &[u8]) -> Result<(Self, VaultAccounts), u32> {
        let AnchorArguments { name, amounts: [first, second], rest: _ } =
            AnchorArguments::read(data, &[DEPOSIT, WITHDRAW])?;
        let call = if name == DEPOSIT {
            Self::Deposit { amount: first, min_shares: second }
        } else {
            Self::Withdraw { shares: first, min_amount: second }
        };
        let accounts: &[Pubkey; ACCOUNTS] = accounts.first_chunk().ok_or(ACCOUNT_NOT_ENOUGH_KEYS)?;
        let [vault, token_vault, lp_mint, user_token, user_lp, user, _token_program] = *accounts;
        Ok((call, VaultAccounts { vault, token_vault, lp_mint, user_token, user_lp, user }))
    }

    /// Executes the call, given the vault's account and the mint of its shares.
    ///
    /// # Errors
    /// The custom error code with which the program fails.
    pub fn execute(
        &self,
        accounts: &VaultAccounts,
        account: &Account,
        lp_mint: &Account,
        clock: Clock,
    ) -> Result<VaultChange, u32> {
        let unreadable = |_: DecodeError| ACCOUNT_DISCRIMINATOR_MISMATCH;
        let vault = LendingVault::decode(accounts.vault, account).map_err(unreadable)?;
        if vault.token_vault != accounts.token_vault || vault.lp_mint != accounts.lp_mint {
            return Err(CONSTRAINT_ADDRESS);
        }
        let supply = supply(accounts.lp_mint, lp_mint).map_err(unreadable)?;
        let unix_time = u64::try_from(clock.unix_timestamp).map_err(|_| MATH_OVERFLOW)?;
        let unlocked = vault.unlocked(unix_time).ok_or(MATH_OVERFLOW)?;
        let (amount, shares, total) = self.exchange(&vault, Shares { unlocked, supply })?;
        Ok(VaultChange {
            amount: Atoms::new(amount),
            shares: Atoms::new(shares),
            authority: vault.authority(),
            vault: accounts.vault,
            total_amount: total,
        })
    }

    /// Tokens, shares, and what the vault has afterwards.
    fn exchange(&self, vault: &LendingVault, all: Shares) -> Result<(u64, u64, u64), u32> {
        let (amount, shares, total, met) = match *self {
            Self::Deposit { .. } if !vault.enabled => return Err(VAULT_IS_DISABLED),
            Self::Deposit { amount, min_shares } => {
                let shares = all.of(amount.get()).ok_or(MATH_OVERFLOW)?;
                let total = vault.total_amount.checked_add(amount.get());
                (amount.get(), shares, total, shares >= min_shares.get())
            }
            Self::Withdraw { shares, min_amount } => {
                let amount = all.worth(shares.get()).ok_or(MATH_OVERFLOW)?;
                let total = vault.total_amount.checked_sub(amount);
                (amount, shares.get(), total, amount >= min_amount.get())
            }
        };
        if met { Ok((amount, shares, total.ok_or(MATH_OVERFLOW)?)) } else { Err(SLIPPAGE_EXCEEDED) }
    }
}

impl VaultChange {
    /// Changes the bytes of the vault's account as the program does.
    ///
    /// # Errors
    /// The bytes are too short to be a vault's.
    pub fn apply(&self, data: &mut [u8]) -> Result<(), DecodeError> {
        let length = data.len();
        let fitted = put(data, offset::TOTAL_AMOUNT, &self.total_amount.to_le_bytes());
        let needed = offset::TOTAL_AMOUNT;
        if fitted { Ok(()) } else { Err(DecodeError::TooShort { address: self.vault, length, needed }) }
    }
}
