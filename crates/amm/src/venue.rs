//! The interface of a venue: the description of its program, its decoded pool account, and the pool's maths.
//!
//! The venues' folders are above this file, and the table of them, `registry.rs`, above the folders.

use crate::account::{DecodeError, Discriminator, Lookup, existing};
use crate::changes::Writes;
use crate::clock::Clock;
use crate::program_error::Names;
use crate::swap::{Authority, Direction, Fill, Limit, Payment, QuoteError, Trader};
use crate::token::PoolToken;
use order_core::quote::Mode;
use order_core::{Atoms, Fraction, Mint, Pubkey, token};
use solana_instruction::Instruction;
use std::fmt::Debug;
use std::sync::Arc;

/// Description of a venue's program.
pub(crate) struct VenueProgram {
    pub(crate) address: Pubkey,
    /// Length of a pool's account in bytes.
    pub(crate) pool_size: usize,
    /// The first bytes of a pool's account; None if the program has no such mark.
    pub(crate) pool_discriminator: Option<Discriminator>,
    /// Where in a pool's account its mints are.
    pub(crate) mints_at: [usize; 2],
    /// True if the first mint's address is always the lower one.
    pub(crate) sorts_mints: bool,
    /// Names of its custom error codes.
    pub(crate) errors: Names,
    /// The code with which it refuses to give less than the limit.
    pub(crate) too_little_out: u32,
    /// The code with which it refuses to take more than the limit.
    pub(crate) too_much_in: u32,
    /// Reads a pool's account; its owner is checked already.
    pub(crate) decode: fn(Pubkey, &[u8]) -> Decoded,
}

/// Result of decoding a pool's account.
pub(crate) type Decoded = Result<Arc<dyn Pool>, DecodeError>;

/// A decoded pool account: it knows what else must be read to quote.
pub(crate) trait Pool: Debug + Send + Sync {
    /// Its tokens, in its own order.
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

    /// Accounts besides the pool that change with swaps, or change what they give.
    fn swap_accounts(&self, known: Lookup<'_, '_>) -> Vec<Pubkey>;

    /// True if the program moves tokens of Token-2022; else it knows the original token program only.
    fn moves_token_2022(&self) -> bool {
        true
    }

    /// True if the program counts what arrives of a token that withholds a part of each transfer.
    fn counts_transfer_fees(&self) -> bool {
        true
    }

    /// The tokens, in the order of its mints.
    fn tokens(&self, accounts: Lookup<'_, '_>, clock: Clock) -> Result<[PoolToken; 2], DecodeError> {
        let token = |mint: Mint| {
            let address = mint.pubkey();
            let account = existing(address, accounts)?;
            let token = PoolToken::decode(mint, account, clock.epoch)?;
            if token.program == token::Program::Token2022 && !self.moves_token_2022() {
                let reason = "a token of Token-2022, which the pool's program does not move";
                return Err(DecodeError::Unsupported { address, reason: reason.to_owned() });
            }
            if token.transfer_fee.basis_points > 0 && !self.counts_transfer_fees() {
                let reason = "a transfer fee, which the pool's program does not count";
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
    /// Amounts that can be bought of each token; where liquidity is spread over prices, of the loaded part.
    fn reserves(&self, clock: Clock) -> [Atoms; 2];

    /// The rate of the pool's fee for a small amount.
    fn fee(&self, clock: Clock) -> Fraction;

    /// Output for `amount`, which is not zero and arrives in a vault.
    fn exact_in(
        &self,
        direction: Direction,
        amount: u64,
        clock: Clock,
        writes: &mut Writes,
    ) -> Result<Fill, QuoteError>;

    /// Input that must arrive in a vault so that `amount`, which is not zero, leaves the other.
    fn exact_out(
        &self,
        direction: Direction,
        amount: u64,
        clock: Clock,
        writes: &mut Writes,
    ) -> Result<Fill, QuoteError>;

    /// True if the program has a swap of an exact output in this direction.
    fn swaps_exact_out(&self, _direction: Direction) -> bool {
        true
    }

    /// True if [`Self::exact_out`] can be relied on: the engine need not quote every swap that a program has.
    fn quotes_exact_out(&self, direction: Direction) -> bool {
        self.swaps_exact_out(direction)
    }

    /// Accounts besides the vaults that a swap pays, whose fixed amount in a vault this is.
    fn payments(&self, _direction: Direction, _mode: Mode, _amount: u64) -> Vec<Payment> {
        Vec::new()
    }

    /// The instruction that swaps.
    fn instruction(&self, args: SwapArgs<'_>) -> Instruction;
}

/// Arguments of a swap instruction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SwapArgs<'a> {
    pub(crate) tokens: &'a [PoolToken; 2],
    pub(crate) trader: &'a Trader,
    pub(crate) direction: Direction,
    pub(crate) limit: Limit,
}
