//! Meteora DAMM v2: one range of concentrated liquidity, with scheduled, limiting and dynamic fees.

pub mod amounts;
mod base_fee;
mod curve;
pub mod instruction;
pub mod layout;
pub mod offset;
pub mod program;

use crate::account::{DecodeError, Lookup};
use crate::swap::Authority;
use crate::venue::{Curve, Pool, VenueProgram};
use curve::DammV2Curve;
use layout::DammV2Pool;
use order_core::{Mint, Pubkey};
use program::{AUTHORITY, AUTHORITY_BUMP, AUTHORITY_SEED, ERRORS, PROGRAM_ID, SLIPPAGE_EXCEEDED};
use std::sync::Arc;

pub(crate) const PROGRAM: VenueProgram = VenueProgram {
    address: PROGRAM_ID,
    pool_size: layout::POOL_SIZE,
    pool_discriminator: Some(layout::POOL_DISCRIMINATOR),
    mints_at: offset::MINTS,
    sorts_mints: false,
    errors: ERRORS,
    too_little_out: SLIPPAGE_EXCEEDED,
    too_much_in: SLIPPAGE_EXCEEDED,
    decode: |address, data| Ok(Arc::new(DammV2Pool::decode(address, data)?)),
};

impl Pool for DammV2Pool {
    fn mints(&self) -> [Mint; 2] {
        self.mints
    }

    fn vaults(&self) -> [Pubkey; 2] {
        self.vaults
    }

    fn authority(&self) -> Authority {
        Authority { address: AUTHORITY, seeds: vec![AUTHORITY_SEED.to_vec(), vec![AUTHORITY_BUMP]] }
    }

    /// The pool's own account tells everything but the tokens.
    fn dependencies(&self, _known: Lookup<'_, '_>) -> Vec<Pubkey> {
        self.mints.map(Mint::pubkey).to_vec()
    }

    fn swap_accounts(&self, _known: Lookup<'_, '_>) -> Vec<Pubkey> {
        Vec::new()
    }

    fn load(&self, _accounts: Lookup<'_, '_>) -> Result<Arc<dyn Curve>, DecodeError> {
        Ok(Arc::new(DammV2Curve::load(self)))
    }
}
