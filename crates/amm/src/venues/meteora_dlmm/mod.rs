//! Meteora DLMM: liquidity in bins of one price each, with a fee that grows with the market's movement.

mod bin_array;
mod curve;
mod fee;
mod instruction;
mod layout;
mod loaded;
mod price;
mod program;
mod reach;
mod seeding;
mod totals;
mod walk;

use crate::account::{DecodeError, Lookup};
use crate::program_error::{ACCOUNT_NOT_ENOUGH_KEYS, CONSTRAINT_ADDRESS};
use crate::swap::{Authority, QuoteError};
use crate::venue::{Curve, Pool, VenueProgram};
use curve::DlmmCurve;
use layout::DlmmPool;
use order_core::{Mint, Pubkey};
use program::{
    ERRORS, EXTENSION_NOT_PROVIDED, INSUFFICIENT_LIQUIDITY, INSUFFICIENT_OUT_AMOUNT, NEEDS_EXTENSION,
    NEEDS_MORE_ARRAYS, POOL_DISABLED, PROGRAM_ID, SLIPPAGE_EXCEEDED, UNDETERMINED,
};
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
    error_code,
    decode: |address, data| Ok(Arc::new(DlmmPool::decode(address, data)?)),
    decode_instruction: instruction::decode_instruction,
    seed: seeding::seed,
};

fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => CONSTRAINT_ADDRESS,
        QuoteError::Closed { .. } => POOL_DISABLED,
        QuoteError::ZeroAmount | QuoteError::NothingOut => INSUFFICIENT_OUT_AMOUNT,
        QuoteError::InsufficientLiquidity => INSUFFICIENT_LIQUIDITY,
        QuoteError::Unsupported { reason } if *reason == NEEDS_MORE_ARRAYS => ACCOUNT_NOT_ENOUGH_KEYS,
        QuoteError::Unsupported { reason } if *reason == NEEDS_EXTENSION => EXTENSION_NOT_PROVIDED,
        QuoteError::Unsupported { .. } | QuoteError::Overflow => UNDETERMINED,
    }
}

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

    fn swap_accounts(&self, _known: Lookup<'_, '_>) -> Vec<Pubkey> {
        self.arrays.iter().map(|array| array.address).collect()
    }

    fn load(&self, accounts: Lookup<'_, '_>) -> Result<Arc<dyn Curve>, DecodeError> {
        Ok(Arc::new(DlmmCurve::load(self, accounts)?))
    }
}
