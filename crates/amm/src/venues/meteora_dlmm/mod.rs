//! Meteora DLMM: liquidity in bins of one price each, with a fee that grows with the market's movement.

mod bin_array;
mod curve;
mod fee;
mod instruction;
mod layout;
mod price;
mod reach;
mod seeding;
mod walk;

use crate::program_error::{ACCOUNT_NOT_ENOUGH_KEYS, CONSTRAINT_ADDRESS, Names};
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

const PROGRAM_ID: Pubkey = Pubkey::from_str_const("LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo");

const BASIS_POINTS: u64 = 10_000;
/// Fees are in billionths, as [`order_core::Fraction`] is.
const FEE_ONE: u64 = 1_000_000_000;
/// The program's largest fee, in billionths.
const FEE_CAP: u64 = 100_000_000;

/// The pool's own account knows which bin arrays have liquidity of so many on each side of price one.
const ARRAYS_HALF: i32 = 512;

/// How many bin arrays are read on each side of the price, that of the price included: a swap through more
/// of them would hardly fit in a transaction.
const ARRAYS_EACH_WAY: usize = 4;

/// How many bin arrays a swap instruction names at least, if the pool has them: the price may move before
/// it is executed.
const ARRAYS_LEAST: usize = 3;

/// Why a swap that leaves [`ARRAYS_HALF`] is not quoted.
const NEEDS_EXTENSION: &str = "the amount reaches bin arrays that only the bitmap's extension knows";
/// Why a swap that leaves [`ARRAYS_EACH_WAY`] is not quoted.
const NEEDS_MORE_ARRAYS: &str = "the amount reaches beyond the bin arrays that are read";
/// The program's answer to an exact output is an error now and then where its own formula has one.
const NO_EXACT_OUT: &str = "an exact output of a Meteora DLMM pool";

const SLIPPAGE_EXCEEDED: u32 = 6003;
const INSUFFICIENT_LIQUIDITY: u32 = 6012;
const EXTENSION_NOT_PROVIDED: u32 = 6036;
const INSUFFICIENT_OUT_AMOUNT: u32 = 6039;
const POOL_DISABLED: u32 = 6042;
const UNDETERMINED: u32 = 6085;

const ERRORS: Names = &[
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

fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => CONSTRAINT_ADDRESS,
        QuoteError::Closed { .. } => POOL_DISABLED,
        QuoteError::ZeroAmount | QuoteError::NothingOut => INSUFFICIENT_OUT_AMOUNT,
        QuoteError::InsufficientLiquidity => INSUFFICIENT_LIQUIDITY,
        QuoteError::Unsupported { reason } if *reason == NEEDS_MORE_ARRAYS => ACCOUNT_NOT_ENOUGH_KEYS,
        QuoteError::Unsupported { reason } if *reason == NEEDS_EXTENSION => EXTENSION_NOT_PROVIDED,
        QuoteError::Unsupported { .. } | QuoteError::Overflow => UNDETERMINED,
    }
}
