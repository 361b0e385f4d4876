//! The pool programs: account layouts, exact integer maths, swap instructions, error codes.
//!
//! Architecture invariants: no I/O, no clock, no async, no float. A quote is a function of one
//! snapshot of accounts and agrees with the program to the last unit; what is not known to agree is
//! refused with a reason. No bytes from a cluster can panic here. A venue is one folder in `venues`
//! and one line in `registry.rs`; nothing outside its folder knows its layout. Imports point down: `venue`
//! has the traits, `venues` implements them, `registry` lists them, `market` is what clients use.

#![cfg_attr(not(test), deny(clippy::float_arithmetic, clippy::arithmetic_side_effects))]

mod account;
mod anchor;
mod clock;
mod concentrated;
mod market;
mod math;
mod named;
mod program_error;
mod registry;
mod seed;
mod swap;
mod token;
mod venue;
mod venues;

pub use account::DecodeError;
pub use clock::{CLOCK_ADDRESS, Clock};
pub use market::{LOOKS_MAX, Market, Pool};
pub use named::named_accounts;
pub use registry::{
    failure, failure_told, pool_discriminator, pool_marks, pool_size, program_id, seed, token_failure, venue,
};
pub use seed::{Seed, SeedError, Seeded, SeededAccount, SeededVault};
pub use swap::{Authority, InstructionError, Limit, QuoteError, SwapInstruction, SwapQuote, Swapped, Trader};
pub use token::{PoolToken, TransferFee, token_program_id};
pub use venues::meteora_damm_v1::{VaultAccounts, VaultCall, VaultChange};
