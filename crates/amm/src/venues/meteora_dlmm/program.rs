//! Addresses, error codes and units of the program.

#![expect(missing_docs, reason = "error codes are named as in the program's source")]

use crate::program_error::Names;
use order_core::Pubkey;

/// Address of the program.
pub const PROGRAM_ID: Pubkey = Pubkey::from_str_const("LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo");

/// Basis points in one.
pub(super) const BASIS_POINTS: u64 = 10_000;
/// Fees are in billionths, as [`order_core::Fraction`] is.
pub(super) const FEE_ONE: u64 = 1_000_000_000;
/// The program's largest fee, in billionths.
pub const FEE_CAP: u64 = 100_000_000;

/// Number of bin arrays on each side of price one of which the pool's own account knows the liquidity.
pub const ARRAYS_HALF: i32 = 512;

/// Number of bin arrays read on each side of the price, that of the price included. A swap names those that it
/// enters: how many fit in a transaction depends on what else is in it.
pub(super) const ARRAYS_EACH_WAY: usize = 6;

/// Least number of bin arrays in a swap instruction, if the pool has them: the price may move before
/// it is executed.
pub(super) const ARRAYS_LEAST: usize = 3;

/// Why a swap that leaves [`ARRAYS_HALF`] is not quoted.
pub const NEEDS_EXTENSION: &str = "the amount reaches bin arrays that only the bitmap's extension knows";
/// The program's answer to an exact output is an error now and then where its own formula has one.
pub(super) const NO_EXACT_OUT: &str = "an exact output of a Meteora DLMM pool";

pub const SLIPPAGE_EXCEEDED: u32 = 6003;
pub const INSUFFICIENT_LIQUIDITY: u32 = 6012;
pub const EXTENSION_NOT_PROVIDED: u32 = 6036;
pub const INSUFFICIENT_OUT_AMOUNT: u32 = 6039;
pub const POOL_DISABLED: u32 = 6042;
pub const UNDETERMINED: u32 = 6085;

pub(super) const ERRORS: Names = &[
    (SLIPPAGE_EXCEEDED, "ExceededAmountSlippageTolerance"),
    (6004, "ExceededBinSlippageTolerance"),
    (INSUFFICIENT_LIQUIDITY, "PairInsufficientLiquidity"),
    (EXTENSION_NOT_PROVIDED, "BitmapExtensionAccountIsNotProvided"),
    (6037, "CannotFindNonZeroLiquidityBinArrayId"),
    (6038, "BinIdOutOfBound"),
    (INSUFFICIENT_OUT_AMOUNT, "InsufficientOutAmount"),
    (POOL_DISABLED, "PoolDisabled"),
    (UNDETERMINED, "UndeterminedError"),
];
