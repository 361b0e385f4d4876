//! The list of venues, and what each of them has to say for itself.
//!
//! To add a venue, make a folder here with a type that is a [`Pool`] (the decoded account), a type that
//! is a [`Curve`] (the pool with all that its maths needs) and a [`Program`], then name it in [`program`].

mod meteora_damm_v1;
mod meteora_damm_v2;
mod meteora_dlmm;
mod orca_whirlpool;
mod raydium_amm_v4;
mod raydium_clmm;
mod raydium_cpmm;

pub use meteora_damm_v1::{VaultAccounts, VaultCall, VaultChange};

use crate::account::{DecodeError, Discriminator};
use crate::clock::Clock;
use crate::program_error;
use crate::seed::{Seed, SeedError, Seeded};
use crate::swap::{Authority, Direction, Fill, Limit, QuoteError, SwapInstruction, Trader, Writes};
use crate::token::{PoolToken, token_program_id};

use order_core::{Atoms, Fraction, Mint, Pubkey, Venue, failure, token};
use solana_account::Account;
use solana_instruction::Instruction;
use std::fmt::Debug;
use std::sync::Arc;

/// How the accounts of a snapshot are found.
pub(crate) type Lookup<'lookup, 'account> = &'lookup dyn Fn(&Pubkey) -> Option<&'account Account>;

/// What is known of a venue's program before any of its pools is.
pub(crate) struct Program {
    pub(crate) address: Pubkey,
    /// How many bytes a pool's account has.
    pub(crate) pool_size: usize,
    /// The first bytes of a pool's account; None if the program has no such mark.
    pub(crate) pool_discriminator: Option<Discriminator>,
    /// Where in a pool's account its mints are.
    pub(crate) mints_at: [usize; 2],
    /// Whether the first mint's address is always the lower one.
    pub(crate) sorts_mints: bool,
    /// Names of its custom error codes.
    pub(crate) errors: program_error::Names,
    /// The code with which it refuses to give less than the limit.
    pub(crate) too_little_out: u32,
    /// The code with which it refuses to take more than the limit.
    pub(crate) too_much_in: u32,
    /// The code with which it fails where this crate gives no quote.
    pub(crate) error_code: fn(&QuoteError) -> u32,
    /// Reads a pool's account; its owner is checked already.
    pub(crate) decode: fn(Pubkey, &[u8]) -> Decoded,
    /// Reads a swap instruction's accounts and data, or says with which code the program fails.
    pub(crate) decode_instruction: fn(&[Pubkey], &[u8]) -> Result<SwapInstruction, u32>,
    /// The accounts that make a pool on a local cluster.
    pub(crate) seed: fn(&Seed) -> Result<Seeded, SeedError>,
}

/// What reading a pool's account comes to.
pub(crate) type Decoded = Result<Arc<dyn Pool>, DecodeError>;

/// A decoded pool account: it knows what else must be read to quote.
pub(crate) trait Pool: Debug + Send + Sync {
    /// What it trades, in its own order.
    fn mints(&self) -> [Mint; 2];

    /// Its token accounts, in the order of its mints.
    fn vaults(&self) -> [Pubkey; 2];

    /// The token accounts whose balances are the pool's own: what it has of each token, or of shares of it.
    fn holdings(&self) -> [Pubkey; 2] {
        self.vaults()
    }

    /// Who signs when tokens leave the vaults.
    fn authority(&self) -> Authority;

    /// Every account besides the pool and the clock that a quote needs, as far as the `known` accounts
    /// tell: what is behind an account that is not known yet comes with the next look.
    fn dependencies(&self, known: Lookup<'_, '_>) -> Vec<Pubkey>;

    /// What besides the pool changes with swaps, or changes what they give.
    fn swap_accounts(&self, known: Lookup<'_, '_>) -> Vec<Pubkey>;

    /// Whether the program is known to move tokens of Token-2022 as their transfer fees say.
    fn moves_token_2022(&self) -> bool {
        true
    }

    /// The tokens, in the order of its mints.
    fn tokens(&self, accounts: Lookup<'_, '_>, clock: Clock) -> Result<[PoolToken; 2], DecodeError> {
        let token = |mint: Mint| {
            let address = mint.pubkey();
            let account = accounts(&address).ok_or(DecodeError::Missing { address })?;
            let token = PoolToken::decode(mint, account, clock.epoch)?;
            if token.program == token::Program::Token2022 && !self.moves_token_2022() {
                let reason = "a token of Token-2022, which has not been checked against the pool's program";
                return Err(DecodeError::Unsupported { address, reason: reason.to_owned() });
            }
            Ok(token)
        };
        let [a, b] = self.mints();
        Ok([token(a)?, token(b)?])
    }

    /// The pool with all that its maths needs.
    fn load(&self, accounts: Lookup<'_, '_>) -> Result<Arc<dyn Curve>, DecodeError>;
}

/// A pool with all that its maths needs. Amounts here are between the vaults: the tokens' own transfer
/// fees are outside.
pub(crate) trait Curve: Debug + Send + Sync {
    /// What can be bought, of each token; where liquidity is spread over prices, what is loaded of it.
    fn reserves(&self, clock: Clock) -> [Atoms; 2];

    /// The rate of the pool's fee for a small amount.
    fn fee(&self, clock: Clock) -> Fraction;

    /// What `amount`, which is not zero and arrives in a vault, buys.
    fn exact_in(
        &self,
        direction: Direction,
        amount: u64,
        clock: Clock,
        writes: &mut Writes,
    ) -> Result<Fill, QuoteError>;

    /// What must arrive in a vault so that `amount`, which is not zero, leaves the other.
    fn exact_out(
        &self,
        direction: Direction,
        amount: u64,
        clock: Clock,
        writes: &mut Writes,
    ) -> Result<Fill, QuoteError>;

    /// Whether the program has a swap of an exact output.
    fn swaps_exact_out(&self) -> bool {
        true
    }

    /// Whether [`Self::exact_out`] can be relied on: what a program has, this engine need not quote.
    fn quotes_exact_out(&self) -> bool {
        self.swaps_exact_out()
    }

    /// What of an exact input goes to another account than the vault, and to which.
    fn protocol_fee(&self, _direction: Direction, _amount_in: u64) -> Option<(Pubkey, u64)> {
        None
    }

    /// The instruction that swaps.
    fn instruction(&self, order: Order<'_>) -> Instruction;
}

/// What a venue needs to build its swap instruction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order<'a> {
    pub(crate) tokens: &'a [PoolToken; 2],
    pub(crate) trader: &'a Trader,
    pub(crate) direction: Direction,
    pub(crate) limit: Limit,
}

pub(crate) const fn program(venue: Venue) -> &'static Program {
    match venue {
        Venue::RaydiumCpmm => &raydium_cpmm::PROGRAM,
        Venue::RaydiumClmm => &raydium_clmm::PROGRAM,
        Venue::RaydiumAmmV4 => &raydium_amm_v4::PROGRAM,
        Venue::MeteoraDammV1 => &meteora_damm_v1::PROGRAM,
        Venue::MeteoraDammV2 => &meteora_damm_v2::PROGRAM,
        Venue::MeteoraDlmm => &meteora_dlmm::PROGRAM,
        Venue::OrcaWhirlpool => &orca_whirlpool::PROGRAM,
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

/// How many bytes a pool's account has, to find the pools of a venue.
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

/// What a custom error code of a token program means, and its name in the program's source. None for any
/// other program.
pub fn token_failure(program: &Pubkey, custom_code: u32) -> Option<(failure::Code, &'static str)> {
    let keeps_tokens =
        [token::Program::SplToken, token::Program::Token2022].map(token_program_id).contains(program);
    keeps_tokens.then(|| program_error::token_failure(custom_code))
}

/// What a custom error code of a venue's program means, and its name in the program's source.
pub fn failure(venue: Venue, custom_code: u32) -> (failure::Code, &'static str) {
    let program = program(venue);
    program_error::failure(program.errors, [program.too_little_out, program.too_much_in], custom_code)
}

/// The same by the name that the program has told the transaction's `logs` for the code, if it has: a
/// program may have given other codes to its names than it had before.
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

/// The accounts that make a pool on a local cluster.
///
/// # Errors
/// The program has no way to hold such a pool.
pub fn seed(venue: Venue, seed: &Seed) -> Result<Seeded, SeedError> {
    (program(venue).seed)(seed)
}
