//! Addresses, error codes and units of the program.

#![expect(missing_docs, reason = "error codes are named as in the program's source")]

use crate::program_error::Names;
use order_core::Pubkey;

/// Address of the program.
pub const PROGRAM_ID: Pubkey = Pubkey::from_str_const("CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK");

pub const NOT_APPROVED: u32 = 6001;
pub const TOO_LITTLE_OUTPUT: u32 = 6018;
pub const TOO_MUCH_INPUT: u32 = 6019;
pub const TOO_SMALL_AMOUNT: u32 = 6022;
pub const NOT_ENOUGH_TICK_ARRAYS: u32 = 6023;

/// The numbers of the program's latest source; before April 2026 the same names had others.
pub(super) const ERRORS: Names = &[
    (NOT_APPROVED, "NotApproved"),
    (TOO_LITTLE_OUTPUT, "TooLittleOutputReceived"),
    (TOO_MUCH_INPUT, "TooMuchInputPaid"),
    (TOO_SMALL_AMOUNT, "TooSmallInputOrOutputAmount"),
    (NOT_ENOUGH_TICK_ARRAYS, "NotEnoughTickArrayAccount"),
    (6024, "InvalidFirstTickArrayAccount"),
];
