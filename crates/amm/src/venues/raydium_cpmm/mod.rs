//! Raydium CPMM: constant product, with a trade fee on the input and a creator's fee on either side.

mod curve;
mod instruction;
mod layout;
mod seeding;

pub(crate) use curve::{Change, Curve};
pub(crate) use instruction::decode_instruction;
pub(crate) use layout::{POOL_DISCRIMINATOR, POOL_SIZE, Pool};
pub(crate) use seeding::seed;

use crate::program_error::{CONSTRAINT_ADDRESS, Names, REQUIRE_GREATER_VIOLATED};
use crate::swap::QuoteError;
use order_core::Pubkey;

pub(crate) const PROGRAM_ID: Pubkey = Pubkey::from_str_const("CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C");
pub(crate) const AUTHORITY: Pubkey = Pubkey::from_str_const("GpMZbSM2GgvTKHJirzeGfMFoaZ8UR2X7F4v8vHTvxFbL");
pub(crate) const AUTHORITY_SEED: &[u8] = b"vault_and_lp_mint_auth_seed";
pub(crate) const AUTHORITY_BUMP: u8 = 253;

/// Rates of fees are in millionths.
const RATE_ONE: u64 = 1_000_000;

const NOT_APPROVED: u32 = 6000;
pub(crate) const SLIPPAGE_EXCEEDED: u32 = 6005;
const ZERO_TRADING_TOKENS: u32 = 6006;
const INSUFFICIENT_VAULT: u32 = 6012;

pub(crate) const ERRORS: Names = &[
    (NOT_APPROVED, "NotApproved"),
    (6001, "InvalidOwner"),
    (6002, "EmptySupply"),
    (6003, "InvalidInput"),
    (6004, "IncorrectLpMint"),
    (SLIPPAGE_EXCEEDED, "ExceededSlippage"),
    (ZERO_TRADING_TOKENS, "ZeroTradingTokens"),
    (INSUFFICIENT_VAULT, "InsufficientVault"),
];

pub(crate) fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => CONSTRAINT_ADDRESS,
        QuoteError::Closed { .. } => NOT_APPROVED,
        QuoteError::ZeroAmount | QuoteError::NothingOut => REQUIRE_GREATER_VIOLATED,
        QuoteError::InsufficientLiquidity => INSUFFICIENT_VAULT,
        QuoteError::Overflow | QuoteError::Unsupported { .. } => ZERO_TRADING_TOKENS,
    }
}
