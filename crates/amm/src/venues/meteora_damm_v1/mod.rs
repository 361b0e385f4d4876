//! Meteora DAMM v1: constant product over shares of two lending vaults. A swap deposits into one vault and
//! withdraws from the other, so it changes the vaults, their share tokens, and the pool's holdings of them.

mod curve;
pub mod instruction;
pub mod layout;
pub mod program;
pub mod vault;

use crate::account::{DecodeError, Lookup};
use crate::swap::Authority;
use crate::venue::{Curve, Pool, VenueProgram};
use curve::DammV1Curve;
use layout::DammV1Pool;
use order_core::{Mint, Pubkey};
use program::{ERRORS, PROGRAM_ID, SLIPPAGE_EXCEEDED};
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
    decode: |address, data| Ok(Arc::new(DammV1Pool::decode(address, data)?)),
};

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

    fn moves_token_2022(&self) -> bool {
        false
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
