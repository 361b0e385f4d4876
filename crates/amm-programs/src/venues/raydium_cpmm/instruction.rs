//! Decoding of the swap instruction.

use crate::anchor::AnchorArguments;
use crate::instruction::SwapInstruction;
use amm::Limit;
use amm::program_error::ACCOUNT_NOT_ENOUGH_KEYS;
use amm::venues::raydium_cpmm::instruction::{ACCOUNTS, SWAP_BASE_INPUT, SWAP_BASE_OUTPUT};
use order_core::Pubkey;

pub(super) fn decode(accounts: &[Pubkey], data: &[u8]) -> Result<SwapInstruction, u32> {
    let AnchorArguments { name, amounts: [first, second], rest: _ } =
        AnchorArguments::read(data, &[SWAP_BASE_INPUT, SWAP_BASE_OUTPUT])?;
    let limit = if name == SWAP_BASE_INPUT {
        Limit::ExactIn { amount_in: first, min_out: second }
    } else {
        Limit::ExactOut { amount_out: second, max_in: first }
    };
    SwapInstruction::read(limit, &ACCOUNTS, accounts).ok_or(ACCOUNT_NOT_ENOUGH_KEYS)
}
