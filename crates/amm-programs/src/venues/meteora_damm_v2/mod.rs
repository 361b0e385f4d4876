//! Meteora DAMM v2: the emulated program.

mod instruction;
mod seeding;

use crate::program::EmulatedProgram;
use amm::QuoteError;
use amm::program_error::CONSTRAINT_ADDRESS;
use amm::venues::meteora_damm_v2::program::{
    AMOUNT_IS_ZERO, MATH_OVERFLOW, POOL_DISABLED, PRICE_RANGE_VIOLATION,
};

pub(crate) const PROGRAM: EmulatedProgram =
    EmulatedProgram { decode: instruction::decode, error_code, seed: seeding::seed };

fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => CONSTRAINT_ADDRESS,
        QuoteError::Closed { .. } => POOL_DISABLED,
        QuoteError::ZeroAmount | QuoteError::NothingOut => AMOUNT_IS_ZERO,
        QuoteError::InsufficientLiquidity | QuoteError::BeyondAccounts => PRICE_RANGE_VIOLATION,
        QuoteError::Overflow | QuoteError::Unsupported { .. } => MATH_OVERFLOW,
    }
}
