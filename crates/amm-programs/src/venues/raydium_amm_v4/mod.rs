//! Raydium AMM v4: the emulated program.

mod instruction;
mod seeding;

use crate::program::EmulatedProgram;
use amm::QuoteError;
use amm::venues::raydium_amm_v4::program::{
    CONVERSION_FAILURE, INSUFFICIENT_FUNDS, INVALID_INPUT, INVALID_STATUS, INVALID_USER_TOKEN,
};

pub(crate) const PROGRAM: EmulatedProgram =
    EmulatedProgram { decode: instruction::decode, error_code, seed: seeding::seed };

fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => INVALID_USER_TOKEN,
        QuoteError::Closed { .. } | QuoteError::Unsupported { .. } => INVALID_STATUS,
        QuoteError::ZeroAmount | QuoteError::NothingOut => INVALID_INPUT,
        QuoteError::InsufficientLiquidity | QuoteError::BeyondAccounts => INSUFFICIENT_FUNDS,
        QuoteError::Overflow => CONVERSION_FAILURE,
    }
}
