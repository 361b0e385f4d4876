//! Raydium CLMM: concentrated liquidity with the fee on the input, as far as its maths is checked.

mod curve;
mod instruction;
mod layout;
mod price;
mod seeding;
mod tick_array;

use crate::program_error::{CONSTRAINT_ADDRESS, Names};
use crate::swap::QuoteError;
use crate::venues::Program;
use order_core::Pubkey;
use std::sync::Arc;

pub(super) const PROGRAM: Program = Program {
    address: PROGRAM_ID,
    pool_size: layout::POOL_SIZE,
    pool_discriminator: Some(layout::POOL_DISCRIMINATOR),
    mints_at: layout::pool_offset::MINTS,
    sorts_mints: true,
    errors: ERRORS,
    too_little_out: TOO_LITTLE_OUTPUT,
    too_much_in: TOO_MUCH_INPUT,
    error_code,
    decode: |address, data| Ok(Arc::new(layout::Pool::decode(address, data)?)),
    decode_instruction: instruction::decode_instruction,
    seed: seeding::seed,
};

const PROGRAM_ID: Pubkey = Pubkey::from_str_const("CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK");

const NOT_APPROVED: u32 = 6001;
const TOO_LITTLE_OUTPUT: u32 = 6018;
const TOO_MUCH_INPUT: u32 = 6019;
const TOO_SMALL_AMOUNT: u32 = 6022;
const NOT_ENOUGH_TICK_ARRAYS: u32 = 6023;

/// The numbers of the program's latest source; before April 2026 the same names had others.
const ERRORS: Names = &[
    (NOT_APPROVED, "NotApproved"),
    (TOO_LITTLE_OUTPUT, "TooLittleOutputReceived"),
    (TOO_MUCH_INPUT, "TooMuchInputPaid"),
    (TOO_SMALL_AMOUNT, "TooSmallInputOrOutputAmount"),
    (NOT_ENOUGH_TICK_ARRAYS, "NotEnoughTickArrayAccount"),
    (6024, "InvalidFirstTickArrayAccount"),
];

fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => CONSTRAINT_ADDRESS,
        QuoteError::Closed { .. } => NOT_APPROVED,
        QuoteError::ZeroAmount | QuoteError::NothingOut => TOO_SMALL_AMOUNT,
        QuoteError::InsufficientLiquidity | QuoteError::Overflow | QuoteError::Unsupported { .. } => {
            NOT_ENOUGH_TICK_ARRAYS
        }
    }
}
