//! Meteora DLMM: the emulated program.

mod instruction;
mod seeding;

use crate::program::EmulatedProgram;
use amm::QuoteError;
use amm::program_error::{ACCOUNT_NOT_ENOUGH_KEYS, CONSTRAINT_ADDRESS};
use amm::venues::meteora_dlmm::program::{
    EXTENSION_NOT_PROVIDED, INSUFFICIENT_LIQUIDITY, INSUFFICIENT_OUT_AMOUNT, NEEDS_EXTENSION, POOL_DISABLED,
    UNDETERMINED,
};

pub(crate) const PROGRAM: EmulatedProgram =
    EmulatedProgram { decode: instruction::decode, error_code, seed: seeding::seed };

fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => CONSTRAINT_ADDRESS,
        QuoteError::Closed { .. } => POOL_DISABLED,
        QuoteError::ZeroAmount | QuoteError::NothingOut => INSUFFICIENT_OUT_AMOUNT,
        QuoteError::InsufficientLiquidity => INSUFFICIENT_LIQUIDITY,
        QuoteError::BeyondAccounts => ACCOUNT_NOT_ENOUGH_KEYS,
        QuoteError::Unsupported { reason } if *reason == NEEDS_EXTENSION => EXTENSION_NOT_PROVIDED,
        QuoteError::Unsupported { .. } | QuoteError::Overflow => UNDETERMINED,
    }
}
