//! The interface of an emulated program.

use crate::instruction::SwapInstruction;
use crate::seed::{Seed, SeedError, Seeded};
use amm::QuoteError;
use order_core::Pubkey;

/// Parts of a venue's program that only its emulation needs.
pub(crate) struct EmulatedProgram {
    /// Reads a swap instruction's accounts and data. The error is the custom code with which the program fails.
    pub(crate) decode: fn(&[Pubkey], &[u8]) -> Result<SwapInstruction, u32>,
    /// Custom error code with which the program fails where there is no quote.
    pub(crate) error_code: fn(&QuoteError) -> u32,
    /// Accounts that make a pool.
    pub(crate) seed: fn(&Seed) -> Result<Seeded, SeedError>,
}
