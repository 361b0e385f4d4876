//! Meteora DAMM v2: one range of concentrated liquidity, with scheduled, limiting and dynamic fees.

mod base_fee;
mod curve;
mod instruction;
mod layout;
mod offset;
mod program;
mod seeding;

use crate::account::{DecodeError, Lookup};
use crate::program_error::CONSTRAINT_ADDRESS;
use crate::swap::{Authority, QuoteError};
use crate::venue::{Curve, Pool, VenueProgram};
use curve::DammV2Curve;
use layout::DammV2Pool;
use order_core::{Mint, Pubkey};
use program::{
    AMOUNT_IS_ZERO, AUTHORITY, AUTHORITY_BUMP, AUTHORITY_SEED, ERRORS, MATH_OVERFLOW, POOL_DISABLED,
    PRICE_RANGE_VIOLATION, PROGRAM_ID, SLIPPAGE_EXCEEDED,
};
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
    error_code,
    decode: |address, data| Ok(Arc::new(DammV2Pool::decode(address, data)?)),
    decode_instruction: instruction::decode_instruction,
    seed: seeding::seed,
};

fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => CONSTRAINT_ADDRESS,
        QuoteError::Closed { .. } => POOL_DISABLED,
        QuoteError::ZeroAmount | QuoteError::NothingOut => AMOUNT_IS_ZERO,
        QuoteError::InsufficientLiquidity => PRICE_RANGE_VIOLATION,
        QuoteError::Overflow | QuoteError::Unsupported { .. } => MATH_OVERFLOW,
    }
}

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
