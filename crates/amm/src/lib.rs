//! The pool programs as a client needs them: account layouts, exact integer maths, swap instructions, error codes.
//!
//! Architecture invariants: no I/O, no clock, no async, no float. A quote is a function of one
//! snapshot of accounts and agrees with the program to the last unit; what is not known to agree is
//! refused with a reason. No bytes from a cluster can panic here. A venue is one folder in `venues`
//! and one line in `registry.rs`; nothing outside its folder knows its layout. Imports point down: `venue`
//! has the traits, `venues` implements them, `registry` lists them, `market` is what clients use.

#![cfg_attr(not(test), deny(clippy::float_arithmetic, clippy::arithmetic_side_effects))]

mod account;
mod changes;
mod clock;
pub mod concentrated;
mod market;
mod math;
mod named;
pub mod program_error;
mod registry;
mod swap;
pub mod token;
mod venue;
pub mod venues;

pub use account::{DecodeError, Discriminator};
pub use changes::{FieldValue, FieldWrite};
pub use clock::{CLOCK_ADDRESS, Clock};
pub use market::{LOOKS_MAX, Market, Pool};
pub use named::named_accounts;
pub use registry::{
    failure, failure_told, limit_codes, pool_discriminator, pool_marks, pool_size, program_id, token_failure,
    venue,
};
pub use swap::{
    AccountOrder, Authority, Direction, InstructionError, Limit, QuoteError, SwapError, SwapQuote, Swapped,
    Trader,
};
pub use token::{PoolToken, TransferFee, token_program_id};
