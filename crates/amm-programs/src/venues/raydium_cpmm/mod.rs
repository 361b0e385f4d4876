//! Raydium CPMM: the emulated program.

mod instruction;
mod seeding;

use crate::program::EmulatedProgram;
use amm::QuoteError;
use amm::program_error::{CONSTRAINT_ADDRESS, REQUIRE_GREATER_VIOLATED};
use amm::venues::raydium_cpmm::program::{INSUFFICIENT_VAULT, NOT_APPROVED, ZERO_TRADING_TOKENS};

pub(crate) const PROGRAM: EmulatedProgram =
    EmulatedProgram { decode: instruction::decode, error_code, seed: seeding::seed };

fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => CONSTRAINT_ADDRESS,
        QuoteError::Closed { .. } => NOT_APPROVED,
        QuoteError::ZeroAmount | QuoteError::NothingOut => REQUIRE_GREATER_VIOLATED,
        QuoteError::InsufficientLiquidity | QuoteError::BeyondAccounts => INSUFFICIENT_VAULT,
        QuoteError::Overflow | QuoteError::Unsupported { .. } => ZERO_TRADING_TOKENS,
    }
}
