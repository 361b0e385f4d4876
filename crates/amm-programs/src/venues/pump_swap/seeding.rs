//! Pools for a local cluster.

use crate::bytes::put;
use crate::seed::{Seed, SeedError, Seeded, SeededAccount, SeededVault};
use crate::token;
use amm::venues::pump_swap::layout::{
    FEE_CONFIG_DISCRIMINATOR, GLOBAL_CONFIG_DISCRIMINATOR, POOL_DISCRIMINATOR, POOL_SIZE, fee_offset,
    global_offset, pool_offset,
};
use amm::venues::pump_swap::program::{FEE_CONFIG, FEE_PROGRAM, GLOBAL_CONFIG, GLOBAL_VOLUME, PROGRAM_ID};
use amm::{Discriminator, PoolToken, token_program_id};
use order_core::token::{NATIVE_MINT, Program};
use order_core::{Atoms, Mint, Pubkey};

/// Those who own what the program's accounts say of them.
const CREATOR: Pubkey = Pubkey::new_from_array([0xC1; 32]);
const PROTOCOL: Pubkey = Pubkey::new_from_array([0xC2; 32]);
const RESERVED: Pubkey = Pubkey::new_from_array([0xC3; 32]);
const BUYBACK: Pubkey = Pubkey::new_from_array([0xC4; 32]);

const ASSOCIATED_TOKEN_PROGRAM: Pubkey =
    Pubkey::from_str_const("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");

/// The number of the creator's pool of two tokens: the first.
const INDEX: u16 = 0;
/// The protocol's part of the fee, in ten-thousandths. The rest stays in the pool.
const PROTOCOL_FEE: u64 = 1;
/// The part of it that buys back, in ten-thousandths.
const BUYBACK_PART: u64 = 5_000;

/// The program's own accounts are so long.
const GLOBAL_CONFIG_SIZE: usize = 1_013;
const FEE_CONFIG_SIZE: usize = 4_200;
const GLOBAL_VOLUME_SIZE: usize = 544;
const GLOBAL_VOLUME_DISCRIMINATOR: Discriminator = 0xca2a_f62b_8ebe_1eff_u64.to_be_bytes();
const RECIPIENTS: usize = 8;
/// Rent of a token account, in lamports.
const ACCOUNT_RENT: u64 = 2_039_280;

/// Billionths in a ten-thousandth.
const BASIS_POINT: i64 = 100_000;

/// A pool that anybody may have created. The fee is that of all such pools: those of one cluster must have the same.
pub(super) fn seed(seed: &Seed) -> Result<Seeded, SeedError> {
    let [(base, base_amount), (quote, quote_amount)] = sides(seed)?;
    let liquidity_fee = liquidity_fee(seed).ok_or(SeedError::Fee { fee: seed.fee })?;
    let [base_mint, quote_mint] = [base, quote].map(|token| token.mint.to_bytes());
    let seeds: [&[u8]; 5] = [b"pool", &INDEX.to_le_bytes(), CREATOR.as_ref(), &base_mint, &quote_mint];
    let (pool, bump) = Pubkey::find_program_address(&seeds, &PROGRAM_ID);
    let vault = |token: PoolToken, amount: Atoms| SeededVault {
        address: associated(pool, token.mint, token.program),
        mint: token.mint,
        program: token.program,
        authority: pool,
        amount,
    };
    let vaults = [vault(base, base_amount), vault(quote, quote_amount)];
    let kept = |address, owner, data| SeededAccount { address, owner, data };
    let mut accounts = vec![
        kept(pool, PROGRAM_ID, pool_data([base, quote], &vaults, bump)),
        kept(GLOBAL_CONFIG, PROGRAM_ID, global_config()),
        kept(FEE_CONFIG, FEE_PROGRAM, fee_config(liquidity_fee)),
        kept(GLOBAL_VOLUME, PROGRAM_ID, global_volume()),
    ];
    accounts.extend(fee_accounts(quote.mint));
    Ok(Seeded { pool: pool.into(), accounts, vaults })
}

/// The token that is sold and the one that it is paid in, which the original token program keeps.
fn sides(seed: &Seed) -> Result<[(PoolToken, Atoms); 2], SeedError> {
    let [first, second] = seed.tokens;
    if first.mint == second.mint {
        return Err(SeedError::EqualTokens { mint: first.mint });
    }
    if seed.reserves.into_iter().any(|reserve| reserve.is_zero()) {
        return Err(SeedError::Reserves);
    }
    let [reserve_first, reserve_second] = seed.reserves;
    let (first, second) = ((first, reserve_first), (second, reserve_second));
    match (first.0.program, second.0.program) {
        (_, Program::SplToken) => Ok([first, second]),
        (Program::SplToken, Program::Token2022) => Ok([second, first]),
        (Program::Token2022, Program::Token2022) => Err(SeedError::TokenProgram { mint: second.0.mint }),
    }
}

/// The fee that stays in the pool, in ten-thousandths. None if the fee is less than the protocol's, or no whole number
/// of them.
fn liquidity_fee(seed: &Seed) -> Option<u64> {
    let billionths = seed.fee.billionths();
    let basis_points = billionths.checked_div(BASIS_POINT)?;
    let is_whole = basis_points.checked_mul(BASIS_POINT) == Some(billionths);
    u64::try_from(basis_points).ok().filter(|_| is_whole)?.checked_sub(PROTOCOL_FEE)
}

fn pool_data(tokens: [PoolToken; 2], vaults: &[SeededVault; 2], bump: u8) -> Vec<u8> {
    use pool_offset as at;
    let mut data = vec![0; POOL_SIZE];
    put(&mut data, 0, &POOL_DISCRIMINATOR);
    put(&mut data, at::BUMP, &[bump]);
    put(&mut data, at::INDEX, &INDEX.to_le_bytes());
    put(&mut data, at::CREATOR, CREATOR.as_ref());
    for ((token, vault), (mint_at, vault_at)) in
        tokens.into_iter().zip(vaults).zip(at::MINTS.into_iter().zip(at::VAULTS))
    {
        put(&mut data, mint_at, &token.mint.to_bytes());
        put(&mut data, vault_at, vault.address.as_ref());
    }
    data
}

fn global_config() -> Vec<u8> {
    use global_offset as at;
    let mut data = vec![0; GLOBAL_CONFIG_SIZE];
    put(&mut data, 0, &GLOBAL_CONFIG_DISCRIMINATOR);
    for (offset, recipient) in
        [(at::PROTOCOL_FEE_RECIPIENTS, PROTOCOL), (at::BUYBACK_FEE_RECIPIENTS, BUYBACK)]
    {
        for place in 0..RECIPIENTS {
            let offset = offset.saturating_add(place.saturating_mul(32));
            put(&mut data, offset, recipient.as_ref());
        }
    }
    put(&mut data, at::RESERVED_FEE_RECIPIENT, RESERVED.as_ref());
    put(&mut data, at::BUYBACK_BASIS_POINTS, &BUYBACK_PART.to_le_bytes());
    data
}

/// The same fees for pools of every kind.
fn fee_config(liquidity_fee: u64) -> Vec<u8> {
    use fee_offset as at;
    let mut data = vec![0; FEE_CONFIG_SIZE];
    let bump = Pubkey::find_program_address(&[b"fee_config", PROGRAM_ID.as_ref()], &FEE_PROGRAM).1;
    put(&mut data, 0, &FEE_CONFIG_DISCRIMINATOR);
    put(&mut data, FEE_CONFIG_DISCRIMINATOR.len(), &[bump]);
    let mut put_fees = |offset: usize| {
        put(&mut data, offset, &liquidity_fee.to_le_bytes());
        put(&mut data, offset.saturating_add(8), &PROTOCOL_FEE.to_le_bytes());
    };
    // The tiers of SOL and of dollars: one each.
    let tiers = at::TIERS.saturating_add(4);
    let stable_count = tiers.saturating_add(at::TIER_SIZE);
    let stable_tiers = stable_count.saturating_add(4);
    put_fees(at::FLAT_FEES);
    put_fees(tiers.saturating_add(at::TIER_FEES));
    put_fees(stable_tiers.saturating_add(at::TIER_FEES));
    for count in [at::TIERS, stable_count] {
        put(&mut data, count, &1u32.to_le_bytes());
    }
    data
}

fn global_volume() -> Vec<u8> {
    let mut data = vec![0; GLOBAL_VOLUME_SIZE];
    put(&mut data, 0, &GLOBAL_VOLUME_DISCRIMINATOR);
    data
}

/// The token accounts that fees are paid to.
fn fee_accounts(quote: Mint) -> Vec<SeededAccount> {
    let creator_vault = Pubkey::find_program_address(&[b"creator_vault", &[0; 32]], &PROGRAM_ID).0;
    let native_rent = (quote == NATIVE_MINT).then_some(ACCOUNT_RENT);
    let account = |owner: Pubkey| SeededAccount {
        address: associated(owner, quote, Program::SplToken),
        owner: token_program_id(Program::SplToken),
        data: token::account_data(quote.pubkey(), owner, 0, native_rent),
    };
    [PROTOCOL, RESERVED, creator_vault, BUYBACK].map(account).to_vec()
}

fn associated(owner: Pubkey, mint: Mint, program: Program) -> Pubkey {
    let (program, mint) = (token_program_id(program), mint.pubkey());
    let seeds = [owner.as_ref(), program.as_ref(), mint.as_ref()];
    Pubkey::find_program_address(&seeds, &ASSOCIATED_TOKEN_PROGRAM).0
}
