//! The table of all emulated programs, and the calls of them.

use crate::execution::{Execution, check_accounts};
use crate::instruction::SwapInstruction;
use crate::program::EmulatedProgram;
use crate::seed::{Seed, SeedError, Seeded};
use crate::venues::{
    meteora_damm_v1, meteora_damm_v2, meteora_dlmm, orca_whirlpool, pump_swap, raydium_amm_v4, raydium_clmm,
    raydium_cpmm,
};
use amm::{Limit, Market, SwapError, limit_codes};
use order_core::{Mint, Pubkey, Venue};

const fn program(venue: Venue) -> &'static EmulatedProgram {
    match venue {
        Venue::RaydiumCpmm => &raydium_cpmm::PROGRAM,
        Venue::RaydiumClmm => &raydium_clmm::PROGRAM,
        Venue::RaydiumAmmV4 => &raydium_amm_v4::PROGRAM,
        Venue::MeteoraDammV1 => &meteora_damm_v1::PROGRAM,
        Venue::MeteoraDammV2 => &meteora_damm_v2::PROGRAM,
        Venue::MeteoraDlmm => &meteora_dlmm::PROGRAM,
        Venue::OrcaWhirlpool => &orca_whirlpool::PROGRAM,
        Venue::PumpSwap => &pump_swap::PROGRAM,
    }
}

impl SwapInstruction {
    /// Reads the instruction of a venue's program.
    ///
    /// # Errors
    /// The custom error code with which the program fails.
    pub fn decode(venue: Venue, accounts: &[Pubkey], data: &[u8]) -> Result<Self, u32> {
        (program(venue).decode)(accounts, data)
    }
}

/// Executes an instruction whose source holds `mint_in`.
///
/// # Errors
/// The custom error code with which the program fails.
pub fn execute(market: &Market, instruction: &SwapInstruction, mint_in: Mint) -> Result<Execution, u32> {
    check_accounts(market, instruction, mint_in)?;
    swap(market, mint_in, instruction.limit)
}

/// Executes a swap within a limit.
///
/// # Errors
/// The custom error code with which the program fails.
pub fn swap(market: &Market, mint_in: Mint, limit: Limit) -> Result<Execution, u32> {
    let venue = market.venue();
    let [too_little_out, too_much_in] = limit_codes(venue);
    let swapped = market.swap_with_writes(mint_in, limit).map_err(|error| match error {
        SwapError::Quote(error) => (program(venue).error_code)(&error),
        SwapError::TooLittleOut => too_little_out,
        SwapError::TooMuchIn => too_much_in,
    });
    swapped.map(|(swapped, writes)| Execution { swapped, writes })
}

/// Accounts that make a pool on a local cluster.
///
/// # Errors
/// The program cannot hold such a pool.
pub fn seed(venue: Venue, seed: &Seed) -> Result<Seeded, SeedError> {
    (program(venue).seed)(seed)
}
