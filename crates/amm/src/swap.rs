use crate::account::{DecodeError, FieldWrite};
use crate::token::PoolToken;
use order_core::{Atoms, Fraction, Mint, Pubkey};

/// Why a market gives no quote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// The pool does not trade this token.
    #[error("the pool does not trade {mint}")]
    ForeignMint {
        /// What was to be swapped.
        mint: Mint,
    },
    /// The pool does not swap now.
    #[error("the pool is closed: {reason}")]
    Closed {
        /// Why not.
        reason: &'static str,
    },
    /// The amount is zero, or the token's transfer fee leaves nothing of it.
    #[error("the amount is zero, or the token's transfer fee takes all of it")]
    ZeroAmount,
    /// The input is too small to buy one unit.
    #[error("the amount is too small to buy anything")]
    NothingOut,
    /// The pool does not have that much.
    #[error("the pool has too little liquidity for the amount")]
    InsufficientLiquidity,
    /// A number exceeds what the program can calculate with.
    #[error("the amount is too large for the pool's arithmetic")]
    Overflow,
    /// The swap works in a way this engine does not quote.
    #[error("not supported: {reason}")]
    Unsupported {
        /// What is not supported.
        reason: &'static str,
    },
}

/// What one pool gives for an amount, after every fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SwapQuote {
    /// What leaves the trader, transfer fee included, in atoms of the input token.
    pub amount_in: Atoms,
    /// What reaches the trader, transfer fee deducted, in atoms of the output token.
    pub amount_out: Atoms,
    /// The rate of the pool's fee; transfer fees of the tokens are not in it.
    pub fee: Fraction,
    /// How much worse than the price of a vanishing amount this is, fees apart, rounded down.
    pub price_impact: Fraction,
}

/// What a swap fixes, and what it must not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Spend exactly this much.
    ExactIn {
        /// What leaves the trader.
        amount_in: Atoms,
        /// The least that must reach the trader.
        min_out: Atoms,
    },
    /// Receive exactly this much.
    ExactOut {
        /// What reaches the trader.
        amount_out: Atoms,
        /// The most that may leave the trader.
        max_in: Atoms,
    },
}

/// Whose tokens are swapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trader {
    /// Who signs.
    pub owner: Pubkey,
    /// The owner's token account that is spent from.
    pub source: Pubkey,
    /// The owner's token account that receives.
    pub destination: Pubkey,
}

/// Why a swap instruction cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstructionError {
    /// The pool does not trade this token.
    #[error("the pool does not trade {mint}")]
    ForeignMint {
        /// What was to be swapped.
        mint: Mint,
    },
    /// An amount or a limit is zero: the first swaps nothing, the second accepts any price.
    #[error("a swap needs an amount and a limit above zero")]
    ZeroAmount,
    /// The pool's program has no swap of an exact output.
    #[error("the pool's program swaps no exact output")]
    ExactOut,
}

/// A swap instruction as its program reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwapInstruction {
    /// What is fixed.
    pub limit: Limit,
    /// The pool.
    pub pool: Pubkey,
    /// The trader, who signs.
    pub owner: Pubkey,
    /// Where the input comes from.
    pub source: Pubkey,
    /// Where the output goes to.
    pub destination: Pubkey,
    /// The input token, if the instruction tells it; else it is what the source holds.
    pub mint_in: Option<Mint>,
    /// The accounts that follow from the pool, the trader and the direction alone, in their order: not
    /// those at the end that follow from the pool's state too.
    pub fixed_accounts: Vec<Pubkey>,
}

/// An address that signs for a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// The address.
    pub address: Pubkey,
    /// What makes the address together with the program's, the bump included.
    pub seeds: Vec<Vec<u8>>,
}

/// What a swap moves and changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swapped {
    /// To transfer from the source, in atoms: to the pool's vault, but for the protocol's fee; the token withholds its transfer fee from it.
    pub amount_in: Atoms,
    /// To transfer from the pool's vault to the destination, in atoms; the token withholds its transfer fee from it.
    pub amount_out: Atoms,
    /// What reaches the destination.
    pub received: Atoms,
    /// What goes in.
    pub token_in: PoolToken,
    /// What comes out.
    pub token_out: PoolToken,
    /// The pool's account that receives the input.
    pub vault_in: Pubkey,
    /// The pool's account that pays the output.
    pub vault_out: Pubkey,
    /// What of the input does not go to the vault but to another account, and to which.
    pub protocol_fee: Option<(Pubkey, Atoms)>,
    pub(crate) writes: Vec<FieldWrite>,
}

impl Swapped {
    /// The accounts whose bytes the program changes, each once.
    pub fn changed(&self) -> Vec<Pubkey> {
        let mut changed: Vec<Pubkey> = self.writes.iter().map(|write| write.account).collect();
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    /// Changes the bytes of one account as the program does.
    ///
    /// # Errors
    /// The bytes are too short to be this account's.
    pub fn apply(&self, account: &Pubkey, data: &mut [u8]) -> Result<(), DecodeError> {
        let length = data.len();
        for write in self.writes.iter().filter(|write| write.account == *account) {
            if !write.apply(data) {
                return Err(DecodeError::TooShort { address: *account, length, needed: write.offset });
            }
        }
        Ok(())
    }
}

/// Which of the pool's two tokens goes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The first goes in, the second comes out.
    AToB,
    /// The second goes in, the first comes out.
    BToA,
}

impl Direction {
    /// A pair of the pool as (input, output).
    pub(crate) fn order<T>(self, [a, b]: [T; 2]) -> (T, T) {
        match self {
            Self::AToB => (a, b),
            Self::BToA => (b, a),
        }
    }
}

/// What the pool's curve does, between its vaults: transfer fees are outside of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fill {
    /// What arrives in the vault.
    pub(crate) amount_in: u64,
    /// What leaves the vault.
    pub(crate) amount_out: u64,
    pub(crate) fee: Fraction,
    pub(crate) price_impact: Fraction,
}

/// What of the pool's accounts changes, the balances of its vaults apart. A quote does not ask for it.
#[derive(Debug)]
pub(crate) struct Writes(Option<Vec<FieldWrite>>);

impl Writes {
    pub(crate) fn ignored() -> Self {
        Self(None)
    }

    pub(crate) fn kept() -> Self {
        Self(Some(Vec::new()))
    }

    pub(crate) fn are_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Puts them at the end if they are kept.
    pub(crate) fn add<const N: usize>(&mut self, writes: impl FnOnce() -> [FieldWrite; N]) {
        if let Some(kept) = &mut self.0 {
            kept.extend(writes());
        }
    }

    pub(crate) fn into_list(self) -> Vec<FieldWrite> {
        self.0.unwrap_or_default()
    }
}
