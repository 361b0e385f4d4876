//! The swap instruction: its data and the order of its accounts.

use super::layout::ClmmPool;
use super::program::PROGRAM_ID;
use crate::account::Discriminator;
use crate::concentrated::TickArrayAddress;
use crate::swap::{AccountOrder, Limit};
use crate::token::{MEMO, token_program_id};
use crate::venue::SwapArgs;
use order_core::Pubkey;
use order_core::token::Program;
use solana_instruction::{AccountMeta, Instruction};

/// Name of the swap of either side.
pub const SWAP_V2: Discriminator = 0x2b04_ed0b_1ac9_1e62_u64.to_be_bytes();

/// Positions of the accounts in the swap.
pub const ACCOUNTS: AccountOrder =
    AccountOrder { fixed: 13, least: 13, pool: 2, owner: 0, source: 3, destination: 4, mint_in: Some(11) };

impl ClmmPool {
    /// The swap, with the bitmap's extension if it is needed, and the tick arrays on the way.
    pub(super) fn instruction(
        &self,
        args: SwapArgs<'_>,
        extension: Option<Pubkey>,
        arrays: &[TickArrayAddress],
    ) -> Instruction {
        let (amount, threshold, exact_in) = match args.limit {
            Limit::ExactIn { amount_in, min_out } => (amount_in, min_out, true),
            Limit::ExactOut { amount_out, max_in } => (amount_out, max_in, false),
        };
        let mut data = SWAP_V2.to_vec();
        data.extend(amount.get().to_le_bytes());
        data.extend(threshold.get().to_le_bytes());
        // No limit of the price: the threshold says enough.
        data.extend(0_u128.to_le_bytes());
        data.push(u8::from(exact_in));
        let Self { address, config, observation, vaults, .. } = *self;
        let (token_in, token_out) = args.direction.order(*args.tokens);
        let (vault_in, vault_out) = args.direction.order(vaults);
        let mut accounts = vec![
            AccountMeta::new_readonly(args.trader.owner, true),
            AccountMeta::new_readonly(config, false),
            AccountMeta::new(address, false),
            AccountMeta::new(args.trader.source, false),
            AccountMeta::new(args.trader.destination, false),
            AccountMeta::new(vault_in, false),
            AccountMeta::new(vault_out, false),
            AccountMeta::new(observation, false),
            AccountMeta::new_readonly(token_program_id(Program::SplToken), false),
            AccountMeta::new_readonly(token_program_id(Program::Token2022), false),
            AccountMeta::new_readonly(MEMO, false),
            AccountMeta::new_readonly(token_in.mint.pubkey(), false),
            AccountMeta::new_readonly(token_out.mint.pubkey(), false),
        ];
        accounts.extend(extension.map(|extension| AccountMeta::new(extension, false)));
        accounts.extend(arrays.iter().map(|array| AccountMeta::new(array.address, false)));
        Instruction { program_id: PROGRAM_ID, accounts, data }
    }
}
