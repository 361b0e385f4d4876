use super::layout::DammV2Pool;
use super::program::{AUTHORITY, EVENT_AUTHORITY, PROGRAM_ID};
use crate::account::Discriminator;
use crate::anchor::AnchorArguments;
use crate::program_error::{ACCOUNT_NOT_ENOUGH_KEYS, INSTRUCTION_DID_NOT_DESERIALIZE};
use crate::swap::{Limit, SwapInstruction};
use crate::token::token_program_id;
use crate::venue::SwapArgs;
use order_core::Pubkey;
use solana_instruction::{AccountMeta, Instruction};

const SWAP: Discriminator = 0xf8c6_9e91_e175_87c8_u64.to_be_bytes();
const SWAP2: Discriminator = 0x414b_3f4c_eb5b_5b88_u64.to_be_bytes();
const MODE_EXACT_IN: u8 = 0;
const MODE_EXACT_OUT: u8 = 2;
const INSTRUCTIONS_SYSVAR: Pubkey = Pubkey::from_str_const("Sysvar1nstructions1111111111111111111111111");

/// Without the one that only some pools need.
const ACCOUNTS: usize = 14;

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

pub(super) fn decode_instruction(accounts: &[Pubkey], data: &[u8]) -> Result<SwapInstruction, u32> {
    let limit = decode_limit(data)?;
    let fixed_accounts = accounts.get(..ACCOUNTS).ok_or(ACCOUNT_NOT_ENOUGH_KEYS)?;
    let [_authority, pool, source, destination, _vault_a, _vault_b, _mint_a, _mint_b, owner, ..] =
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
        mint_in: None,
        fixed_accounts: fixed_accounts.to_vec(),
    })
}

fn decode_limit(data: &[u8]) -> Result<Limit, u32> {
    let AnchorArguments { name, amounts: [first, second], rest } =
        AnchorArguments::read(data, &[SWAP, SWAP2])?;
    if name == SWAP {
        return Ok(Limit::ExactIn { amount_in: first, min_out: second });
    }
    match rest.first().copied() {
        Some(MODE_EXACT_IN) => Ok(Limit::ExactIn { amount_in: first, min_out: second }),
        Some(MODE_EXACT_OUT) => Ok(Limit::ExactOut { amount_out: first, max_in: second }),
        // A partial fill is none of this engine's instructions.
        Some(_) | None => Err(INSTRUCTION_DID_NOT_DESERIALIZE),
    }
}
