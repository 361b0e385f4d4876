//! Meteora DLMM: liquidity in bins of one price each, with a fee that grows with the market's movement.

pub mod bin_array;
pub mod bitmap;
mod curve;
mod fee;
pub mod instruction;
pub mod layout;
mod loaded;
pub mod price;
pub mod program;
mod reach;
mod totals;
mod walk;

use crate::account::{DecodeError, Lookup};
use crate::swap::Authority;
use crate::venue::{Curve, Pool, VenueProgram};
use curve::DlmmCurve;
use layout::DlmmPool;
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
    decode: |address, data| Ok(Arc::new(DlmmPool::decode(address, data)?)),
};

impl Pool for DlmmPool {
    fn mints(&self) -> [Mint; 2] {
        self.mints
    }

    fn vaults(&self) -> [Pubkey; 2] {
        self.vaults
    }

    fn authority(&self) -> Authority {
        self.authority.clone()
    }

    fn dependencies(&self, known: Lookup<'_, '_>) -> Vec<Pubkey> {
        let mut needed = self.mints.map(Mint::pubkey).to_vec();
        needed.extend(self.swap_accounts(known));
        needed
    }

    fn swap_accounts(&self, known: Lookup<'_, '_>) -> Vec<Pubkey> {
        let extended = self.extended(known).ok();
        let arrays = extended.as_ref().map_or(&self.arrays, |pool| &pool.arrays);
        let mut changing: Vec<Pubkey> = arrays.iter().map(|array| array.address).collect();
        changing.extend(self.extension);
        changing
    }

    fn load(&self, accounts: Lookup<'_, '_>) -> Result<Arc<dyn Curve>, DecodeError> {
        Ok(Arc::new(DlmmCurve::load(self, accounts)?))
    }
}
