use super::layout::CpmmPool;
use super::program::{AUTHORITY, PROGRAM_ID};
use crate::account::Discriminator;
use crate::anchor::AnchorArguments;
use crate::program_error::ACCOUNT_NOT_ENOUGH_KEYS;
use crate::swap::{Limit, SwapInstruction};
use crate::token::token_program_id;
use crate::venue::SwapArgs;
use order_core::{Mint, Pubkey};
use solana_instruction::{AccountMeta, Instruction};

const SWAP_BASE_INPUT: Discriminator = 0x8fbe_5ada_c41e_33de_u64.to_be_bytes();
const SWAP_BASE_OUTPUT: Discriminator = 0x37d9_6256_a34a_b4ad_u64.to_be_bytes();

const ACCOUNTS: usize = 13;

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

pub(super) fn decode_instruction(accounts: &[Pubkey], data: &[u8]) -> Result<SwapInstruction, u32> {
    let AnchorArguments { name, amounts: [first, second], rest: _ } =
        AnchorArguments::read(data, &[SWAP_BASE_INPUT, SWAP_BASE_OUTPUT])?;
    let limit = if name == SWAP_BASE_INPUT {
        Limit::ExactIn { amount_in: first, min_out: second }
    } else {
        Limit::ExactOut { amount_out: second, max_in: first }
    };
    let fixed_accounts = accounts.get(..ACCOUNTS).ok_or(ACCOUNT_NOT_ENOUGH_KEYS)?;
    let [owner, _authority, _config, pool, source, destination, .., mint_in, _mint_out, _observation] =
        *fixed_accounts
    else {
        return Err(ACCOUNT_NOT_ENOUGH_KEYS);
    };
    Ok(SwapInstruction {
        limit,
        pool,
        owner,
        source,
        destination,
        mint_in: Some(Mint::from(mint_in)),
        fixed_accounts: fixed_accounts.to_vec(),
    })
}
