use super::layout::DlmmPool;
use super::program::PROGRAM_ID;
use crate::account::Discriminator;
use crate::anchor::AnchorArguments;
use crate::program_error::{ACCOUNT_NOT_ENOUGH_KEYS, INSTRUCTION_DID_NOT_DESERIALIZE};
use crate::swap::{Limit, SwapInstruction};
use crate::token::{MEMO, token_program_id};
use crate::venue::SwapArgs;
use order_core::Pubkey;
use solana_instruction::{AccountMeta, Instruction};

const SWAP2: Discriminator = 0x414b_3f4c_eb5b_5b88_u64.to_be_bytes();
const SWAP_EXACT_OUT2: Discriminator = 0x2bd7_f784_893c_f351_u64.to_be_bytes();
/// No accounts for transfer hooks follow: tokens that need some are refused.
const NO_HOOKS: [u8; 4] = [0; 4];

const EVENT_AUTHORITY: Pubkey = Pubkey::from_str_const("D1ZN9Wj1fRSUQfCjhvnu1hqDMT7hzjzBBpi12nVniYD6");

/// Without the bin arrays.
const ACCOUNTS: usize = 16;

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
        none.clone(),
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

pub(super) fn decode_instruction(accounts: &[Pubkey], data: &[u8]) -> Result<SwapInstruction, u32> {
    let limit = decode_limit(data)?;
    let fixed_accounts = accounts.get(..ACCOUNTS).ok_or(ACCOUNT_NOT_ENOUGH_KEYS)?;
    let [pool, _, _, _, source, destination, _, _, _, _, owner, ..] = *fixed_accounts else {
        return Err(ACCOUNT_NOT_ENOUGH_KEYS);
    };
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

fn decode_limit(data: &[u8]) -> Result<Limit, u32> {
    let AnchorArguments { name, amounts: [first, second], rest } =
        AnchorArguments::read(data, &[SWAP2, SWAP_EXACT_OUT2])?;
    if !rest.starts_with(&NO_HOOKS) {
        return Err(INSTRUCTION_DID_NOT_DESERIALIZE);
    }
    Ok(if name == SWAP2 {
        Limit::ExactIn { amount_in: first, min_out: second }
    } else {
        Limit::ExactOut { amount_out: second, max_in: first }
    })
}
