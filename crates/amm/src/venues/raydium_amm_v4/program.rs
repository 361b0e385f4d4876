//! Addresses, error codes and units of the program.

#![expect(missing_docs, reason = "error codes are named as in the program's source")]

use crate::program_error::Names;
use order_core::Pubkey;

/// Address of the program.
pub const PROGRAM_ID: Pubkey = Pubkey::from_str_const("675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8");
/// Seed of the authority.
pub const AUTHORITY_SEED: &[u8] = b"amm authority";

pub const INVALID_STATUS: u32 = 22;
pub const INVALID_INSTRUCTION: u32 = 23;
pub const WRONG_ACCOUNTS_NUMBER: u32 = 24;
pub const INVALID_INPUT: u32 = 29;
pub const SLIPPAGE_EXCEEDED: u32 = 30;
pub const INSUFFICIENT_FUNDS: u32 = 40;
pub const CONVERSION_FAILURE: u32 = 41;
pub const INVALID_USER_TOKEN: u32 = 42;

/// The program counts its codes from zero, as the token program does, whose errors come through it: those
/// that both use are left to the token program, because no instruction of ours provokes the pool's.
pub(super) const ERRORS: Names = &[
    (5, "InvalidPCVault"),
    (21, "InvalidSignAccount"),
    (INVALID_STATUS, "InvalidStatus"),
    (INVALID_INSTRUCTION, "InvalidInstruction"),
    (WRONG_ACCOUNTS_NUMBER, "WrongAccountsNumber"),
    (27, "InvalidAmmAccountOwner"),
    (INVALID_INPUT, "InvalidInput"),
    (SLIPPAGE_EXCEEDED, "ExceededSlippage"),
    (32, "CheckedSubOverflow"),
    (38, "InvalidSplTokenProgram"),
    (INSUFFICIENT_FUNDS, "InsufficientFunds"),
    (CONVERSION_FAILURE, "ConversionFailure"),
    (INVALID_USER_TOKEN, "InvalidUserToken"),
    (59, "NotAllowed"),
];
