//! Decoding of the swap instruction.

use crate::anchor::AnchorArguments;
use crate::instruction::SwapInstruction;
use amm::Limit;
use amm::program_error::{ACCOUNT_NOT_ENOUGH_KEYS, INSTRUCTION_DID_NOT_DESERIALIZE};
use amm::venues::raydium_clmm::instruction::{ACCOUNTS, SWAP_V2};
use order_core::Pubkey;

pub(super) fn decode(accounts: &[Pubkey], data: &[u8]) -> Result<SwapInstruction, u32> {
    SwapInstruction::read(limit(data)?, &ACCOUNTS, accounts).ok_or(ACCOUNT_NOT_ENOUGH_KEYS)
}

fn limit(data: &[u8]) -> Result<Limit, u32> {
    let AnchorArguments { amounts: [amount, threshold], rest, name: _ } =
        AnchorArguments::read(data, &[SWAP_V2])?;
    let (price_limit, rest) = rest.split_first_chunk().ok_or(INSTRUCTION_DID_NOT_DESERIALIZE)?;
    // The engine sets no limit of the price: a swap with one may fill a part only.
    match (u128::from_le_bytes(*price_limit), rest.first()) {
        (0, Some(1)) => Ok(Limit::ExactIn { amount_in: amount, min_out: threshold }),
        (0, Some(0)) => Ok(Limit::ExactOut { amount_out: amount, max_in: threshold }),
        (_, Some(_) | None) => Err(INSTRUCTION_DID_NOT_DESERIALIZE),
    }
}
