//! The swap instruction: its data and the order of its accounts.

use super::layout::{ARRAYS, Whirlpool};
use super::program::PROGRAM_ID;
use crate::account::Discriminator;
use crate::swap::{AccountOrder, Direction, Limit};
use crate::token::{MEMO, token_program_id};
use crate::venue::SwapArgs;
use order_core::Pubkey;
use solana_instruction::{AccountMeta, Instruction};

/// Name of the swap of either side.
pub const SWAP_V2: Discriminator = 0x2b04_ed0b_1ac9_1e62_u64.to_be_bytes();

/// Positions of the accounts in the swap of a direction: the pool's first token comes first.
pub const fn accounts(direction: Direction) -> AccountOrder {
    let (source, destination, mint_in) = match direction {
        Direction::AToB => (7, 9, 5),
        Direction::BToA => (9, 7, 6),
    };
    AccountOrder { fixed: 11, least: 15, pool: 4, owner: 3, source, destination, mint_in: Some(mint_in) }
}

impl Whirlpool {
    pub(super) fn instruction(&self, args: SwapArgs<'_>) -> Instruction {
        let (amount, threshold, exact_in) = match args.limit {
            Limit::ExactIn { amount_in, min_out } => (amount_in, min_out, true),
            Limit::ExactOut { amount_out, max_in } => (amount_out, max_in, false),
        };
        let (ours_a, ours_b) = args.direction.order([args.trader.source, args.trader.destination]);
        let mut data = SWAP_V2.to_vec();
        data.extend(amount.get().to_le_bytes());
        data.extend(threshold.get().to_le_bytes());
        // No limit of the price: the threshold says enough.
        data.extend(0_u128.to_le_bytes());
        // The last byte says that nothing follows about further accounts.
        data.extend([u8::from(exact_in), u8::from(args.direction == Direction::AToB), 0]);
        let [token_a, token_b] = args.tokens;
        let [vault_a, vault_b] = self.vaults;
        let mut accounts = vec![
            AccountMeta::new_readonly(token_program_id(token_a.program), false),
            AccountMeta::new_readonly(token_program_id(token_b.program), false),
            AccountMeta::new_readonly(MEMO, false),
            AccountMeta::new_readonly(args.trader.owner, true),
            AccountMeta::new(self.address, false),
            AccountMeta::new_readonly(token_a.mint.pubkey(), false),
            AccountMeta::new_readonly(token_b.mint.pubkey(), false),
            AccountMeta::new(ours_a, false),
            AccountMeta::new(vault_a, false),
            AccountMeta::new(ours_b, false),
            AccountMeta::new(vault_b, false),
        ];
        accounts.extend(self.three_arrays(args.direction).map(|array| AccountMeta::new(array, false)));
        accounts.push(AccountMeta::new(self.oracle, false));
        Instruction { program_id: PROGRAM_ID, accounts, data }
    }

    /// Where the prices end, the last array is named again.
    fn three_arrays(&self, direction: Direction) -> impl Iterator<Item = Pubkey> {
        let arrays = self.arrays.towards(direction);
        let last = arrays.last().map(|array| array.address).unwrap_or_default();
        arrays.iter().map(|array| array.address).chain(std::iter::repeat(last)).take(ARRAYS)
    }
}
