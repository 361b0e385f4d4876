//! Orca Whirlpool: concentrated liquidity with a fee on the input that stands still.

mod curve;
mod instruction;
mod layout;
mod price;
mod program;
mod seeding;
mod tick_array;

use crate::account::{DecodeError, Lookup};
use crate::program_error::CONSTRAINT_ADDRESS;
use crate::swap::{Authority, QuoteError};
use crate::venue::{Curve, Pool, VenueProgram};
use curve::WhirlpoolCurve;
use layout::{POOL_SEED, Whirlpool};
use order_core::{Mint, Pubkey};
use program::{
    AMOUNT_IN_ABOVE_MAXIMUM, AMOUNT_OUT_BELOW_MINIMUM, ERRORS, INVALID_TICK_ARRAY_SEQUENCE, PROGRAM_ID,
    TRADE_IS_NOT_ENABLED, ZERO_TRADABLE_AMOUNT,
};
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
    error_code,
    decode: |address, data| Ok(Arc::new(Whirlpool::decode(address, data)?)),
    decode_instruction: instruction::decode_instruction,
    seed: seeding::seed,
};

fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => CONSTRAINT_ADDRESS,
        QuoteError::Closed { .. } => TRADE_IS_NOT_ENABLED,
        QuoteError::ZeroAmount => ZERO_TRADABLE_AMOUNT,
        QuoteError::NothingOut => AMOUNT_OUT_BELOW_MINIMUM,
        QuoteError::InsufficientLiquidity | QuoteError::Overflow | QuoteError::Unsupported { .. } => {
            INVALID_TICK_ARRAY_SEQUENCE
        }
    }
}

impl Pool for Whirlpool {
    fn mints(&self) -> [Mint; 2] {
        self.mints
    }

    fn vaults(&self) -> [Pubkey; 2] {
        self.vaults
    }

    fn authority(&self) -> Authority {
        let [first, second] = self.mints.map(|mint| mint.to_bytes().to_vec());
        let tier = self.tick_spacing.to_le_bytes().to_vec();
        let config = self.config.to_bytes().to_vec();
        let seeds = vec![POOL_SEED.to_vec(), config, first, second, tier, vec![self.bump]];
        Authority { address: self.address, seeds }
    }

    fn moves_token_2022(&self) -> bool {
        false
    }

    fn dependencies(&self, _known: Lookup<'_, '_>) -> Vec<Pubkey> {
        let mut needed = self.mints.map(Mint::pubkey).to_vec();
        needed.extend(self.arrays.addresses());
        needed
    }

    fn swap_accounts(&self, _known: Lookup<'_, '_>) -> Vec<Pubkey> {
        self.arrays.addresses()
    }

    fn load(&self, accounts: Lookup<'_, '_>) -> Result<Arc<dyn Curve>, DecodeError> {
        Ok(Arc::new(WhirlpoolCurve::load(self, accounts)?))
    }
}
