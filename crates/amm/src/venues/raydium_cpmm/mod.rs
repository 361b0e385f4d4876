//! Raydium CPMM: constant product, with a trade fee on the input and a creator's fee on either side.

mod curve;
mod instruction;
mod layout;
mod program;
mod seeding;

use crate::account::{DecodeError, Lookup};
use crate::program_error::{CONSTRAINT_ADDRESS, REQUIRE_GREATER_VIOLATED};
use crate::swap::{Authority, QuoteError};
use crate::venue::{Curve, Pool, VenueProgram};
use curve::CpmmCurve;
use layout::CpmmPool;
use order_core::{Mint, Pubkey};
use program::{
    AUTHORITY, AUTHORITY_BUMP, AUTHORITY_SEED, ERRORS, INSUFFICIENT_VAULT, NOT_APPROVED, PROGRAM_ID,
    SLIPPAGE_EXCEEDED, ZERO_TRADING_TOKENS,
};
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
    error_code,
    decode: |address, data| Ok(Arc::new(CpmmPool::decode(address, data)?)),
    decode_instruction: instruction::decode_instruction,
    seed: seeding::seed,
};

fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => CONSTRAINT_ADDRESS,
        QuoteError::Closed { .. } => NOT_APPROVED,
        QuoteError::ZeroAmount | QuoteError::NothingOut => REQUIRE_GREATER_VIOLATED,
        QuoteError::InsufficientLiquidity => INSUFFICIENT_VAULT,
        QuoteError::Overflow | QuoteError::Unsupported { .. } => ZERO_TRADING_TOKENS,
    }
}

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
