//! Meteora DAMM v1: constant product over shares of two lending vaults. A swap deposits into one vault and
//! withdraws from the other, so it changes the vaults, their share tokens, and the pool's holdings of them.

mod curve;
mod instruction;
mod layout;
mod program;
mod seeding;
mod vault;
mod vault_call;

pub use vault_call::{VaultAccounts, VaultCall, VaultChange};

use crate::account::{DecodeError, Lookup};
use crate::program_error::CONSTRAINT_ADDRESS;
use crate::swap::{Authority, QuoteError};
use crate::venue::{Curve, Pool, VenueProgram};
use curve::DammV1Curve;
use layout::DammV1Pool;
use order_core::{Mint, Pubkey};
use program::{
    AMOUNT_IS_ZERO, ERRORS, INVALID_CALCULATION, MATH_OVERFLOW, POOL_DISABLED, PROGRAM_ID, SLIPPAGE_EXCEEDED,
    UNSUPPORTED_OPERATION,
};
use std::sync::Arc;

pub(crate) const PROGRAM: VenueProgram = VenueProgram {
    address: PROGRAM_ID,
    pool_size: layout::POOL_SIZE,
    pool_discriminator: Some(layout::POOL_DISCRIMINATOR),
    mints_at: layout::offset::MINTS,
    sorts_mints: false,
    errors: ERRORS,
    too_little_out: SLIPPAGE_EXCEEDED,
    too_much_in: SLIPPAGE_EXCEEDED,
    error_code,
    decode: |address, data| Ok(Arc::new(DammV1Pool::decode(address, data)?)),
    decode_instruction: instruction::decode_instruction,
    seed: seeding::seed,
};

fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => CONSTRAINT_ADDRESS,
        QuoteError::Closed { .. } => POOL_DISABLED,
        QuoteError::ZeroAmount | QuoteError::NothingOut => AMOUNT_IS_ZERO,
        QuoteError::InsufficientLiquidity => INVALID_CALCULATION,
        QuoteError::Overflow => MATH_OVERFLOW,
        QuoteError::Unsupported { .. } => UNSUPPORTED_OPERATION,
    }
}

impl Pool for DammV1Pool {
    fn mints(&self) -> [Mint; 2] {
        self.mints
    }

    fn vaults(&self) -> [Pubkey; 2] {
        self.token_vaults
    }

    /// The vaults are shared with other pools.
    fn holdings(&self) -> [Pubkey; 2] {
        self.vault_lps
    }

    /// It signs for the pool's shares: the vaults sign for their tokens themselves.
    fn authority(&self) -> Authority {
        let [vault, _] = self.lending_vaults;
        let [address, _] = self.vault_lps;
        let seeds = vec![vault.as_ref().to_vec(), self.address.as_ref().to_vec(), vec![self.vault_lp_bump]];
        Authority { address, seeds }
    }

    fn dependencies(&self, known: Lookup<'_, '_>) -> Vec<Pubkey> {
        let mut needed = self.mints.map(Mint::pubkey).to_vec();
        needed.extend(self.swap_accounts(known));
        needed
    }

    /// A vault changes with the swaps of every pool that has a share of it, and with its lending.
    fn swap_accounts(&self, known: Lookup<'_, '_>) -> Vec<Pubkey> {
        let mut changing = [self.lending_vaults, self.token_vaults, self.vault_lps].concat();
        changing.extend(self.lp_mints(known));
        changing
    }

    fn load(&self, accounts: Lookup<'_, '_>) -> Result<Arc<dyn Curve>, DecodeError> {
        Ok(Arc::new(DammV1Curve::load(self, accounts)?))
    }
}
