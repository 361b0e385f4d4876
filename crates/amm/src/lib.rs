//! Pool programs for clients: account layouts, exact integer maths, swap instructions, error codes.
#![doc = include_str!("../README.md")]
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
mod token_extension;
mod venue;
pub mod venues;

pub use account::{ABSENT, DecodeError, Discriminator};
pub use changes::{FieldValue, FieldWrite};
pub use clock::{CLOCK_ADDRESS, Clock};
pub use market::{LOOKS_MAX, Market, Pool};
pub use named::named_accounts;
pub use registry::{
    failure, failure_told, limit_codes, pool_discriminator, pool_marks, pool_size, program_id, token_failure,
    trader_accounts, venue,
};
pub use swap::{
    AccountOrder, Authority, Direction, InstructionError, Limit, Payer, Payment, QuoteError, SwapError,
    SwapQuote, Swapped, Trader,
};
pub use token::{PoolToken, TransferFee, token_program_id};
