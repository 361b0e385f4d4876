//! Raydium CPMM: constant product, with a trade fee on the input and a creator's fee on either side.

mod curve;
mod instruction;
mod layout;
mod seeding;

use crate::program_error::{CONSTRAINT_ADDRESS, Names, REQUIRE_GREATER_VIOLATED};
use crate::swap::QuoteError;
use crate::venues::Program;
use order_core::Pubkey;
use std::sync::Arc;

pub(super) const PROGRAM: Program = Program {
    address: PROGRAM_ID,
    pool_size: layout::POOL_SIZE,
    pool_discriminator: Some(layout::POOL_DISCRIMINATOR),
    mints_at: layout::pool_offset::MINTS,
    sorts_mints: true,
    errors: ERRORS,
    too_little_out: SLIPPAGE_EXCEEDED,
    too_much_in: SLIPPAGE_EXCEEDED,
    error_code,
    decode: |address, data| Ok(Arc::new(layout::Pool::decode(address, data)?)),
    decode_instruction: instruction::decode_instruction,
    seed: seeding::seed,
};

const PROGRAM_ID: Pubkey = Pubkey::from_str_const("CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C");
const AUTHORITY: Pubkey = Pubkey::from_str_const("GpMZbSM2GgvTKHJirzeGfMFoaZ8UR2X7F4v8vHTvxFbL");
const AUTHORITY_SEED: &[u8] = b"vault_and_lp_mint_auth_seed";
const AUTHORITY_BUMP: u8 = 253;

/// Rates of fees are in millionths.
const RATE_ONE: u64 = 1_000_000;

const NOT_APPROVED: u32 = 6000;
const SLIPPAGE_EXCEEDED: u32 = 6005;
const ZERO_TRADING_TOKENS: u32 = 6006;
const INSUFFICIENT_VAULT: u32 = 6012;

const ERRORS: Names = &[
    (NOT_APPROVED, "NotApproved"),
    (6001, "InvalidOwner"),
    (6002, "EmptySupply"),
    (6003, "InvalidInput"),
    (6004, "IncorrectLpMint"),
    (SLIPPAGE_EXCEEDED, "ExceededSlippage"),
    (ZERO_TRADING_TOKENS, "ZeroTradingTokens"),
    (INSUFFICIENT_VAULT, "InsufficientVault"),
];

fn error_code(error: &QuoteError) -> u32 {
    match error {
        QuoteError::ForeignMint { .. } => CONSTRAINT_ADDRESS,
        QuoteError::Closed { .. } => NOT_APPROVED,
        QuoteError::ZeroAmount | QuoteError::NothingOut => REQUIRE_GREATER_VIOLATED,
        QuoteError::InsufficientLiquidity => INSUFFICIENT_VAULT,
        QuoteError::Overflow | QuoteError::Unsupported { .. } => ZERO_TRADING_TOKENS,
    }
}
