//! Addresses, error codes and units of the program.

#![expect(missing_docs, reason = "error codes are named as in the program's source")]

use crate::program_error::Names;
use order_core::Pubkey;

/// Address of the program.
pub const PROGRAM_ID: Pubkey = Pubkey::from_str_const("pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA");
/// Address of the program that keeps the fees.
pub const FEE_PROGRAM: Pubkey = Pubkey::from_str_const("pfeeUxB6jkeY1Hxd7CsFCAjcbHA9rWtchMGdZ6VojVZ");
/// Address of the program that creates tokens, and the pools that they move to.
pub const PUMP_PROGRAM: Pubkey = Pubkey::from_str_const("6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P");
/// Address of the configuration that all pools share.
pub const GLOBAL_CONFIG: Pubkey = Pubkey::from_str_const("ADyA8hdefvWN2dbGGWFotbzWxrAvLW83WG6QCVXvJKqw");
/// Address of the fees that all pools share.
pub const FEE_CONFIG: Pubkey = Pubkey::from_str_const("5PHirr8joyTMp9JMm6nW7hNDVyEYdkzDqazxPD7RaTjx");
/// Address that signs the program's events.
pub(super) const EVENT_AUTHORITY: Pubkey =
    Pubkey::from_str_const("GS4CU59F31iL7aR2Q8zVS8DRrcRnXX1yjQ66TqNVQnaR");
/// Address of the account that counts what all traders buy.
pub const GLOBAL_VOLUME: Pubkey = Pubkey::from_str_const("C2aFPdENg4A2HQsmrd5rTw5TaYBX5Ku887cWjbFKtZpw");
pub(super) const ASSOCIATED_TOKEN_PROGRAM: Pubkey =
    Pubkey::from_str_const("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");
pub(super) const SYSTEM_PROGRAM: Pubkey = Pubkey::new_from_array([0; 32]);

pub const ZERO_BASE_AMOUNT: u32 = 6001;
pub const ZERO_QUOTE_AMOUNT: u32 = 6002;
pub const EXCEEDED_SLIPPAGE: u32 = 6004;
pub const BUY_MORE_THAN_RESERVES: u32 = 6016;
pub const DISABLED_BUY: u32 = 6020;
pub const OVERFLOW: u32 = 6023;
pub const TOO_LITTLE_BASE: u32 = 6040;
pub const INSUFFICIENT_REAL_RESERVES: u32 = 6063;

pub(super) const ERRORS: Names = &[
    (ZERO_BASE_AMOUNT, "ZeroBaseAmount"),
    (ZERO_QUOTE_AMOUNT, "ZeroQuoteAmount"),
    (6003, "TooLittlePoolTokenLiquidity"),
    (EXCEEDED_SLIPPAGE, "ExceededSlippage"),
    (6013, "InvalidProtocolFeeRecipient"),
    (BUY_MORE_THAN_RESERVES, "BuyMoreBaseAmountThanPoolReserves"),
    (DISABLED_BUY, "DisabledBuy"),
    (6021, "DisabledSell"),
    (OVERFLOW, "Overflow"),
    (6039, "BuyNotEnoughQuoteTokensToCoverFees"),
    (TOO_LITTLE_BASE, "BuySlippageBelowMinBaseAmountOut"),
    (6053, "BuybackFeeRecipientNotAuthorized"),
    (6058, "BuybackFeeRecipientMissing"),
    (6062, "InvalidPoolV2"),
    (INSUFFICIENT_REAL_RESERVES, "InsufficientRealQuoteReserves"),
];
