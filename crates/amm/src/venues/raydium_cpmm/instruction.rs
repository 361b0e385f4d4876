//! The swap instruction: its data and the order of its accounts.

use super::layout::CpmmPool;
use super::program::{AUTHORITY, PROGRAM_ID};
use crate::account::Discriminator;
use crate::swap::{AccountOrder, Limit};
use crate::token::token_program_id;
use crate::venue::SwapArgs;
use solana_instruction::{AccountMeta, Instruction};

/// Name of the swap of an exact input.
pub const SWAP_BASE_INPUT: Discriminator = 0x8fbe_5ada_c41e_33de_u64.to_be_bytes();
/// Name of the swap of an exact output.
pub const SWAP_BASE_OUTPUT: Discriminator = 0x37d9_6256_a34a_b4ad_u64.to_be_bytes();

/// Positions of the accounts in the swap.
pub const ACCOUNTS: AccountOrder =
    AccountOrder { fixed: 13, least: 13, pool: 3, owner: 0, source: 4, destination: 5, mint_in: Some(10) };

impl CpmmPool {
    pub(super) fn instruction(&self, args: SwapArgs<'_>) -> Instruction {
        let (discriminator, first, second) = match args.limit {
            Limit::ExactIn { amount_in, min_out } => (SWAP_BASE_INPUT, amount_in, min_out),
            Limit::ExactOut { amount_out, max_in } => (SWAP_BASE_OUTPUT, max_in, amount_out),
        };
        let mut data = discriminator.to_vec();
        data.extend(first.get().to_le_bytes());
        data.extend(second.get().to_le_bytes());
        let (token_in, token_out) = args.direction.order(*args.tokens);
        let (vault_in, vault_out) = args.direction.order(self.vaults);
        let accounts = vec![
            AccountMeta::new_readonly(args.trader.owner, true),
            AccountMeta::new_readonly(AUTHORITY, false),
            AccountMeta::new_readonly(self.config, false),
            AccountMeta::new(self.address, false),
            AccountMeta::new(args.trader.source, false),
            AccountMeta::new(args.trader.destination, false),
            AccountMeta::new(vault_in, false),
            AccountMeta::new(vault_out, false),
            AccountMeta::new_readonly(token_program_id(token_in.program), false),
            AccountMeta::new_readonly(token_program_id(token_out.program), false),
            AccountMeta::new_readonly(token_in.mint.pubkey(), false),
            AccountMeta::new_readonly(token_out.mint.pubkey(), false),
            AccountMeta::new(self.observation, false),
        ];
        Instruction { program_id: PROGRAM_ID, accounts, data }
    }
}
