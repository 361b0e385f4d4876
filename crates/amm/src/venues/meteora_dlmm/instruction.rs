//! The swap instruction: its data and the order of its accounts.

use super::layout::DlmmPool;
use super::program::PROGRAM_ID;
use crate::account::Discriminator;
use crate::swap::{AccountOrder, Limit};
use crate::token::{MEMO, token_program_id};
use crate::venue::SwapArgs;
use order_core::Pubkey;
use solana_instruction::{AccountMeta, Instruction};

/// Name of the swap of an exact input.
pub const SWAP2: Discriminator = 0x414b_3f4c_eb5b_5b88_u64.to_be_bytes();
/// Name of the swap of an exact output.
pub const SWAP_EXACT_OUT2: Discriminator = 0x2bd7_f784_893c_f351_u64.to_be_bytes();
/// No accounts for transfer hooks follow: tokens that need some are refused.
pub const NO_HOOKS: [u8; 4] = [0; 4];

const EVENT_AUTHORITY: Pubkey = Pubkey::from_str_const("D1ZN9Wj1fRSUQfCjhvnu1hqDMT7hzjzBBpi12nVniYD6");

/// Positions of the accounts in the swap.
pub const ACCOUNTS: AccountOrder =
    AccountOrder { fixed: 16, least: 16, pool: 0, owner: 10, source: 4, destination: 5, mint_in: None };

/// Builds the swap; the bin arrays that it enters follow the fixed accounts.
pub(super) fn swap(pool: &DlmmPool, arrays: &[Pubkey], args: SwapArgs<'_>) -> Instruction {
    let (name, first, second) = match args.limit {
        Limit::ExactIn { amount_in, min_out } => (SWAP2, amount_in, min_out),
        Limit::ExactOut { amount_out, max_in } => (SWAP_EXACT_OUT2, max_in, amount_out),
    };
    let mut data = name.to_vec();
    data.extend(first.get().to_le_bytes());
    data.extend(second.get().to_le_bytes());
    data.extend(NO_HOOKS);
    let mut accounts = fixed_accounts(pool, args);
    accounts.extend(arrays.iter().map(|address| AccountMeta::new(*address, false)));
    Instruction { program_id: PROGRAM_ID, accounts, data }
}

fn fixed_accounts(pool: &DlmmPool, args: SwapArgs<'_>) -> Vec<AccountMeta> {
    let [token_x, token_y] = args.tokens;
    let [vault_x, vault_y] = pool.vaults;
    // The program's own address in the place of an account means that there is none.
    let none = AccountMeta::new_readonly(PROGRAM_ID, false);
    vec![
        AccountMeta::new(pool.address, false),
        // Swaps leave the bitmap as it is, but the program wants to be able to write it.
        pool.extension.map_or(none.clone(), |extension| AccountMeta::new(extension, false)),
        AccountMeta::new(vault_x, false),
        AccountMeta::new(vault_y, false),
        AccountMeta::new(args.trader.source, false),
        AccountMeta::new(args.trader.destination, false),
        AccountMeta::new_readonly(token_x.mint.pubkey(), false),
        AccountMeta::new_readonly(token_y.mint.pubkey(), false),
        AccountMeta::new(pool.oracle, false),
        none,
        AccountMeta::new_readonly(args.trader.owner, true),
        AccountMeta::new_readonly(token_program_id(token_x.program), false),
        AccountMeta::new_readonly(token_program_id(token_y.program), false),
        AccountMeta::new_readonly(MEMO, false),
        AccountMeta::new_readonly(EVENT_AUTHORITY, false),
        AccountMeta::new_readonly(PROGRAM_ID, false),
    ]
}
