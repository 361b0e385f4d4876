//! Meteora DAMM v1: constant product over shares of two lending vaults. A swap deposits into one vault and
//! withdraws from the other, so it changes the vaults, their share tokens, and the pool's holdings of them.

mod curve;
mod instruction;
mod layout;
mod seeding;
mod vault;
mod vault_call;

pub use vault_call::{VaultAccounts, VaultCall, VaultChange};

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

const PROGRAM_ID: Pubkey = Pubkey::from_str_const("Eo7WjKq67rjJQSZxS6z3YkapzY3eMj6Xy8X5EQVn5UaB");
/// The program that keeps the vaults.
const VAULT_PROGRAM_ID: Pubkey = Pubkey::from_str_const("24Uqj9JCLxUeoC3hGfh5W3s9FM9uCHDS2SG3LYwBpyTi");

const MATH_OVERFLOW: u32 = 6000;
const SLIPPAGE_EXCEEDED: u32 = 6004;
const INVALID_CALCULATION: u32 = 6005;
const POOL_DISABLED: u32 = 6015;
const UNSUPPORTED_OPERATION: u32 = 6025;
const AMOUNT_IS_ZERO: u32 = 6041;

/// The vaults' program has numbers of its own from 6000 on, which come through this program's.
const ERRORS: Names = &[
    (MATH_OVERFLOW, "MathOverflow"),
    (6001, "InvalidFee"),
    (6002, "InvalidInvariant"),
    (6003, "FeeCalculationFailure"),
    (SLIPPAGE_EXCEEDED, "ExceededSlippage"),
    (INVALID_CALCULATION, "InvalidCalculation"),
    (6006, "ZeroTradingTokens"),
    (6007, "ConversionError"),
    (6009, "MismatchedTokenMint"),
    (6010, "MismatchedLpMint"),
    (6011, "MismatchedOwner"),
    (6012, "InvalidVaultAccount"),
    (6013, "InvalidVaultLpAccount"),
    (POOL_DISABLED, "PoolDisabled"),
    (6017, "InvalidProtocolFeeAccount"),
    (6019, "IdenticalSourceDestination"),
    (UNSUPPORTED_OPERATION, "UnsupportedOperation"),
    (AMOUNT_IS_ZERO, "AmountIsZero"),
    (6042, "TypeCastFailed"),
    (6043, "AmountIsNotEnough"),
];

fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => CONSTRAINT_ADDRESS,
        QuoteError::Closed { .. } => POOL_DISABLED,
        QuoteError::ZeroAmount | QuoteError::NothingOut => AMOUNT_IS_ZERO,
        QuoteError::InsufficientLiquidity => INVALID_CALCULATION,
        QuoteError::Overflow => MATH_OVERFLOW,
        QuoteError::Unsupported { .. } => UNSUPPORTED_OPERATION,
    }
}
