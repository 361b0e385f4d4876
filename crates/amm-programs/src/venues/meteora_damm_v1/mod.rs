//! Meteora DAMM v1: the emulated program.

mod instruction;
mod seeding;
mod vault_call;

pub use vault_call::{VaultAccounts, VaultCall, VaultChange};

use crate::program::EmulatedProgram;
use amm::QuoteError;
use amm::program_error::CONSTRAINT_ADDRESS;
use amm::venues::meteora_damm_v1::program::{
    AMOUNT_IS_ZERO, INVALID_CALCULATION, MATH_OVERFLOW, POOL_DISABLED, UNSUPPORTED_OPERATION,
};

pub(crate) const PROGRAM: EmulatedProgram =
    EmulatedProgram { decode: instruction::decode, error_code, seed: seeding::seed };

fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => CONSTRAINT_ADDRESS,
        QuoteError::Closed { .. } => POOL_DISABLED,
        QuoteError::ZeroAmount | QuoteError::NothingOut => AMOUNT_IS_ZERO,
        QuoteError::InsufficientLiquidity | QuoteError::BeyondAccounts => INVALID_CALCULATION,
        QuoteError::Overflow => MATH_OVERFLOW,
        QuoteError::Unsupported { .. } => UNSUPPORTED_OPERATION,
    }
}
