//! Raydium CPMM: constant product, with a trade fee on the input and a creator's fee on either side.

mod curve;
pub mod instruction;
pub mod layout;
pub mod program;

use crate::account::{DecodeError, Lookup};
use crate::swap::Authority;
use crate::venue::{Curve, Pool, VenueProgram};
use curve::CpmmCurve;
use layout::CpmmPool;
use order_core::{Mint, Pubkey};
use program::{AUTHORITY, AUTHORITY_BUMP, AUTHORITY_SEED, ERRORS, PROGRAM_ID, SLIPPAGE_EXCEEDED};
use std::sync::Arc;

pub(crate) const PROGRAM: VenueProgram = VenueProgram {
    address: PROGRAM_ID,
    pool_size: layout::POOL_SIZE,
    pool_discriminator: Some(layout::POOL_DISCRIMINATOR),
    mints_at: layout::pool_offset::MINTS,
    sorts_mints: true,
    errors: ERRORS,
    too_little_out: SLIPPAGE_EXCEEDED,
    too_much_in: SLIPPAGE_EXCEEDED,
    decode: |address, data| Ok(Arc::new(CpmmPool::decode(address, data)?)),
};

impl Pool for CpmmPool {
    fn mints(&self) -> [Mint; 2] {
        self.mints
    }

    fn vaults(&self) -> [Pubkey; 2] {
        self.vaults
    }

    fn authority(&self) -> Authority {
        Authority { address: AUTHORITY, seeds: vec![AUTHORITY_SEED.to_vec(), vec![AUTHORITY_BUMP]] }
    }

    fn dependencies(&self, _known: Lookup<'_, '_>) -> Vec<Pubkey> {
        let [first, second] = self.vaults;
        let [mint_first, mint_second] = self.mints.map(Mint::pubkey);
        vec![self.config, first, second, mint_first, mint_second]
    }

    fn swap_accounts(&self, _known: Lookup<'_, '_>) -> Vec<Pubkey> {
        self.vaults.to_vec()
    }

    fn load(&self, accounts: Lookup<'_, '_>) -> Result<Arc<dyn Curve>, DecodeError> {
        Ok(Arc::new(CpmmCurve::load(self, accounts)?))
    }
}
