//! Meteora DAMM v2: one range of concentrated liquidity, with scheduled, limiting and dynamic fees.

mod base_fee;
mod curve;
mod instruction;
mod layout;
mod seeding;

use crate::program_error::{CONSTRAINT_ADDRESS, Names};
use crate::swap::QuoteError;
use crate::venues::Program;
use order_core::Pubkey;
use std::sync::Arc;

pub(super) const PROGRAM: Program = Program {
    address: PROGRAM_ID,
    pool_size: layout::POOL_SIZE,
    pool_discriminator: Some(layout::POOL_DISCRIMINATOR),
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

const PROGRAM_ID: Pubkey = Pubkey::from_str_const("cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG");
const AUTHORITY: Pubkey = Pubkey::from_str_const("HLnpSz9h2S4hiLQ43rnSD9XkcUThA7B8hQMKmDaiTLcC");
const AUTHORITY_SEED: &[u8] = b"pool_authority";
const AUTHORITY_BUMP: u8 = 254;
const EVENT_AUTHORITY: Pubkey = Pubkey::from_str_const("3rmHSu74h1ZcmAisVcWerTCiRDQbUrBKmcwptYGjHfet");

/// Fee numerators are in billionths, as [`order_core::Fraction`] is.
const FEE_ONE: u64 = 1_000_000_000;
const BASIS_POINTS: u64 = 10_000;

const SLIPPAGE_EXCEEDED: u32 = 6002;
const POOL_DISABLED: u32 = 6003;
const AMOUNT_IS_ZERO: u32 = 6006;
const PRICE_RANGE_VIOLATION: u32 = 6015;
/// The program's own number for an overflow; the first of its list.
const MATH_OVERFLOW: u32 = 6000;

const ERRORS: Names = &[
    (MATH_OVERFLOW, "MathOverflow"),
    (6001, "InvalidFee"),
    (SLIPPAGE_EXCEEDED, "ExceededSlippage"),
    (POOL_DISABLED, "PoolDisabled"),
    (AMOUNT_IS_ZERO, "AmountIsZero"),
    (PRICE_RANGE_VIOLATION, "PriceRangeViolation"),
    (6049, "FailToValidateSingleSwapInstruction"),
];

fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => CONSTRAINT_ADDRESS,
        QuoteError::Closed { .. } => POOL_DISABLED,
        QuoteError::ZeroAmount | QuoteError::NothingOut => AMOUNT_IS_ZERO,
        QuoteError::InsufficientLiquidity => PRICE_RANGE_VIOLATION,
        QuoteError::Overflow | QuoteError::Unsupported { .. } => MATH_OVERFLOW,
    }
}
