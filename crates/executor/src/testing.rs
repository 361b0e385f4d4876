//! Orders and routes for tests.

use amm::{Clock, Market, Pool, PoolToken, Seed, TransferFee};
use chain::Account;
use order_core::order::Intent;
use order_core::quote::Swap;
use order_core::{
    Atoms, Fraction, Mint, PoolAddress, Pubkey, Quote, Slippage, Timestamp, Token, Venue, quote, token,
};
use std::collections::HashMap;
use uuid::Uuid;

/// The cluster's time: pools open at some time of the past.
const NOW: i64 = 1_795_000_000;

pub(crate) const USDC: &str = "USDC";

pub(crate) fn known(symbol: &str) -> Token {
    token::known().find(|token| token.symbol == symbol).unwrap()
}

/// 100 lamports for USDC, at half the price.
pub(crate) fn intent() -> Intent {
    let half = Slippage::parse("0.5").unwrap();
    Intent::market(known("SOL"), known(USDC), Atoms::new(100), half, None).unwrap()
}

/// A swap on pool number `pool`.
pub(crate) fn swap(pool: u8, token_in: &str, token_out: &str, amount_in: u64, amount_out: u64) -> Swap {
    Swap {
        venue: Venue::RaydiumCpmm,
        pool: PoolAddress::new([pool; 32]),
        mint_in: known(token_in).mint,
        mint_out: known(token_out).mint,
        amount_in: Atoms::new(amount_in),
        amount_out: Atoms::new(amount_out),
        share: Fraction::ONE,
    }
}

pub(crate) fn quote(amount_in: u64, amount_out: u64, route: Vec<Swap>) -> Quote {
    Quote {
        id: quote::Id(Uuid::nil()),
        amount_in: Atoms::new(amount_in),
        amount_out: Atoms::new(amount_out),
        fee: Fraction::ZERO,
        price_impact: Fraction::ZERO,
        route,
        alternatives: Vec::new(),
        slot: 1,
        state_age_ms: 0,
        created_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::UNIX_EPOCH,
    }
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
    let seeded = amm::seed(venue, &seed).unwrap();
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
