//! Decoding of the swap instructions.

use crate::anchor::AnchorArguments;
use crate::instruction::SwapInstruction;
use amm::Limit;
use amm::program_error::ACCOUNT_NOT_ENOUGH_KEYS;
use amm::venues::pump_swap::instruction::{BUY, BUY_ACCOUNTS, BUY_EXACT_QUOTE_IN, SELL, SELL_ACCOUNTS};
use order_core::Pubkey;

pub(super) fn decode(accounts: &[Pubkey], data: &[u8]) -> Result<SwapInstruction, u32> {
    let AnchorArguments { name, amounts: [first, second], rest: _ } =
        AnchorArguments::read(data, &[BUY, BUY_EXACT_QUOTE_IN, SELL])?;
    let (limit, order) = match name {
        BUY => (Limit::ExactOut { amount_out: first, max_in: second }, &BUY_ACCOUNTS),
        BUY_EXACT_QUOTE_IN => (Limit::ExactIn { amount_in: first, min_out: second }, &BUY_ACCOUNTS),
        _ => (Limit::ExactIn { amount_in: first, min_out: second }, &SELL_ACCOUNTS),
    };
    SwapInstruction::read(limit, order, accounts).ok_or(ACCOUNT_NOT_ENOUGH_KEYS)
}
