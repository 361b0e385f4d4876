//! Pools made with `amm`'s seeds, for tests.

use crate::book::{Book, Entry, Freshness};
use amm::{Clock, Pool, PoolToken, TransferFee};
use amm_programs::Seed;
use chain::{Account, Snapshot};
use order_core::{Atoms, Fraction, Mint, PoolAddress, Pubkey, Timestamp, Venue, token};
use std::sync::Arc;
use tokio::time::Instant;

pub(crate) const SOL: Mint = token::NATIVE_MINT;

/// A known token with six decimals.
pub(crate) fn usdc() -> Mint {
    token::known().nth(1).unwrap().mint
}

/// The cluster's time: pools open at some time of the past.
const NOW: i64 = 1_795_000_000;

/// The same on the calendar.
pub(crate) fn wall() -> Timestamp {
    Timestamp::from_timestamp_secs(NOW).unwrap()
}

/// A pool and every account it needs but the clock; its own is the first.
#[derive(Debug, Clone)]
pub(crate) struct TestPool {
    pub(crate) address: PoolAddress,
    pub(crate) accounts: Vec<(Pubkey, Account)>,
}

/// Pool number `n` of SOL and USDC: even ones are Meteora's, odd ones Raydium's.
pub(crate) fn pool(n: u8) -> TestPool {
    let venue = if n.is_multiple_of(2) { Venue::MeteoraDammV2 } else { Venue::RaydiumCpmm };
    seeded(venue, n, [1_000_000_000_000, 150_000_000_000], 2_500_000)
}

/// A pool of so many lamports and millionths of USDC.
pub(crate) fn seeded(venue: Venue, n: u8, reserves: [u64; 2], fee_billionths: i64) -> TestPool {
    trading(venue, n, [SOL, usdc()], reserves, fee_billionths)
}

/// A pool of so many atoms of two tokens, of which SOL has nine decimals and all others six.
pub(crate) fn trading(
    venue: Venue,
    n: u8,
    mints: [Mint; 2],
    reserves: [u64; 2],
    fee_billionths: i64,
) -> TestPool {
    let tokens = mints.map(|mint| PoolToken {
        mint,
        decimals: if mint == SOL { 9 } else { 6 },
        program: token::Program::SplToken,
        transfer_fee: TransferFee::default(),
    });
    let seed = Seed {
        pool: PoolAddress::new([n; 32]),
        tokens,
        reserves: reserves.map(Atoms::new),
        fee: Fraction::from_billionths(fee_billionths),
    };
    let seeded = amm_programs::seed(venue, &seed).unwrap();
    let owned = seeded.accounts.into_iter().map(|one| (one.address, account(one.owner, one.data)));
    let vaults = seeded.vaults.into_iter().map(|vault| {
        let data = token_account(vault.mint, vault.authority, vault.amount);
        (vault.address, account(amm::token_program_id(vault.program), data))
    });
    let mints = tokens.into_iter().map(|token| {
        (token.mint.pubkey(), account(amm::token_program_id(token.program), mint_account(token.decimals)))
    });
    TestPool { address: seeded.pool, accounts: owned.chain(vaults).chain(mints).collect() }
}

impl TestPool {
    /// Makes the mint one of Token-2022 that withholds so many ten-thousandths of each transfer.
    pub(crate) fn tax(&mut self, mint: Mint, basis_points: u16) {
        let (_, taxed) = self.accounts.iter_mut().find(|(address, _)| *address == mint.pubkey()).unwrap();
        taxed.owner = amm::token_program_id(token::Program::Token2022);
        taxed.data.resize(amm::token::EXTENDED_TYPE, 0);
        taxed.data.push(amm::token::EXTENDED_TYPE_MINT);
        let (kind, length) = amm::token::TRANSFER_FEE_CONFIG;
        taxed.data.extend([kind.to_le_bytes(), length.to_le_bytes()].as_flattened());
        let mut value = vec![0; usize::from(length)];
        value[98..106].copy_from_slice(&u64::MAX.to_le_bytes());
        value[106..108].copy_from_slice(&basis_points.to_le_bytes());
        taxed.data.extend(value);
    }

    pub(crate) fn decoded(&self) -> (PoolAddress, Pool) {
        (self.address, Pool::decode(self.address, &self.accounts[0].1).unwrap())
    }

    fn entry(&self, group: usize, slot: u64) -> Entry {
        let (address, pool) = self.decoded();
        let market = pool
            .load(
                |key| self.accounts.iter().find(|(known, _)| known == key).map(|(_, account)| account),
                Clock { unix_timestamp: NOW, ..Clock::default() },
            )
            .map_err(|error| error.to_string());
        Entry { address, venue: pool.venue(), mints: pool.mints(), group, slot, market }
    }
}

/// A book of pools, each its own group, all confirmed at the same moment.
pub(crate) fn book(pools: &[TestPool], slot: u64, confirmed_at: Instant) -> Book {
    let entries = pools.iter().enumerate().map(|(group, pool)| Arc::new(pool.entry(group, slot))).collect();
    Book::new(entries, vec![Freshness::new(slot, confirmed_at); pools.len()], slot)
}

/// A node's answer for these keys.
pub(crate) fn snapshot(pools: &[TestPool], keys: &[Pubkey], slot: u64) -> Snapshot {
    let mut clock = vec![0; 40];
    clock[..8].copy_from_slice(&slot.to_le_bytes());
    clock[32..].copy_from_slice(&NOW.to_le_bytes());
    let clock = (amm::CLOCK_ADDRESS, account(Pubkey::default(), clock));
    let known: Vec<&(Pubkey, Account)> =
        pools.iter().flat_map(|pool| &pool.accounts).chain(std::iter::once(&clock)).collect();
    let find =
        |key: &Pubkey| known.iter().find(|(known, _)| known == key).map(|(_, account)| account.clone());
    Snapshot { slot, accounts: keys.iter().map(find).collect() }
}

fn account(owner: Pubkey, data: Vec<u8>) -> Account {
    Account { lamports: 1_000_000_000, data, owner, executable: false, rent_epoch: u64::MAX }
}

fn mint_account(decimals: u8) -> Vec<u8> {
    let mut data = vec![0; 82];
    data[36..44].copy_from_slice(&u64::MAX.to_le_bytes());
    (data[44], data[45]) = (decimals, 1);
    data
}

fn token_account(mint: Mint, owner: Pubkey, amount: Atoms) -> Vec<u8> {
    let mut data = vec![0; 165];
    data[..32].copy_from_slice(&mint.to_bytes());
    data[32..64].copy_from_slice(&owner.to_bytes());
    data[64..72].copy_from_slice(&amount.get().to_le_bytes());
    data[108] = 1;
    data
}
