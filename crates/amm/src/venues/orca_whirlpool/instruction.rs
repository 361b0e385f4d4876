use super::layout::{ARRAYS, Whirlpool};
use super::program::PROGRAM_ID;
use crate::account::Discriminator;
use crate::anchor::AnchorArguments;
use crate::program_error::{ACCOUNT_NOT_ENOUGH_KEYS, INSTRUCTION_DID_NOT_DESERIALIZE};
use crate::swap::{Direction, Limit, SwapInstruction};
use crate::token::{MEMO, token_program_id};
use crate::venue::SwapArgs;
use order_core::{Mint, Pubkey};
use solana_instruction::{AccountMeta, Instruction};

const SWAP_V2: Discriminator = 0x2b04_ed0b_1ac9_1e62_u64.to_be_bytes();

/// Without the tick arrays and the oracle.
const FIXED_ACCOUNTS: usize = 11;
const ACCOUNTS: usize = 15;

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

pub(super) fn decode_instruction(accounts: &[Pubkey], data: &[u8]) -> Result<SwapInstruction, u32> {
    let (limit, direction) = decode_arguments(data)?;
    if accounts.len() < ACCOUNTS {
        return Err(ACCOUNT_NOT_ENOUGH_KEYS);
    }
    let fixed_accounts = accounts.get(..FIXED_ACCOUNTS).ok_or(ACCOUNT_NOT_ENOUGH_KEYS)?;
    let [_, _, _memo, owner, pool, mint_a, mint_b, ours_a, _vault_a, ours_b, _vault_b] = *fixed_accounts
    else {
        return Err(ACCOUNT_NOT_ENOUGH_KEYS);
    };
    let (source, destination) = direction.order([ours_a, ours_b]);
    let (mint_in, _) = direction.order([mint_a, mint_b]);
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

fn decode_arguments(data: &[u8]) -> Result<(Limit, Direction), u32> {
    let AnchorArguments { amounts: [amount, threshold], rest, name: _ } =
        AnchorArguments::read(data, &[SWAP_V2])?;
    let (price_limit, rest) = rest.split_first_chunk().ok_or(INSTRUCTION_DID_NOT_DESERIALIZE)?;
    // A limit of the price, which may fill a part only, is none of this engine's instructions.
    let (0, [exact_in, a_to_b, 0]) = (u128::from_le_bytes(*price_limit), rest) else {
        return Err(INSTRUCTION_DID_NOT_DESERIALIZE);
    };
    let limit = if *exact_in == 1 {
        Limit::ExactIn { amount_in: amount, min_out: threshold }
    } else {
        Limit::ExactOut { amount_out: amount, max_in: threshold }
    };
    Ok((limit, if *a_to_b == 1 { Direction::AToB } else { Direction::BToA }))
}
