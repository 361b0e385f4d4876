//! Decoding of the swap instruction.

use crate::anchor::AnchorArguments;
use crate::instruction::SwapInstruction;
use amm::Limit;
use amm::program_error::{ACCOUNT_NOT_ENOUGH_KEYS, INSTRUCTION_DID_NOT_DESERIALIZE};
use amm::venues::meteora_dlmm::instruction::{ACCOUNTS, NO_HOOKS, SWAP_EXACT_OUT2, SWAP2};
use order_core::Pubkey;

pub(super) fn decode(accounts: &[Pubkey], data: &[u8]) -> Result<SwapInstruction, u32> {
    SwapInstruction::read(limit(data)?, &ACCOUNTS, accounts).ok_or(ACCOUNT_NOT_ENOUGH_KEYS)
}

fn limit(data: &[u8]) -> Result<Limit, u32> {
    let AnchorArguments { name, amounts: [first, second], rest } =
        AnchorArguments::read(data, &[SWAP2, SWAP_EXACT_OUT2])?;
    if !rest.starts_with(&NO_HOOKS) {
        return Err(INSTRUCTION_DID_NOT_DESERIALIZE);
    }
    Ok(if name == SWAP2 {
        Limit::ExactIn { amount_in: first, min_out: second }
    } else {
        Limit::ExactOut { amount_out: second, max_in: first }
    })
}
