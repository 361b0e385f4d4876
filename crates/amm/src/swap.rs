use crate::token::PoolToken;
use order_core::quote::Mode;
use order_core::{Atoms, Fraction, Mint, Pubkey};

/// Why a market gives no quote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// The pool does not trade this token.
    #[error("the pool does not trade {mint}")]
    ForeignMint {
        /// The token that was to be swapped.
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
    /// The swap goes further than the ticks or bins that one instruction names. The pool may have more liquidity there.
    #[error("the amount goes beyond the ticks or bins that one instruction can name")]
    BeyondAccounts,
    /// A number exceeds what the program can calculate with.
    #[error("the amount is too large for the pool's arithmetic")]
    Overflow,
    /// The swap has a feature that this engine does not quote.
    #[error("not supported: {reason}")]
    Unsupported {
        /// The feature that is not supported.
        reason: &'static str,
    },
}

/// Amounts of a swap on one pool, after every fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SwapQuote {
    /// Amount that leaves the trader, transfer fee included, in base units of the input token.
    pub amount_in: Atoms,
    /// Amount that reaches the trader, transfer fee deducted, in base units of the output token.
    pub amount_out: Atoms,
    /// Part of `amount_in` that the input token withholds as its transfer fee.
    pub withheld_in: Atoms,
    /// Amount that the output token withholds as its transfer fee, in addition to `amount_out`.
    pub withheld_out: Atoms,
    /// The rate of the pool's fee; transfer fees of the tokens are not in it.
    pub fee: Fraction,
    /// Price impact: relative difference to the marginal (spot) price, before fees, rounded down.
    pub price_impact: Fraction,
}

/// Amount that a swap fixes, and the bound of the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Spend exactly this much.
    ExactIn {
        /// Amount that leaves the trader.
        amount_in: Atoms,
        /// The least that must reach the trader.
        min_out: Atoms,
    },
    /// Receive exactly this much.
    ExactOut {
        /// Amount that reaches the trader.
        amount_out: Atoms,
        /// The most that may leave the trader.
        max_in: Atoms,
    },
}

impl Limit {
    /// Side that is fixed.
    pub fn mode(self) -> Mode {
        match self {
            Self::ExactIn { .. } => Mode::ExactIn,
            Self::ExactOut { .. } => Mode::ExactOut,
        }
    }

    /// Amount that is fixed.
    pub fn amount(self) -> Atoms {
        match self {
            Self::ExactIn { amount_in, .. } => amount_in,
            Self::ExactOut { amount_out, .. } => amount_out,
        }
    }

    /// The other side's bound: the least output, or the most input.
    pub fn bound(self) -> Atoms {
        match self {
            Self::ExactIn { min_out, .. } => min_out,
            Self::ExactOut { max_in, .. } => max_in,
        }
    }
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
        /// The token that was to be swapped.
        mint: Mint,
    },
    /// An amount or a limit is zero: the first swaps nothing, the second accepts any price.
    #[error("a swap needs an amount and a limit above zero")]
    ZeroAmount,
    /// The pool's program has no swap of an exact output.
    #[error("the pool's program swaps no exact output")]
    ExactOut,
}

/// Why a swap within a limit does not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwapError {
    /// The pool gives no quote.
    #[error(transparent)]
    Quote(#[from] QuoteError),
    /// The swap gives less than the limit.
    #[error("the swap gives less than its limit")]
    TooLittleOut,
    /// The swap takes more than the limit.
    #[error("the swap takes more than its limit")]
    TooMuchIn,
}

/// Positions of accounts in a venue's swap instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountOrder {
    /// Number of accounts at the front that follow from the pool, the trader and the direction alone. What
    /// follows them depends on the pool's state too.
    pub fixed: usize,
    /// Least number of accounts.
    pub least: usize,
    /// The pool.
    pub pool: usize,
    /// The trader, who signs.
    pub owner: usize,
    /// Where the input comes from.
    pub source: usize,
    /// Where the output goes to.
    pub destination: usize,
    /// Mint of the input, if the instruction names it.
    pub mint_in: Option<usize>,
}

/// An address that signs for a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// The address.
    pub address: Pubkey,
    /// Seeds that make the address together with the program's, the bump included.
    pub seeds: Vec<Vec<u8>>,
}

/// Tokens that a swap moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swapped {
    /// Amount to transfer from the source, in base units: to the pool's vault, but for what the trader pays
    /// others. The token withholds its transfer fee from it.
    pub amount_in: Atoms,
    /// Amount to transfer from the pool's vault to the destination, in base units. The token withholds its
    /// transfer fee from it.
    pub amount_out: Atoms,
    /// Amount that reaches the destination.
    pub received: Atoms,
    /// The input token.
    pub token_in: PoolToken,
    /// The output token.
    pub token_out: PoolToken,
    /// The pool's account that receives the input.
    pub vault_in: Pubkey,
    /// The pool's account that pays the output.
    pub vault_out: Pubkey,
    /// Payments to others than the pool and the trader.
    pub payments: Vec<Payment>,
}

/// A payment of a swap to an account that is neither the trader's nor the pool's vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment {
    /// Who pays it.
    pub payer: Payer,
    /// The token account that gets it.
    pub account: Pubkey,
    /// The amount in base units.
    pub amount: Atoms,
}

/// The payer of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payer {
    /// The trader, as a part of the input.
    Trader,
    /// The vault that pays the output, beside it.
    Vault,
}

impl Swapped {
    /// The sum of what one pays to others, in base units.
    pub fn paid_by(&self, payer: Payer) -> Atoms {
        let paid = self.payments.iter().filter(|payment| payment.payer == payer);
        Atoms::new(paid.fold(0, |sum, payment| sum.saturating_add(payment.amount.get())))
    }
}

/// Which of the pool's two tokens goes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The first goes in, the second comes out.
    AToB,
    /// The second goes in, the first comes out.
    BToA,
}

impl Direction {
    /// Orders a pair of the pool as (input, output), and such a pair as the pool does.
    pub fn order<T>(self, [a, b]: [T; 2]) -> (T, T) {
        match self {
            Self::AToB => (a, b),
            Self::BToA => (b, a),
        }
    }
}

/// Amounts of a swap between the pool's vaults: the tokens' transfer fees are outside of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fill {
    /// Amount that arrives in the vault.
    pub(crate) amount_in: u64,
    /// Amount that leaves the vault.
    pub(crate) amount_out: u64,
    pub(crate) fee: Fraction,
    pub(crate) price_impact: Fraction,
}
