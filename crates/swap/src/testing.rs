//! Routes and pools for tests.

use amm::{Clock, Market, Pool, PoolToken, TransferFee};
use amm_programs::Seed;
use chain::Account;
use order_core::route::Hop;
use order_core::{Atoms, Fraction, Mint, PoolAddress, Pubkey, Route, Token, Venue, token};
use std::collections::HashMap;

/// The cluster's time: pools open at some time of the past.
const NOW: i64 = 1_795_000_000;

pub(crate) const USDC: &str = "USDC";

pub(crate) fn known(symbol: &str) -> Token {
    token::known().find(|token| token.symbol == symbol).unwrap()
}

/// A hop over pool number `pool`.
pub(crate) fn hop(pool: u8, token_in: &str, token_out: &str, amount_in: u64, amount_out: u64) -> Hop {
    Hop {
        venue: Venue::RaydiumCpmm,
        pool: PoolAddress::new([pool; 32]),
        mint_in: known(token_in).mint,
        mint_out: known(token_out).mint,
        amount_in: Atoms::new(amount_in),
        amount_out: Atoms::new(amount_out),
    }
}

/// A route over these hops; the first path has the whole share.
pub(crate) fn route(hops: impl IntoIterator<Item = Hop>) -> Route {
    let shares = std::iter::once(Fraction::ONE).chain(std::iter::repeat(Fraction::ZERO));
    Route::from_hops(hops.into_iter().zip(shares)).unwrap()
}

/// A pool of known tokens, at its own address.
pub(crate) fn market(venue: Venue, symbols: [&str; 2], reserves: [u64; 2]) -> Market {
    let tokens = symbols.map(|symbol| PoolToken {
        mint: known(symbol).mint,
        decimals: known(symbol).decimals,
        program: token::Program::SplToken,
        transfer_fee: TransferFee::default(),
    });
    let seed = Seed {
        pool: PoolAddress::new([7; 32]),
        tokens,
        reserves: reserves.map(Atoms::new),
        fee: Fraction::from_billionths(2_500_000),
    };
    let seeded = amm_programs::seed(venue, &seed).unwrap();
    let mut accounts: HashMap<Pubkey, Account> = HashMap::new();
    for one in seeded.accounts {
        accounts.insert(one.address, account(one.owner, one.data));
    }
    for vault in seeded.vaults {
        let data = holding(vault.mint, vault.authority, vault.amount);
        accounts.insert(vault.address, account(amm::token_program_id(vault.program), data));
    }
    for token in tokens {
        let mut data = vec![0; 82];
        data[36..44].copy_from_slice(&u64::MAX.to_le_bytes());
        (data[44], data[45]) = (token.decimals, 1);
        accounts.insert(token.mint.pubkey(), account(amm::token_program_id(token.program), data));
    }
    let pool = Pool::decode(seeded.pool, &accounts[&seeded.pool.pubkey()]).unwrap();
    pool.load(|key| accounts.get(key), Clock { unix_timestamp: NOW, ..Clock::default() }).unwrap()
}

fn account(owner: Pubkey, data: Vec<u8>) -> Account {
    Account { lamports: 1_000_000_000, data, owner, executable: false, rent_epoch: u64::MAX }
}

fn holding(mint: Mint, owner: Pubkey, amount: Atoms) -> Vec<u8> {
    let mut data = vec![0; 165];
    data[..32].copy_from_slice(&mint.to_bytes());
    data[32..64].copy_from_slice(&owner.to_bytes());
    data[64..72].copy_from_slice(&amount.get().to_le_bytes());
    data[108] = 1;
    data
}
