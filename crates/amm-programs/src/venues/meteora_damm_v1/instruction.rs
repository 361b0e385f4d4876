//! Decoding of the swap instruction.

use crate::anchor::AnchorArguments;
use crate::instruction::SwapInstruction;
use amm::Limit;
use amm::program_error::ACCOUNT_NOT_ENOUGH_KEYS;
use amm::venues::meteora_damm_v1::instruction::{ACCOUNTS, SWAP};
use order_core::Pubkey;

pub(super) fn decode(accounts: &[Pubkey], data: &[u8]) -> Result<SwapInstruction, u32> {
    let AnchorArguments { amounts: [amount_in, min_out], name: _, rest: _ } =
        AnchorArguments::read(data, &[SWAP])?;
    let limit = Limit::ExactIn { amount_in, min_out };
    SwapInstruction::read(limit, &ACCOUNTS, accounts).ok_or(ACCOUNT_NOT_ENOUGH_KEYS)
}
