//! Raydium AMM v4: constant product with a fee on the input; its older pools were tied to an order book.

mod curve;
pub mod instruction;
pub mod layout;
pub mod program;

use crate::account::{DecodeError, Lookup};
use crate::swap::Authority;
use crate::venue::{Curve, Pool, VenueProgram};
use curve::AmmV4Curve;
use layout::{AmmV4Pool, AmmV4Status};
use order_core::{Mint, Pubkey};
use program::{AUTHORITY_SEED, ERRORS, PROGRAM_ID, SLIPPAGE_EXCEEDED};
use std::sync::Arc;

pub(crate) const PROGRAM: VenueProgram = VenueProgram {
    address: PROGRAM_ID,
    pool_size: layout::POOL_SIZE,
    pool_discriminator: None,
    mints_at: layout::offset::MINTS,
    sorts_mints: false,
    errors: ERRORS,
    too_little_out: SLIPPAGE_EXCEEDED,
    too_much_in: SLIPPAGE_EXCEEDED,
    decode: |address, data| Ok(Arc::new(AmmV4Pool::decode(address, data)?)),
};

impl Pool for AmmV4Pool {
    fn mints(&self) -> [Mint; 2] {
        self.mints
    }

    fn vaults(&self) -> [Pubkey; 2] {
        self.vaults
    }

    fn authority(&self) -> Authority {
        Authority { address: self.authority, seeds: vec![AUTHORITY_SEED.to_vec(), vec![self.nonce]] }
    }

    fn moves_token_2022(&self) -> bool {
        false
    }

    fn dependencies(&self, _known: Lookup<'_, '_>) -> Vec<Pubkey> {
        let [first, second] = self.vaults;
        let [mint_first, mint_second] = self.mints.map(Mint::pubkey);
        let mut needed = vec![first, second, mint_first, mint_second];
        if let AmmV4Status::OrderBook { open_orders, .. } = self.status {
            needed.push(open_orders);
        }
        needed
    }

    fn swap_accounts(&self, _known: Lookup<'_, '_>) -> Vec<Pubkey> {
        self.vaults.to_vec()
    }

    fn load(&self, accounts: Lookup<'_, '_>) -> Result<Arc<dyn Curve>, DecodeError> {
        Ok(Arc::new(AmmV4Curve::load(self, accounts)?))
    }
}
