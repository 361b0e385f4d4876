//! The swap instruction: its data and the order of its accounts.

use super::layout::DammV1Pool;
use super::program::{PROGRAM_ID, VAULT_PROGRAM_ID};
use crate::account::Discriminator;
use crate::swap::{AccountOrder, Limit};
use crate::token::token_program_id;
use crate::venue::SwapArgs;
use order_core::Pubkey;
use order_core::token::Program;
use solana_instruction::{AccountMeta, Instruction};

/// Name of the swap of an exact input.
pub const SWAP: Discriminator = 0xf8c6_9e91_e175_87c8_u64.to_be_bytes();

/// Positions of the accounts in the swap.
pub const ACCOUNTS: AccountOrder =
    AccountOrder { fixed: 15, least: 15, pool: 0, owner: 12, source: 1, destination: 2, mint_in: None };

/// Builds the swap between the pool's vaults, whose shares are these tokens.
pub(super) fn swap(pool: &DammV1Pool, lp_mints: [Pubkey; 2], args: SwapArgs<'_>) -> Instruction {
    // An exact output is refused before; the program would take this as an exact input.
    let (first, second) = match args.limit {
        Limit::ExactIn { amount_in, min_out } => (amount_in, min_out),
        Limit::ExactOut { amount_out, max_in } => (max_in, amount_out),
    };
    let mut data = SWAP.to_vec();
    data.extend(first.get().to_le_bytes());
    data.extend(second.get().to_le_bytes());
    let (protocol_fee, _) = args.direction.order(pool.protocol_fee_accounts);
    let mut accounts = vec![
        AccountMeta::new(pool.address, false),
        AccountMeta::new(args.trader.source, false),
        AccountMeta::new(args.trader.destination, false),
    ];
    let pairs = [pool.lending_vaults, pool.token_vaults, lp_mints, pool.vault_lps];
    accounts.extend(pairs.concat().into_iter().map(|address| AccountMeta::new(address, false)));
    accounts.extend([
        AccountMeta::new(protocol_fee, false),
        AccountMeta::new_readonly(args.trader.owner, true),
        AccountMeta::new_readonly(VAULT_PROGRAM_ID, false),
        AccountMeta::new_readonly(token_program_id(Program::SplToken), false),
    ]);
    Instruction { program_id: PROGRAM_ID, accounts, data }
}
