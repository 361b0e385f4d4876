//! PumpSwap: every kind of fee, both ways, both modes.

use crate::machine::{Accounts, Machine, Tally, accounts, any, holding, put};
use crate::program_files;
use amm::venues::pump_swap::layout::{fee_offset, global_offset, pool_offset};
use amm::venues::pump_swap::program::{FEE_CONFIG, FEE_PROGRAM, GLOBAL_CONFIG, PROGRAM_ID, PUMP_PROGRAM};
use amm::{PoolToken, TransferFee};
use amm_programs::{Seed, Seeded};
use order_core::quote::Mode;
use order_core::token::{NATIVE_MINT, Program, USDC_MINT};
use order_core::{Atoms, Fraction, Mint, PoolAddress, Pubkey, Venue};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

const POOLS: usize = 400;
const SWAPS: usize = 6;
/// A mint that sorts before any quote token.
const BASE: Mint = Mint::new([3; 32]);
/// A quote token that is neither SOL nor dollars.
const OTHER: Mint = Mint::new([5; 32]);
const COIN_CREATOR: Pubkey = Pubkey::new_from_array([0xC5; 32]);
const ASSOCIATED_TOKEN_PROGRAM: Pubkey =
    Pubkey::from_str_const("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");

/// A number below a power of two, of any magnitude.
fn magnitude(random: &mut StdRng, bits: u32) -> u64 {
    random.random::<u64>() >> (64 - random.random_range(1..=bits))
}

fn token(mint: Mint, decimals: u8) -> PoolToken {
    PoolToken { mint, decimals, program: Program::SplToken, transfer_fee: TransferFee::default() }
}

/// Moves a pool to where the Pump program would have created it: its address says who has.
fn create_by_pump(seeded: &mut Seeded, accounts: &mut Accounts, quote: Mint) {
    let creator = Pubkey::find_program_address(&[b"pool-authority", &BASE.to_bytes()], &PUMP_PROGRAM).0;
    let seeds: [&[u8]; 5] = [b"pool", &[0, 0], creator.as_ref(), &BASE.to_bytes(), &quote.to_bytes()];
    let (pool, bump) = Pubkey::find_program_address(&seeds, &PROGRAM_ID);
    let mut account = accounts.remove(&seeded.pool.pubkey()).unwrap();
    account.data[pool_offset::BUMP] = bump;
    account.data[pool_offset::INDEX..pool_offset::CREATOR].fill(0);
    for (offset, address) in [(pool_offset::CREATOR, creator), (pool_offset::COIN_CREATOR, COIN_CREATOR)] {
        account.data[offset..offset + 32].copy_from_slice(address.as_ref());
    }
    for (vault, offset) in seeded.vaults.iter_mut().zip(pool_offset::VAULTS) {
        let mut held = accounts.remove(&vault.address).unwrap();
        held.data[32..64].copy_from_slice(pool.as_ref());
        let program = amm::token_program_id(vault.program);
        let seeds: [&[u8]; 3] = [pool.as_ref(), program.as_ref(), &vault.mint.to_bytes()];
        vault.address = Pubkey::find_program_address(&seeds, &ASSOCIATED_TOKEN_PROGRAM).0;
        account.data[offset..offset + 32].copy_from_slice(vault.address.as_ref());
        accounts.insert(vault.address, held);
    }
    seeded.pool = pool.into();
    accounts.insert(pool, account);
    let vault = Pubkey::find_program_address(&[b"creator_vault", COIN_CREATOR.as_ref()], &PROGRAM_ID).0;
    let program = amm::token_program_id(Program::SplToken);
    let seeds: [&[u8]; 3] = [vault.as_ref(), program.as_ref(), &quote.to_bytes()];
    let fees = Pubkey::find_program_address(&seeds, &ASSOCIATED_TOKEN_PROGRAM).0;
    accounts.insert(fees, holding(quote, vault, 0, Program::SplToken));
}

/// A pool with random reserves, fees and flags.
fn compare_one(machine: &mut Machine, random: &mut StdRng, tally: &mut Tally) {
    let quote = [NATIVE_MINT, USDC_MINT, OTHER][random.random_range(0..3)];
    let [base, paid] = [0, 1].map(|_| magnitude(random, 56).max(1));
    let program = if random.random::<bool>() { Program::SplToken } else { Program::Token2022 };
    let seed = Seed {
        pool: PoolAddress::new([random.random::<u8>(); 32]),
        tokens: [PoolToken { program, ..token(BASE, 6) }, token(quote, 9)],
        reserves: [base, paid].map(Atoms::new),
        fee: Fraction::from_billionths(100_000 * random.random_range(1..=120)),
    };
    let of_pump = quote != OTHER && random.random::<bool>();
    let mut seeded = amm_programs::seed(Venue::PumpSwap, &seed).unwrap();
    let mut accounts = accounts(&seed, &seeded, magnitude(random, 60));
    if of_pump {
        create_by_pump(&mut seeded, &mut accounts, quote);
    }
    if of_pump {
        let is_mayhem = u8::from(random.random::<bool>());
        put(&mut accounts, seeded.pool.pubkey(), pool_offset::IS_MAYHEM_MODE, &[is_mayhem]);
    }
    let fees = |random: &mut StdRng| [0; 3].map(|_: u64| random.random_range(0..=120u64));
    let mut put_fees = |offset: usize, fees: [u64; 3]| {
        for (place, fee) in fees.into_iter().enumerate() {
            put(&mut accounts, FEE_CONFIG, offset + 8 * place, &fee.to_le_bytes());
        }
    };
    put_fees(fee_offset::FLAT_FEES, fees(random));
    let tier = fee_offset::TIERS + 4 + fee_offset::TIER_FEES;
    let stable = tier + fee_offset::TIER_SIZE - fee_offset::TIER_FEES + 4 + fee_offset::TIER_FEES;
    put_fees(tier, fees(random));
    put_fees(stable, fees(random));
    let buyback = random.random_range(0..=10_000u64);
    put(&mut accounts, GLOBAL_CONFIG, global_offset::BUYBACK_BASIS_POINTS, &buyback.to_le_bytes());
    let Ok(market) = machine.market(&seeded, &accounts) else { return };
    for _ in 0..SWAPS {
        let mode = if random.random::<bool>() { Mode::ExactIn } else { Mode::ExactOut };
        let mint_in = if mode == Mode::ExactOut || random.random::<bool>() { quote } else { BASE };
        let amount = magnitude(random, 58).max(1);
        machine.market(&seeded, &accounts).unwrap();
        tally.compare(machine, &market, mint_in, any(mode, amount));
    }
}

#[test]
fn pump_swap_swaps_as_it_is_quoted() {
    let programs = [PROGRAM_ID, FEE_PROGRAM];
    let Some(files) = program_files(programs) else { return };
    let mut machine = Machine::new(&programs.into_iter().zip(files).collect::<Vec<_>>());
    let (mut random, mut tally) = (StdRng::seed_from_u64(14), Tally::default());
    for _ in 0..POOLS {
        compare_one(&mut machine, &mut random, &mut tally);
    }
    println!("PumpSwap: {} swaps equal to the unit, {} refused by both", tally.swapped, tally.refused);
    assert!(tally.swapped > POOLS, "{tally:?}");
}
