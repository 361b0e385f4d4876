//! Addresses, error codes and units of the program.

#![expect(missing_docs, reason = "error codes are named as in the program's source")]

use crate::program_error::Names;
use order_core::Pubkey;

/// Address of the program.
pub const PROGRAM_ID: Pubkey = Pubkey::from_str_const("CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C");
/// Address that signs for all pools.
pub const AUTHORITY: Pubkey = Pubkey::from_str_const("GpMZbSM2GgvTKHJirzeGfMFoaZ8UR2X7F4v8vHTvxFbL");
/// Seed of the authority.
pub(super) const AUTHORITY_SEED: &[u8] = b"vault_and_lp_mint_auth_seed";
/// Bump of the authority.
pub const AUTHORITY_BUMP: u8 = 253;

/// Rates of fees are in millionths.
pub(super) const RATE_ONE: u64 = 1_000_000;

pub const NOT_APPROVED: u32 = 6000;
pub const SLIPPAGE_EXCEEDED: u32 = 6005;
pub const ZERO_TRADING_TOKENS: u32 = 6006;
pub const INSUFFICIENT_VAULT: u32 = 6012;

pub(super) const ERRORS: Names = &[
    (NOT_APPROVED, "NotApproved"),
    (6001, "InvalidOwner"),
    (6002, "EmptySupply"),
    (6003, "InvalidInput"),
    (6004, "IncorrectLpMint"),
    (SLIPPAGE_EXCEEDED, "ExceededSlippage"),
    (ZERO_TRADING_TOKENS, "ZeroTradingTokens"),
    (INSUFFICIENT_VAULT, "InsufficientVault"),
];
