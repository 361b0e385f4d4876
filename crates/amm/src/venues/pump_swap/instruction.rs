//! The swap instructions: their data and the order of their accounts.

use super::layout::{GlobalConfig, PumpSwapPool};
use super::program::{
    ASSOCIATED_TOKEN_PROGRAM, EVENT_AUTHORITY, FEE_CONFIG, FEE_PROGRAM, GLOBAL_CONFIG, GLOBAL_VOLUME,
    PROGRAM_ID, SYSTEM_PROGRAM,
};
use crate::account::Discriminator;
use crate::swap::{AccountOrder, Direction, Limit};
use crate::token::token_program_id;
use crate::venue::SwapArgs;
use order_core::token::Program;
use order_core::{Mint, Pubkey, derived_address};
use solana_instruction::{AccountMeta, Instruction};

/// Name of the purchase of an exact output.
pub const BUY: Discriminator = 0x6606_3d12_01da_ebea_u64.to_be_bytes();
/// Name of the purchase for an exact input.
pub const BUY_EXACT_QUOTE_IN: Discriminator = 0xc62e_1552_b4d9_e870_u64.to_be_bytes();
/// Name of the sale of an exact input.
pub const SELL: Discriminator = 0x33e6_85a4_017f_83ad_u64.to_be_bytes();

/// Positions of the accounts in a purchase.
pub const BUY_ACCOUNTS: AccountOrder =
    AccountOrder { fixed: 23, least: 25, pool: 0, owner: 1, source: 6, destination: 5, mint_in: Some(4) };

/// Positions of the accounts in a sale.
pub const SELL_ACCOUNTS: AccountOrder =
    AccountOrder { fixed: 21, least: 23, pool: 0, owner: 1, source: 5, destination: 6, mint_in: Some(3) };

/// The byte that says whether a purchase counts for the trader's volume: it does not.
const UNTRACKED: u8 = 0;

/// The account in which the program counts what a trader buys. The first purchase makes it, and takes its
/// rent from the trader, who gets it back by closing it.
pub fn volume_account(trader: &Pubkey) -> Pubkey {
    derived_address(&PROGRAM_ID, &[b"user_volume_accumulator", trader.as_ref()])
}

/// The token accounts that get the protocol's fee, the creator's, and what buys back.
pub(super) fn fee_accounts(pool: &PumpSwapPool, config: &GlobalConfig) -> [Pubkey; 3] {
    let owners = [protocol_fee_recipient(pool, config), creator_vault(pool), config.buyback_fee_recipient];
    owners.map(|owner| associated(owner, pool.mints[1], Program::SplToken))
}

fn protocol_fee_recipient(pool: &PumpSwapPool, config: &GlobalConfig) -> Pubkey {
    if pool.is_mayhem { config.reserved_fee_recipient } else { config.protocol_fee_recipient }
}

fn creator_vault(pool: &PumpSwapPool) -> Pubkey {
    derived_address(&PROGRAM_ID, &[b"creator_vault", pool.coin_creator.as_ref()])
}

fn associated(owner: Pubkey, mint: Mint, program: Program) -> Pubkey {
    let (program, mint) = (token_program_id(program), mint.pubkey());
    derived_address(&ASSOCIATED_TOKEN_PROGRAM, &[owner.as_ref(), program.as_ref(), mint.as_ref()])
}

pub(super) fn swap(pool: &PumpSwapPool, config: &GlobalConfig, args: SwapArgs<'_>) -> Instruction {
    let (name, first, second) = match (args.direction, args.limit) {
        (Direction::BToA, Limit::ExactIn { amount_in, min_out }) => (BUY_EXACT_QUOTE_IN, amount_in, min_out),
        (Direction::BToA, Limit::ExactOut { amount_out, max_in }) => (BUY, amount_out, max_in),
        (Direction::AToB, Limit::ExactIn { amount_in, min_out }) => (SELL, amount_in, min_out),
        (Direction::AToB, Limit::ExactOut { amount_out, max_in }) => (SELL, max_in, amount_out),
    };
    let mut data = name.to_vec();
    data.extend(first.get().to_le_bytes());
    data.extend(second.get().to_le_bytes());
    if args.direction == Direction::BToA {
        data.push(UNTRACKED);
    }
    Instruction { program_id: PROGRAM_ID, accounts: accounts(pool, config, args), data }
}

fn accounts(pool: &PumpSwapPool, config: &GlobalConfig, args: SwapArgs<'_>) -> Vec<AccountMeta> {
    let [base, quote] = *args.tokens;
    // The trader's account of the base token, and that of the quote token.
    let (own_base, own_quote) = args.direction.order([args.trader.source, args.trader.destination]);
    let [protocol_account, creator_account, buyback_account] = fee_accounts(pool, config);
    let read = |address| AccountMeta::new_readonly(address, false);
    let written = |address| AccountMeta::new(address, false);
    let mut accounts = vec![
        written(pool.address),
        AccountMeta::new(args.trader.owner, true),
        read(GLOBAL_CONFIG),
        read(base.mint.pubkey()),
        read(quote.mint.pubkey()),
        written(own_base),
        written(own_quote),
        written(pool.vaults[0]),
        written(pool.vaults[1]),
        read(protocol_fee_recipient(pool, config)),
        written(protocol_account),
        read(token_program_id(base.program)),
        read(token_program_id(quote.program)),
        read(SYSTEM_PROGRAM),
        read(ASSOCIATED_TOKEN_PROGRAM),
        read(EVENT_AUTHORITY),
        read(PROGRAM_ID),
        written(creator_account),
        read(creator_vault(pool)),
    ];
    if args.direction == Direction::BToA {
        accounts.extend([read(GLOBAL_VOLUME), written(volume_account(&args.trader.owner))]);
    }
    accounts.extend([read(FEE_CONFIG), read(FEE_PROGRAM)]);
    if pool.is_of_pump() {
        let seeds: [&[u8]; 2] = [b"pool-v2", &base.mint.to_bytes()];
        accounts.push(read(derived_address(&PROGRAM_ID, &seeds)));
    }
    accounts.extend([read(config.buyback_fee_recipient), written(buyback_account)]);
    accounts
}
