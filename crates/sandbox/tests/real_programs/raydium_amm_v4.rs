//! Raydium AMM v4, by the instructions without an order book.

use crate::machine::{Machine, Tally, accounts, any};
use crate::program_files;
use amm::venues::raydium_amm_v4::program::PROGRAM_ID;
use amm::{PoolToken, TransferFee};
use amm_programs::Seed;
use order_core::quote::Mode;
use order_core::token::{Program, USDC_MINT};
use order_core::{Atoms, Fraction, Mint, PoolAddress, Venue};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

const POOLS: usize = 200;
const SWAPS: usize = 6;

#[test]
fn raydium_amm_v4_swaps_as_it_is_quoted() {
    let Some([file]) = program_files([PROGRAM_ID]) else { return };
    let mut machine = Machine::new(&[(PROGRAM_ID, file)]);
    let (mut random, mut tally) = (StdRng::seed_from_u64(14), Tally::default());
    let token = |mint, decimals| PoolToken {
        mint,
        decimals,
        program: Program::SplToken,
        transfer_fee: TransferFee::default(),
    };
    let tokens = [token(Mint::new([3; 32]), 6), token(USDC_MINT, 6)];
    for _ in 0..POOLS {
        let reserves = [0; 2]
            .map(|_: u64| Atoms::new((random.random::<u64>() >> random.random_range(8..40)).max(1_000)));
        let fee = Fraction::from_billionths(1_000_000 * random.random_range(1..=30));
        let seed = Seed { pool: PoolAddress::new([9; 32]), tokens, reserves, fee };
        let seeded = amm_programs::seed(Venue::RaydiumAmmV4, &seed).unwrap();
        let accounts = accounts(&seed, &seeded, u64::MAX);
        for _ in 0..SWAPS {
            let market = machine.market(&seeded, &accounts).unwrap();
            let mode = if random.random::<bool>() { Mode::ExactIn } else { Mode::ExactOut };
            let mint_in = tokens[random.random_range(0..2)].mint;
            let amount = (random.random::<u64>() >> random.random_range(6..50)).max(1);
            tally.compare(&mut machine, &market, mint_in, any(mode, amount));
        }
    }
    println!("AMM v4: {} swaps equal to the unit, {} refused by both", tally.swapped, tally.refused);
    assert!(tally.swapped > POOLS, "{tally:?}");
}
