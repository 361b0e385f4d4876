//! Decoding of the swap instruction.

use crate::anchor::AnchorArguments;
use crate::instruction::SwapInstruction;
use amm::program_error::{ACCOUNT_NOT_ENOUGH_KEYS, INSTRUCTION_DID_NOT_DESERIALIZE};
use amm::venues::orca_whirlpool::instruction::{SWAP_V2, accounts as account_order};
use amm::{Direction, Limit};
use order_core::Pubkey;

pub(super) fn decode(accounts: &[Pubkey], data: &[u8]) -> Result<SwapInstruction, u32> {
    let (limit, direction) = arguments(data)?;
    SwapInstruction::read(limit, &account_order(direction), accounts).ok_or(ACCOUNT_NOT_ENOUGH_KEYS)
}

fn arguments(data: &[u8]) -> Result<(Limit, Direction), u32> {
    let AnchorArguments { amounts: [amount, threshold], rest, name: _ } =
        AnchorArguments::read(data, &[SWAP_V2])?;
    let (price_limit, rest) = rest.split_first_chunk().ok_or(INSTRUCTION_DID_NOT_DESERIALIZE)?;
    // The engine sets no limit of the price: a swap with one may fill a part only.
    let (0, [exact_in, a_to_b, 0]) = (u128::from_le_bytes(*price_limit), rest) else {
        return Err(INSTRUCTION_DID_NOT_DESERIALIZE);
    };
    let limit = if *exact_in == 1 {
        Limit::ExactIn { amount_in: amount, min_out: threshold }
    } else {
        Limit::ExactOut { amount_out: amount, max_in: threshold }
    };
    Ok((limit, if *a_to_b == 1 { Direction::AToB } else { Direction::BToA }))
}
