use super::layout::AmmV4Pool;
use super::program::{INVALID_INSTRUCTION, PROGRAM_ID, WRONG_ACCOUNTS_NUMBER};
use crate::swap::{Limit, SwapInstruction};
use crate::token::token_program_id;
use crate::venue::SwapArgs;
use order_core::token::Program;
use order_core::{Atoms, Pubkey};
use solana_instruction::{AccountMeta, Instruction};

/// The older pair lists the order book's accounts too, and does not read them.
const SWAP_BASE_IN: u8 = 9;
const SWAP_BASE_OUT: u8 = 11;
const SWAP_BASE_IN_V2: u8 = 16;
const SWAP_BASE_OUT_V2: u8 = 17;

const ACCOUNTS: usize = 8;

impl AmmV4Pool {
    pub(super) fn instruction(&self, args: SwapArgs<'_>) -> Instruction {
        let (tag, first, second) = match args.limit {
            Limit::ExactIn { amount_in, min_out } => (SWAP_BASE_IN_V2, amount_in, min_out),
            Limit::ExactOut { amount_out, max_in } => (SWAP_BASE_OUT_V2, max_in, amount_out),
        };
        let mut data = vec![tag];
        data.extend(first.get().to_le_bytes());
        data.extend(second.get().to_le_bytes());
        let [vault_first, vault_second] = self.vaults;
        let accounts = vec![
            AccountMeta::new_readonly(token_program_id(Program::SplToken), false),
            AccountMeta::new(self.address, false),
            AccountMeta::new_readonly(self.authority, false),
            AccountMeta::new(vault_first, false),
            AccountMeta::new(vault_second, false),
            AccountMeta::new(args.trader.source, false),
            AccountMeta::new(args.trader.destination, false),
            AccountMeta::new_readonly(args.trader.owner, true),
        ];
        Instruction { program_id: PROGRAM_ID, accounts, data }
    }
}

pub(super) fn decode_instruction(accounts: &[Pubkey], data: &[u8]) -> Result<SwapInstruction, u32> {
    let (tag, arguments) = data.split_first().ok_or(INVALID_INSTRUCTION)?;
    let (first, rest) = arguments.split_first_chunk().ok_or(INVALID_INSTRUCTION)?;
    let (second, _) = rest.split_first_chunk().ok_or(INVALID_INSTRUCTION)?;
    let [first, second] = [*first, *second].map(|bytes| Atoms::new(u64::from_le_bytes(bytes)));
    let limit = match *tag {
        SWAP_BASE_IN | SWAP_BASE_IN_V2 => Limit::ExactIn { amount_in: first, min_out: second },
        SWAP_BASE_OUT | SWAP_BASE_OUT_V2 => Limit::ExactOut { amount_out: second, max_in: first },
        _ => return Err(INVALID_INSTRUCTION),
    };
    let accounts = match *tag {
        SWAP_BASE_IN | SWAP_BASE_OUT => without_order_book(accounts),
        _ => accounts.first_chunk().copied(),
    };
    let fixed_accounts: [Pubkey; ACCOUNTS] = accounts.ok_or(WRONG_ACCOUNTS_NUMBER)?;
    let [_token_program, pool, _authority, _vault_first, _vault_second, source, destination, owner] =
        fixed_accounts;
    Ok(SwapInstruction {
        limit,
        pool,
        owner,
        source,
        destination,
        mint_in: None,
        fixed_accounts: fixed_accounts.to_vec(),
    })
}

/// The accounts of the older pair that the newer has too. None if they are neither 17 nor, with one more of
/// the order book, 18.
fn without_order_book(accounts: &[Pubkey]) -> Option<[Pubkey; ACCOUNTS]> {
    let [token_program, pool, authority, _open_orders, rest @ ..] = accounts else { return None };
    let rest = match accounts.len() {
        17 => rest,
        18 => rest.get(1..)?,
        _ => return None,
    };
    let [vault_first, vault_second, .., source, destination, owner] = rest else { return None };
    Some([*token_program, *pool, *authority, *vault_first, *vault_second, *source, *destination, *owner])
}
