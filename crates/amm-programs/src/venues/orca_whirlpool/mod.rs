//! Orca Whirlpool: the emulated program.

mod instruction;
mod seeding;

use crate::program::EmulatedProgram;
use amm::QuoteError;
use amm::program_error::CONSTRAINT_ADDRESS;
use amm::venues::orca_whirlpool::program::{
    AMOUNT_OUT_BELOW_MINIMUM, INVALID_TICK_ARRAY_SEQUENCE, TICK_ARRAY_SEQUENCE_INVALID_INDEX,
    TRADE_IS_NOT_ENABLED, ZERO_TRADABLE_AMOUNT,
};

pub(crate) const PROGRAM: EmulatedProgram =
    EmulatedProgram { decode: instruction::decode, error_code, seed: seeding::seed };

fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => CONSTRAINT_ADDRESS,
        QuoteError::Closed { .. } => TRADE_IS_NOT_ENABLED,
        QuoteError::ZeroAmount => ZERO_TRADABLE_AMOUNT,
        QuoteError::NothingOut => AMOUNT_OUT_BELOW_MINIMUM,
        QuoteError::BeyondAccounts => TICK_ARRAY_SEQUENCE_INVALID_INDEX,
        QuoteError::InsufficientLiquidity | QuoteError::Overflow | QuoteError::Unsupported { .. } => {
            INVALID_TICK_ARRAY_SEQUENCE
        }
    }
}
