//! PumpSwap: the emulated program.

mod instruction;
mod seeding;
mod volume;

pub use volume::VolumeAccount;

use crate::program::EmulatedProgram;
use amm::QuoteError;
use amm::program_error::CONSTRAINT_ADDRESS;
use amm::venues::pump_swap::program::{
    BUY_MORE_THAN_RESERVES, DISABLED_BUY, EXCEEDED_SLIPPAGE, OVERFLOW, ZERO_QUOTE_AMOUNT,
};

pub(crate) const PROGRAM: EmulatedProgram =
    EmulatedProgram { decode: instruction::decode, error_code, seed: seeding::seed };

fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => CONSTRAINT_ADDRESS,
        QuoteError::Closed { .. } => DISABLED_BUY,
        QuoteError::ZeroAmount => ZERO_QUOTE_AMOUNT,
        QuoteError::NothingOut => EXCEEDED_SLIPPAGE,
        QuoteError::Overflow => OVERFLOW,
        QuoteError::InsufficientLiquidity | QuoteError::BeyondAccounts | QuoteError::Unsupported { .. } => {
            BUY_MORE_THAN_RESERVES
        }
    }
}
