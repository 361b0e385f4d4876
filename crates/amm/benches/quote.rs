//! How long one pool takes to quote, by venue: `cargo bench -p amm`.
#![expect(clippy::unwrap_used, reason = "what is seeded here is known to be right")]

use amm::{Clock, Market, Pool, PoolToken, TransferFee, token_program_id};
use amm_programs::Seed;
use divan::Bencher;
use order_core::quote::Mode;
use order_core::token::Program;
use order_core::{Atoms, Fraction, Mint, PoolAddress, Pubkey, Venue};
use solana_account::Account;

const MINTS: [Mint; 2] = [Mint::new([1; 32]), Mint::new([2; 32])];

/// As SOL and USDC have: the price of the first in the second is 150.
const DECIMALS: [u8; 2] = [9, 6];
const RESERVES: [Atoms; 2] = [Atoms::new(13_333_000_000_000), Atoms::new(2_000_000_000_000)];

/// A hundred whole tokens: 0.75 % of the pool.
const AMOUNT: Atoms = Atoms::new(100_000_000_000);

fn account(owner: Pubkey, data: Vec<u8>) -> Account {
    Account { lamports: 1, data, owner, executable: false, rent_epoch: 0 }
}

fn market(venue: Venue) -> Market {
    let token = |side: usize| PoolToken {
        mint: MINTS[side],
        decimals: DECIMALS[side],
        program: Program::SplToken,
        transfer_fee: TransferFee::default(),
    };
    let fee = Fraction::from_billionths(2_500_000);
    let pool = PoolAddress::new([3; 32]);
    let seeded =
        amm_programs::seed(venue, &Seed { pool, tokens: [0, 1].map(token), reserves: RESERVES, fee })
            .unwrap();
    let spl_token = token_program_id(Program::SplToken);
    let mut accounts: Vec<(Pubkey, Account)> =
        seeded.accounts.into_iter().map(|one| (one.address, account(one.owner, one.data))).collect();
    accounts.extend(seeded.vaults.iter().map(|vault| {
        let mut data = vec![0; 165];
        data[..32].copy_from_slice(&vault.mint.to_bytes());
        data[64..72].copy_from_slice(&vault.amount.get().to_le_bytes());
        data[108] = 1;
        (vault.address, account(spl_token, data))
    }));
    accounts.extend(MINTS.iter().zip(DECIMALS).map(|(mint, decimals)| {
        let mut data = vec![0; 82];
        (data[44], data[45]) = (decimals, 1);
        (mint.pubkey(), account(spl_token, data))
    }));
    let find = |key: &Pubkey| accounts.iter().find(|(known, _)| known == key).map(|(_, account)| account);
    let clock = Clock { unix_timestamp: 1_795_000_000, ..Clock::default() };
    Pool::decode(seeded.pool, find(&seeded.pool.pubkey()).unwrap()).unwrap().load(find, clock).unwrap()
}

#[divan::bench(args = Venue::ALL)]
fn quote(bencher: Bencher<'_, '_>, venue: Venue) {
    let market = market(venue);
    assert!(market.quote(MINTS[0], Mode::ExactIn, AMOUNT).is_ok());
    bencher.bench(|| market.quote(MINTS[0], Mode::ExactIn, AMOUNT));
}

fn main() {
    divan::main();
}
