//! PumpSwap: constant product, with fees on the quote token that follow from the token's market capitalisation.

mod curve;
mod fees;
pub mod instruction;
pub mod layout;
pub mod program;

use crate::account::{DecodeError, Lookup};
use crate::swap::Authority;
use crate::venue::{Curve, Pool, VenueProgram};
use curve::PumpSwapCurve;
use instruction::fee_accounts;
use layout::{GlobalConfig, PumpSwapPool};
use order_core::{Mint, Pubkey};
use program::{ERRORS, EXCEEDED_SLIPPAGE, FEE_CONFIG, GLOBAL_CONFIG, PROGRAM_ID, TOO_LITTLE_BASE};
use std::sync::Arc;

pub(crate) const PROGRAM: VenueProgram = VenueProgram {
    address: PROGRAM_ID,
    pool_size: layout::POOL_SIZE,
    pool_discriminator: Some(layout::POOL_DISCRIMINATOR),
    mints_at: layout::pool_offset::MINTS,
    sorts_mints: false,
    errors: ERRORS,
    too_little_out: TOO_LITTLE_BASE,
    too_much_in: EXCEEDED_SLIPPAGE,
    decode: |address, data| Ok(Arc::new(PumpSwapPool::decode(address, data)?)),
};

impl Pool for PumpSwapPool {
    fn mints(&self) -> [Mint; 2] {
        self.mints
    }

    fn vaults(&self) -> [Pubkey; 2] {
        self.vaults
    }

    fn authority(&self) -> Authority {
        let [base, quote] = self.mints.map(|mint| mint.to_bytes().to_vec());
        let (index, creator) = (self.index.to_le_bytes().to_vec(), self.creator.to_bytes().to_vec());
        let seeds = vec![b"pool".to_vec(), index, creator, base, quote, vec![self.bump]];
        Authority { address: self.address, seeds }
    }

    fn dependencies(&self, known: Lookup<'_, '_>) -> Vec<Pubkey> {
        let [base, quote] = self.vaults;
        let [mint_base, mint_quote] = self.mints.map(Mint::pubkey);
        let mut needed = vec![GLOBAL_CONFIG, FEE_CONFIG, base, quote, mint_base, mint_quote];
        if let Ok(config) = GlobalConfig::load(known) {
            needed.extend(fee_accounts(self, &config));
        }
        needed
    }

    fn swap_accounts(&self, _known: Lookup<'_, '_>) -> Vec<Pubkey> {
        self.vaults.to_vec()
    }

    fn counts_transfer_fees(&self) -> bool {
        false
    }

    fn load(&self, accounts: Lookup<'_, '_>) -> Result<Arc<dyn Curve>, DecodeError> {
        Ok(Arc::new(PumpSwapCurve::load(self, accounts)?))
    }
}
