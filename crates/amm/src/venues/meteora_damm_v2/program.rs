//! Addresses, error codes and units of the program.

#![expect(missing_docs, reason = "error codes are named as in the program's source")]

use crate::program_error::Names;
use order_core::Pubkey;

/// Address of the program.
pub const PROGRAM_ID: Pubkey = Pubkey::from_str_const("cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG");
/// Address that signs for all pools.
pub const AUTHORITY: Pubkey = Pubkey::from_str_const("HLnpSz9h2S4hiLQ43rnSD9XkcUThA7B8hQMKmDaiTLcC");
/// Seed of the authority.
pub(super) const AUTHORITY_SEED: &[u8] = b"pool_authority";
/// Bump of the authority.
pub(super) const AUTHORITY_BUMP: u8 = 254;
/// Address with which the program logs its events.
pub(super) const EVENT_AUTHORITY: Pubkey =
    Pubkey::from_str_const("3rmHSu74h1ZcmAisVcWerTCiRDQbUrBKmcwptYGjHfet");

/// Fee numerators are in billionths, as [`order_core::Fraction`] is.
pub(super) const FEE_ONE: u64 = 1_000_000_000;
/// Basis points in one.
pub(super) const BASIS_POINTS: u64 = 10_000;

pub const SLIPPAGE_EXCEEDED: u32 = 6002;
pub const POOL_DISABLED: u32 = 6003;
pub const AMOUNT_IS_ZERO: u32 = 6006;
pub const PRICE_RANGE_VIOLATION: u32 = 6015;
pub const MATH_OVERFLOW: u32 = 6000;

pub(super) const ERRORS: Names = &[
    (MATH_OVERFLOW, "MathOverflow"),
    (6001, "InvalidFee"),
    (SLIPPAGE_EXCEEDED, "ExceededSlippage"),
    (POOL_DISABLED, "PoolDisabled"),
    (AMOUNT_IS_ZERO, "AmountIsZero"),
    (PRICE_RANGE_VIOLATION, "PriceRangeViolation"),
    (6049, "FailToValidateSingleSwapInstruction"),
];
