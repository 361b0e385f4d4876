//! Decoding of the swap instruction.

use crate::instruction::SwapInstruction;
use amm::Limit;
use amm::venues::raydium_amm_v4::instruction::{
    ACCOUNTS, SWAP_BASE_IN, SWAP_BASE_IN_V2, SWAP_BASE_OUT, SWAP_BASE_OUT_V2,
};
use amm::venues::raydium_amm_v4::program::{INVALID_INSTRUCTION, WRONG_ACCOUNTS_NUMBER};
use order_core::{Atoms, Pubkey};

pub(super) fn decode(accounts: &[Pubkey], data: &[u8]) -> Result<SwapInstruction, u32> {
    let (tag, arguments) = data.split_first().ok_or(INVALID_INSTRUCTION)?;
    let (first, rest) = arguments.split_first_chunk().ok_or(INVALID_INSTRUCTION)?;
    let (second, _) = rest.split_first_chunk().ok_or(INVALID_INSTRUCTION)?;
    let [first, second] = [*first, *second].map(|bytes| Atoms::new(u64::from_le_bytes(bytes)));
    let limit = match *tag {
        SWAP_BASE_IN | SWAP_BASE_IN_V2 => Limit::ExactIn { amount_in: first, min_out: second },
        SWAP_BASE_OUT | SWAP_BASE_OUT_V2 => Limit::ExactOut { amount_out: second, max_in: first },
        _ => return Err(INVALID_INSTRUCTION),
    };
    let read = match *tag {
        SWAP_BASE_IN | SWAP_BASE_OUT => without_order_book(accounts)
            .and_then(|accounts| SwapInstruction::read(limit, &ACCOUNTS, &accounts)),
        _ => SwapInstruction::read(limit, &ACCOUNTS, accounts),
    };
    read.ok_or(WRONG_ACCOUNTS_NUMBER)
}

/// Accounts of the older swaps that the newer ones have too, in the same order. None if they are neither 17
/// nor, with one more of the order book, 18.
fn without_order_book(accounts: &[Pubkey]) -> Option<[Pubkey; ACCOUNTS.fixed]> {
    let [token_program, pool, authority, _open_orders, rest @ ..] = accounts else { return None };
    let rest = match accounts.len() {
        17 => rest,
        18 => rest.get(1..)?,
        _ => return None,
    };
    let [vault_first, vault_second, .., source, destination, owner] = rest else { return None };
    Some([*token_program, *pool, *authority, *vault_first, *vault_second, *source, *destination, *owner])
}
