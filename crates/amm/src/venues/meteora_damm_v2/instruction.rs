//! The swap instruction: its data and the order of its accounts.

use super::layout::DammV2Pool;
use super::program::{AUTHORITY, EVENT_AUTHORITY, PROGRAM_ID};
use crate::account::Discriminator;
use crate::swap::{AccountOrder, Limit};
use crate::token::token_program_id;
use crate::venue::SwapArgs;
use order_core::Pubkey;
use solana_instruction::{AccountMeta, Instruction};

/// Name of the older swap, of an exact input.
pub const SWAP: Discriminator = 0xf8c6_9e91_e175_87c8_u64.to_be_bytes();
/// Name of the swap of either side.
pub const SWAP2: Discriminator = 0x414b_3f4c_eb5b_5b88_u64.to_be_bytes();
/// Mode of a swap of an exact input.
pub const MODE_EXACT_IN: u8 = 0;
/// Mode of a swap of an exact output.
pub const MODE_EXACT_OUT: u8 = 2;
const INSTRUCTIONS_SYSVAR: Pubkey = Pubkey::from_str_const("Sysvar1nstructions1111111111111111111111111");

/// Positions of the accounts in the swap.
pub const ACCOUNTS: AccountOrder =
    AccountOrder { fixed: 14, least: 14, pool: 1, owner: 8, source: 2, destination: 3, mint_in: None };

impl DammV2Pool {
    pub(super) fn instruction(&self, args: SwapArgs<'_>) -> Instruction {
        let (first, second, mode) = match args.limit {
            Limit::ExactIn { amount_in, min_out } => (amount_in, min_out, MODE_EXACT_IN),
            Limit::ExactOut { amount_out, max_in } => (amount_out, max_in, MODE_EXACT_OUT),
        };
        let mut data = SWAP2.to_vec();
        data.extend(first.get().to_le_bytes());
        data.extend(second.get().to_le_bytes());
        data.push(mode);
        let [token_a, token_b] = args.tokens;
        let [vault_a, vault_b] = self.vaults;
        let mut accounts = vec![
            AccountMeta::new_readonly(AUTHORITY, false),
            AccountMeta::new(self.address, false),
            AccountMeta::new(args.trader.source, false),
            AccountMeta::new(args.trader.destination, false),
            AccountMeta::new(vault_a, false),
            AccountMeta::new(vault_b, false),
            AccountMeta::new_readonly(token_a.mint.pubkey(), false),
            AccountMeta::new_readonly(token_b.mint.pubkey(), false),
            AccountMeta::new_readonly(args.trader.owner, true),
            AccountMeta::new_readonly(token_program_id(token_a.program), false),
            AccountMeta::new_readonly(token_program_id(token_b.program), false),
            // The program's own address in the referrer's place means that there is none.
            AccountMeta::new_readonly(PROGRAM_ID, false),
            AccountMeta::new_readonly(EVENT_AUTHORITY, false),
            AccountMeta::new_readonly(PROGRAM_ID, false),
        ];
        if self.base_fee.inspects_transaction() {
            accounts.push(AccountMeta::new_readonly(INSTRUCTIONS_SYSVAR, false));
        }
        Instruction { program_id: PROGRAM_ID, accounts, data }
    }
}
