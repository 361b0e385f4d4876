//! Raydium CLMM: concentrated liquidity with limit orders, and a fee that may grow with the price's movements.

pub mod bitmap;
mod curve;
mod dynamic_fee;
pub mod instruction;
pub mod layout;
pub mod offset;
pub mod price;
pub mod program;
pub mod tick_array;

use crate::account::{DecodeError, Lookup};
use crate::swap::Authority;
use crate::venue::{Curve, Pool, VenueProgram};
use curve::ClmmCurve;
use layout::{ClmmPool, POOL_SEED};
use order_core::{Mint, Pubkey};
use program::{ERRORS, PROGRAM_ID, TOO_LITTLE_OUTPUT, TOO_MUCH_INPUT};
use std::sync::Arc;

pub(crate) const PROGRAM: VenueProgram = VenueProgram {
    address: PROGRAM_ID,
    pool_size: layout::POOL_SIZE,
    pool_discriminator: Some(layout::POOL_DISCRIMINATOR),
    mints_at: layout::pool_offset::MINTS,
    sorts_mints: true,
    errors: ERRORS,
    too_little_out: TOO_LITTLE_OUTPUT,
    too_much_in: TOO_MUCH_INPUT,
    decode: |address, data| Ok(Arc::new(ClmmPool::decode(address, data)?)),
};

impl Pool for ClmmPool {
    fn mints(&self) -> [Mint; 2] {
        self.mints
    }

    fn vaults(&self) -> [Pubkey; 2] {
        self.vaults
    }

    fn authority(&self) -> Authority {
        let [first, second] = self.mints.map(|mint| mint.to_bytes().to_vec());
        let seeds = vec![POOL_SEED.to_vec(), self.config.to_bytes().to_vec(), first, second, vec![self.bump]];
        Authority { address: self.address, seeds }
    }

    fn dependencies(&self, known: Lookup<'_, '_>) -> Vec<Pubkey> {
        let mut needed = vec![self.config];
        needed.extend(self.mints.map(Mint::pubkey));
        needed.extend(self.swap_accounts(known));
        needed
    }

    fn swap_accounts(&self, known: Lookup<'_, '_>) -> Vec<Pubkey> {
        let extension = self.extension(known).ok().flatten();
        let mut changing = self.arrays(extension.as_ref()).addresses();
        changing.extend(self.extension);
        changing
    }

    fn load(&self, accounts: Lookup<'_, '_>) -> Result<Arc<dyn Curve>, DecodeError> {
        Ok(Arc::new(ClmmCurve::load(self, accounts)?))
    }
}
