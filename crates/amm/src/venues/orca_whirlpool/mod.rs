//! Orca Whirlpool: concentrated liquidity with a fee on the input, which may grow with the price's movements.

mod curve;
pub mod instruction;
pub mod layout;
pub mod oracle;
pub mod price;
pub mod program;
pub mod tick_array;

use crate::account::{DecodeError, Lookup};
use crate::swap::Authority;
use crate::venue::{Curve, Pool, VenueProgram};
use curve::WhirlpoolCurve;
use layout::{POOL_SEED, Whirlpool};
use order_core::{Mint, Pubkey};
use program::{AMOUNT_IN_ABOVE_MAXIMUM, AMOUNT_OUT_BELOW_MINIMUM, ERRORS, PROGRAM_ID};
use std::sync::Arc;

pub(crate) const PROGRAM: VenueProgram = VenueProgram {
    address: PROGRAM_ID,
    pool_size: layout::POOL_SIZE,
    pool_discriminator: Some(layout::POOL_DISCRIMINATOR),
    mints_at: layout::offset::MINTS,
    sorts_mints: true,
    errors: ERRORS,
    too_little_out: AMOUNT_OUT_BELOW_MINIMUM,
    too_much_in: AMOUNT_IN_ABOVE_MAXIMUM,
    decode: |address, data| Ok(Arc::new(Whirlpool::decode(address, data)?)),
};

impl Pool for Whirlpool {
    fn mints(&self) -> [Mint; 2] {
        self.mints
    }

    fn vaults(&self) -> [Pubkey; 2] {
        self.vaults
    }

    fn authority(&self) -> Authority {
        let [first, second] = self.mints.map(|mint| mint.to_bytes().to_vec());
        let tier = self.tier.to_le_bytes().to_vec();
        let config = self.config.to_bytes().to_vec();
        let seeds = vec![POOL_SEED.to_vec(), config, first, second, tier, vec![self.bump]];
        Authority { address: self.address, seeds }
    }

    fn dependencies(&self, known: Lookup<'_, '_>) -> Vec<Pubkey> {
        let mut needed = self.mints.map(Mint::pubkey).to_vec();
        needed.extend(self.swap_accounts(known));
        needed
    }

    fn swap_accounts(&self, _known: Lookup<'_, '_>) -> Vec<Pubkey> {
        let mut changing = self.arrays.addresses();
        changing.extend(self.is_adaptive().then_some(self.oracle));
        changing
    }

    fn load(&self, accounts: Lookup<'_, '_>) -> Result<Arc<dyn Curve>, DecodeError> {
        Ok(Arc::new(WhirlpoolCurve::load(self, accounts)?))
    }
}
