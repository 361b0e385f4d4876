//! The swap instruction: its data and the order of its accounts.

use super::layout::AmmV4Pool;
use super::program::PROGRAM_ID;
use crate::swap::{AccountOrder, Limit};
use crate::token::token_program_id;
use crate::venue::SwapArgs;
use order_core::token::Program;
use solana_instruction::{AccountMeta, Instruction};

/// Tag of the older swap of an exact input, which names the order book's accounts too.
pub const SWAP_BASE_IN: u8 = 9;
/// Tag of the older swap of an exact output, which names the order book's accounts too.
pub const SWAP_BASE_OUT: u8 = 11;
/// Tag of the swap of an exact input.
pub const SWAP_BASE_IN_V2: u8 = 16;
/// Tag of the swap of an exact output.
pub const SWAP_BASE_OUT_V2: u8 = 17;

/// Positions of the accounts in the swap.
pub const ACCOUNTS: AccountOrder =
    AccountOrder { fixed: 8, least: 8, pool: 1, owner: 7, source: 5, destination: 6, mint_in: None };

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
