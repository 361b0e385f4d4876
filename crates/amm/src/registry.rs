//! The table of all venues' programs, and the lookups in it.

use crate::program_error;
use crate::token::token_program_id;
use crate::venue::VenueProgram;
use crate::venues::{
    meteora_damm_v1, meteora_damm_v2, meteora_dlmm, orca_whirlpool, pump_swap, raydium_amm_v4, raydium_clmm,
    raydium_cpmm,
};
use order_core::{Mint, Pubkey, Venue, failure, token};

/// The program of a venue.
pub(crate) const fn program(venue: Venue) -> &'static VenueProgram {
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

/// The venue whose program this is.
pub fn venue(program: &Pubkey) -> Option<Venue> {
    Venue::ALL.into_iter().find(|venue| program_id(*venue) == *program)
}

/// The address of a venue's program.
pub const fn program_id(venue: Venue) -> Pubkey {
    program(venue).address
}

/// Length of a pool's account in bytes, by which the pools of a venue are found.
pub const fn pool_size(venue: Venue) -> usize {
    program(venue).pool_size
}

/// The first bytes of a pool's account, if the venue's program marks its accounts with any.
pub const fn pool_discriminator(venue: Venue) -> Option<[u8; 8]> {
    program(venue).pool_discriminator
}

/// The bytes, each with its place, by which the accounts of a venue's pools of two tokens are found: one
/// list for each order in which a pool may have the two.
pub fn pool_marks(venue: Venue, pair: [Mint; 2]) -> Vec<Vec<(usize, Vec<u8>)>> {
    let program = program(venue);
    let [one, other] = pair;
    let (low, high) = if one < other { (one, other) } else { (other, one) };
    let orders = if program.sorts_mints { vec![[low, high]] } else { vec![[low, high], [high, low]] };
    let marks = orders.into_iter().map(|mints| {
        let discriminator = program.pool_discriminator.map(|mark| (0, mark.to_vec()));
        let mints = program.mints_at.into_iter().zip(mints.map(|mint| mint.to_bytes().to_vec()));
        discriminator.into_iter().chain(mints).collect()
    });
    marks.collect()
}

/// The accounts that pool programs keep for a trader beside its tokens. A trader's first swap may make one, and lock
/// lamports in it, which the trader gets back by closing it.
pub fn trader_accounts(owner: &Pubkey) -> [Pubkey; 1] {
    [pump_swap::instruction::volume_account(owner)]
}

/// Custom error codes with which a venue's program refuses to give less than a swap's limit, and to take
/// more.
pub const fn limit_codes(venue: Venue) -> [u32; 2] {
    let program = program(venue);
    [program.too_little_out, program.too_much_in]
}

/// Meaning of a custom error code of a token program, and its name in the program's source. None for any
/// other program.
pub fn token_failure(program: &Pubkey, custom_code: u32) -> Option<(failure::Code, &'static str)> {
    let keeps_tokens =
        [token::Program::SplToken, token::Program::Token2022].map(token_program_id).contains(program);
    keeps_tokens.then(|| program_error::token_failure(custom_code))
}

/// Meaning of a custom error code of a venue's program, and its name in the program's source.
pub fn failure(venue: Venue, custom_code: u32) -> (failure::Code, &'static str) {
    program_error::failure(program(venue).errors, limit_codes(venue), custom_code)
}

/// Like [`failure()`], but prefers the Anchor error name found in the transaction's `logs`, because a program
/// upgrade may renumber its error codes.
pub fn failure_told(venue: Venue, custom_code: u32, logs: &[String]) -> (failure::Code, &'static str) {
    let Some(told) = program_error::told(logs, custom_code) else { return failure(venue, custom_code) };
    let errors = program(venue).errors;
    match errors.iter().find(|(_, name)| *name == told) {
        Some((code, _)) => failure(venue, *code),
        // What the code means by our list, it does not mean by the program's.
        None if errors.iter().any(|(code, _)| *code == custom_code) => {
            (failure::Code::SimulationFailed, program_error::UNKNOWN)
        }
        None => failure(venue, custom_code),
    }
}
