//! Raydium CLMM: the emulated program.

mod instruction;
mod seeding;

use crate::program::EmulatedProgram;
use amm::QuoteError;
use amm::program_error::CONSTRAINT_ADDRESS;
use amm::venues::raydium_clmm::program::{NOT_APPROVED, NOT_ENOUGH_TICK_ARRAYS, TOO_SMALL_AMOUNT};

pub(crate) const PROGRAM: EmulatedProgram =
    EmulatedProgram { decode: instruction::decode, error_code, seed: seeding::seed };

fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => CONSTRAINT_ADDRESS,
        QuoteError::Closed { .. } => NOT_APPROVED,
        QuoteError::ZeroAmount | QuoteError::NothingOut => TOO_SMALL_AMOUNT,
        QuoteError::InsufficientLiquidity
        | QuoteError::BeyondAccounts
        | QuoteError::Overflow
        | QuoteError::Unsupported { .. } => NOT_ENOUGH_TICK_ARRAYS,
    }
}
