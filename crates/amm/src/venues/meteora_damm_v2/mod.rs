//! Meteora DAMM v2: one range of concentrated liquidity, with scheduled, limiting and dynamic fees.

mod base_fee;
mod curve;
mod instruction;
mod layout;
mod seeding;

pub(crate) use curve::{Change, Curve};
pub(crate) use instruction::decode_instruction;
pub(crate) use layout::{POOL_DISCRIMINATOR, POOL_SIZE, Pool};
pub(crate) use seeding::seed;

use crate::program_error::{CONSTRAINT_ADDRESS, Names};
use crate::swap::QuoteError;
use order_core::Pubkey;

pub(crate) const PROGRAM_ID: Pubkey = Pubkey::from_str_const("cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG");
pub(crate) const AUTHORITY: Pubkey = Pubkey::from_str_const("HLnpSz9h2S4hiLQ43rnSD9XkcUThA7B8hQMKmDaiTLcC");
pub(crate) const AUTHORITY_SEED: &[u8] = b"pool_authority";
pub(crate) const AUTHORITY_BUMP: u8 = 254;
const EVENT_AUTHORITY: Pubkey = Pubkey::from_str_const("3rmHSu74h1ZcmAisVcWerTCiRDQbUrBKmcwptYGjHfet");

/// Fee numerators are in billionths, as [`order_core::Fraction`] is.
const FEE_ONE: u64 = 1_000_000_000;
const BASIS_POINTS: u64 = 10_000;

pub(crate) const SLIPPAGE_EXCEEDED: u32 = 6002;
const POOL_DISABLED: u32 = 6003;
const AMOUNT_IS_ZERO: u32 = 6006;
const PRICE_RANGE_VIOLATION: u32 = 6015;
/// The program's own number for an overflow; the first of its list.
const MATH_OVERFLOW: u32 = 6000;

pub(crate) const ERRORS: Names = &[
    (MATH_OVERFLOW, "MathOverflow"),
    (6001, "InvalidFee"),
    (SLIPPAGE_EXCEEDED, "ExceededSlippage"),
    (POOL_DISABLED, "PoolDisabled"),
    (AMOUNT_IS_ZERO, "AmountIsZero"),
    (PRICE_RANGE_VIOLATION, "PriceRangeViolation"),
    (6049, "FailToValidateSingleSwapInstruction"),
];

pub(crate) fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => CONSTRAINT_ADDRESS,
        QuoteError::Closed { .. } => POOL_DISABLED,
        QuoteError::ZeroAmount | QuoteError::NothingOut => AMOUNT_IS_ZERO,
        QuoteError::InsufficientLiquidity => PRICE_RANGE_VIOLATION,
        QuoteError::Overflow | QuoteError::Unsupported { .. } => MATH_OVERFLOW,
    }
}
