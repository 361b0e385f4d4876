//! Decoding of the swap instruction.

use crate::anchor::AnchorArguments;
use crate::instruction::SwapInstruction;
use amm::Limit;
use amm::program_error::{ACCOUNT_NOT_ENOUGH_KEYS, INSTRUCTION_DID_NOT_DESERIALIZE};
use amm::venues::meteora_damm_v2::instruction::{ACCOUNTS, MODE_EXACT_IN, MODE_EXACT_OUT, SWAP, SWAP2};
use order_core::Pubkey;

pub(super) fn decode(accounts: &[Pubkey], data: &[u8]) -> Result<SwapInstruction, u32> {
    SwapInstruction::read(limit(data)?, &ACCOUNTS, accounts).ok_or(ACCOUNT_NOT_ENOUGH_KEYS)
}

fn limit(data: &[u8]) -> Result<Limit, u32> {
    let AnchorArguments { name, amounts: [first, second], rest } =
        AnchorArguments::read(data, &[SWAP, SWAP2])?;
    if name == SWAP {
        return Ok(Limit::ExactIn { amount_in: first, min_out: second });
    }
    match rest.first().copied() {
        Some(MODE_EXACT_IN) => Ok(Limit::ExactIn { amount_in: first, min_out: second }),
        Some(MODE_EXACT_OUT) => Ok(Limit::ExactOut { amount_out: first, max_in: second }),
        // The engine never asks for a partial fill.
        Some(_) | None => Err(INSTRUCTION_DID_NOT_DESERIALIZE),
    }
}
