use super::layout::ClmmPool;
use super::program::PROGRAM_ID;
use crate::account::Discriminator;
use crate::anchor::AnchorArguments;
use crate::program_error::{ACCOUNT_NOT_ENOUGH_KEYS, INSTRUCTION_DID_NOT_DESERIALIZE};
use crate::swap::{Limit, SwapInstruction};
use crate::token::{MEMO, token_program_id};
use crate::venue::SwapArgs;
use order_core::token::Program;
use order_core::{Mint, Pubkey};
use solana_instruction::{AccountMeta, Instruction};

const SWAP_V2: Discriminator = 0x2b04_ed0b_1ac9_1e62_u64.to_be_bytes();

/// Without the tick arrays.
const ACCOUNTS: usize = 13;

impl ClmmPool {
    pub(super) fn instruction(&self, args: SwapArgs<'_>) -> Instruction {
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
        let (token_in, token_out) = args.direction.order(*args.tokens);
        let (vault_in, vault_out) = args.direction.order(self.vaults);
        let mut accounts = vec![
            AccountMeta::new_readonly(args.trader.owner, true),
            AccountMeta::new_readonly(self.config, false),
            AccountMeta::new(self.address, false),
            AccountMeta::new(args.trader.source, false),
            AccountMeta::new(args.trader.destination, false),
            AccountMeta::new(vault_in, false),
            AccountMeta::new(vault_out, false),
            AccountMeta::new(self.observation, false),
            AccountMeta::new_readonly(token_program_id(Program::SplToken), false),
            AccountMeta::new_readonly(token_program_id(Program::Token2022), false),
            AccountMeta::new_readonly(MEMO, false),
            AccountMeta::new_readonly(token_in.mint.pubkey(), false),
            AccountMeta::new_readonly(token_out.mint.pubkey(), false),
        ];
        let arrays = self.arrays.towards(args.direction);
        accounts.extend(arrays.iter().map(|array| AccountMeta::new(array.address, false)));
        Instruction { program_id: PROGRAM_ID, accounts, data }
    }
}

pub(super) fn decode_instruction(accounts: &[Pubkey], data: &[u8]) -> Result<SwapInstruction, u32> {
    let limit = decode_limit(data)?;
    let fixed_accounts = accounts.get(..ACCOUNTS).ok_or(ACCOUNT_NOT_ENOUGH_KEYS)?;
    let [owner, _config, pool, source, destination, .., mint_in, _mint_out] = *fixed_accounts else {
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

fn decode_limit(data: &[u8]) -> Result<Limit, u32> {
    let AnchorArguments { amounts: [amount, threshold], rest, name: _ } =
        AnchorArguments::read(data, &[SWAP_V2])?;
    let (price_limit, rest) = rest.split_first_chunk().ok_or(INSTRUCTION_DID_NOT_DESERIALIZE)?;
    // A limit of the price, which may fill a part only, is none of this engine's instructions.
    match (u128::from_le_bytes(*price_limit), rest.first()) {
        (0, Some(1)) => Ok(Limit::ExactIn { amount_in: amount, min_out: threshold }),
        (0, Some(0)) => Ok(Limit::ExactOut { amount_out: amount, max_in: threshold }),
        (_, Some(_) | None) => Err(INSTRUCTION_DID_NOT_DESERIALIZE),
    }
}
