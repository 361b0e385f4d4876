//! Addresses, error codes and units of the program.

#![expect(missing_docs, reason = "error codes are named as in the program's source")]

use crate::program_error::Names;
use order_core::Pubkey;

/// Address of the program.
pub const PROGRAM_ID: Pubkey = Pubkey::from_str_const("whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc");

pub const INVALID_TICK_ARRAY_SEQUENCE: u32 = 6023;
pub const ZERO_TRADABLE_AMOUNT: u32 = 6035;
pub const AMOUNT_OUT_BELOW_MINIMUM: u32 = 6036;
pub const AMOUNT_IN_ABOVE_MAXIMUM: u32 = 6037;
pub const TICK_ARRAY_SEQUENCE_INVALID_INDEX: u32 = 6038;
pub const TRADE_IS_NOT_ENABLED: u32 = 6064;

pub(super) const ERRORS: Names = &[
    (INVALID_TICK_ARRAY_SEQUENCE, "InvalidTickArraySequence"),
    (6034, "InvalidSqrtPriceLimitDirection"),
    (ZERO_TRADABLE_AMOUNT, "ZeroTradableAmount"),
    (AMOUNT_OUT_BELOW_MINIMUM, "AmountOutBelowMinimum"),
    (AMOUNT_IN_ABOVE_MAXIMUM, "AmountInAboveMaximum"),
    (TICK_ARRAY_SEQUENCE_INVALID_INDEX, "TickArraySequenceInvalidIndex"),
    (6057, "PartialFillError"),
    (TRADE_IS_NOT_ENABLED, "TradeIsNotEnabled"),
];
