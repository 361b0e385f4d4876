//! Addresses, error codes and units of the program.

#![expect(missing_docs, reason = "error codes are named as in the program's source")]

use crate::program_error::Names;
use order_core::Pubkey;

/// Address of the program.
pub const PROGRAM_ID: Pubkey = Pubkey::from_str_const("Eo7WjKq67rjJQSZxS6z3YkapzY3eMj6Xy8X5EQVn5UaB");
/// The program that keeps the vaults.
pub const VAULT_PROGRAM_ID: Pubkey = Pubkey::from_str_const("24Uqj9JCLxUeoC3hGfh5W3s9FM9uCHDS2SG3LYwBpyTi");

pub const MATH_OVERFLOW: u32 = 6000;
pub const SLIPPAGE_EXCEEDED: u32 = 6004;
pub const INVALID_CALCULATION: u32 = 6005;
pub const POOL_DISABLED: u32 = 6015;
pub const UNSUPPORTED_OPERATION: u32 = 6025;
pub const AMOUNT_IS_ZERO: u32 = 6041;

/// The vaults' program has numbers of its own from 6000 on, which come through this program's.
pub(super) const ERRORS: Names = &[
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
