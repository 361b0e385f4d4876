//! Orca Whirlpool: concentrated liquidity with a fee on the input that stands still.

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
    mints_at: layout::offset::MINTS,
    sorts_mints: true,
    errors: ERRORS,
    too_little_out: AMOUNT_OUT_BELOW_MINIMUM,
    too_much_in: AMOUNT_IN_ABOVE_MAXIMUM,
    error_code,
    decode: |address, data| Ok(Arc::new(layout::Pool::decode(address, data)?)),
    decode_instruction: instruction::decode_instruction,
    seed: seeding::seed,
};

const PROGRAM_ID: Pubkey = Pubkey::from_str_const("whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc");

const INVALID_TICK_ARRAY_SEQUENCE: u32 = 6023;
const ZERO_TRADABLE_AMOUNT: u32 = 6035;
const AMOUNT_OUT_BELOW_MINIMUM: u32 = 6036;
const AMOUNT_IN_ABOVE_MAXIMUM: u32 = 6037;
const TRADE_IS_NOT_ENABLED: u32 = 6064;

const ERRORS: Names = &[
    (INVALID_TICK_ARRAY_SEQUENCE, "InvalidTickArraySequence"),
    (6034, "InvalidSqrtPriceLimitDirection"),
    (ZERO_TRADABLE_AMOUNT, "ZeroTradableAmount"),
    (AMOUNT_OUT_BELOW_MINIMUM, "AmountOutBelowMinimum"),
    (AMOUNT_IN_ABOVE_MAXIMUM, "AmountInAboveMaximum"),
    (6057, "PartialFillError"),
    (TRADE_IS_NOT_ENABLED, "TradeIsNotEnabled"),
];

fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => CONSTRAINT_ADDRESS,
        QuoteError::Closed { .. } => TRADE_IS_NOT_ENABLED,
        QuoteError::ZeroAmount => ZERO_TRADABLE_AMOUNT,
        QuoteError::NothingOut => AMOUNT_OUT_BELOW_MINIMUM,
        QuoteError::InsufficientLiquidity | QuoteError::Overflow | QuoteError::Unsupported { .. } => {
            INVALID_TICK_ARRAY_SEQUENCE
        }
    }
}
