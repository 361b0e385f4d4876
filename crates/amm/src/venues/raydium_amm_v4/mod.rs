//! Raydium AMM v4: constant product with a fee on the input; its older pools were tied to an order book.

mod curve;
mod instruction;
mod layout;
mod seeding;

use crate::program_error::Names;
use crate::swap::QuoteError;
use crate::venues::Program;
use order_core::Pubkey;
use std::sync::Arc;

pub(super) const PROGRAM: Program = Program {
    address: PROGRAM_ID,
    pool_size: layout::POOL_SIZE,
    pool_discriminator: None,
    mints_at: layout::offset::MINTS,
    sorts_mints: false,
    errors: ERRORS,
    too_little_out: SLIPPAGE_EXCEEDED,
    too_much_in: SLIPPAGE_EXCEEDED,
    error_code,
    decode: |address, data| Ok(Arc::new(layout::Pool::decode(address, data)?)),
    decode_instruction: instruction::decode_instruction,
    seed: seeding::seed,
};

const PROGRAM_ID: Pubkey = Pubkey::from_str_const("675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8");
const AUTHORITY_SEED: &[u8] = b"amm authority";

const INVALID_STATUS: u32 = 22;
const INVALID_INSTRUCTION: u32 = 23;
const WRONG_ACCOUNTS_NUMBER: u32 = 24;
const INVALID_INPUT: u32 = 29;
const SLIPPAGE_EXCEEDED: u32 = 30;
const INSUFFICIENT_FUNDS: u32 = 40;
const CONVERSION_FAILURE: u32 = 41;
const INVALID_USER_TOKEN: u32 = 42;

/// The program counts its codes from zero, as the token program does, whose errors come through it: those
/// that both use are left to the token program, because no instruction of ours provokes the pool's.
const ERRORS: Names = &[
    (5, "InvalidPCVault"),
    (21, "InvalidSignAccount"),
    (INVALID_STATUS, "InvalidStatus"),
    (INVALID_INSTRUCTION, "InvalidInstruction"),
    (WRONG_ACCOUNTS_NUMBER, "WrongAccountsNumber"),
    (27, "InvalidAmmAccountOwner"),
    (INVALID_INPUT, "InvalidInput"),
    (SLIPPAGE_EXCEEDED, "ExceededSlippage"),
    (32, "CheckedSubOverflow"),
    (38, "InvalidSplTokenProgram"),
    (INSUFFICIENT_FUNDS, "InsufficientFunds"),
    (CONVERSION_FAILURE, "ConversionFailure"),
    (INVALID_USER_TOKEN, "InvalidUserToken"),
    (59, "NotAllowed"),
];

fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => INVALID_USER_TOKEN,
        QuoteError::Closed { .. } | QuoteError::Unsupported { .. } => INVALID_STATUS,
        QuoteError::ZeroAmount | QuoteError::NothingOut => INVALID_INPUT,
        QuoteError::InsufficientLiquidity => INSUFFICIENT_FUNDS,
        QuoteError::Overflow => CONVERSION_FAILURE,
    }
}
