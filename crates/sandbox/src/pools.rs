//! The pools that the cluster is seeded with, and how their state is set from outside.

use crate::cluster::{Bank, Commitment};
use crate::genesis;
use crate::listed;
use crate::token::{self, Holding};
use amm::{Market, Pool, PoolToken};
use amm_programs::{Seed, SeededAccount};
use anyhow::Context as _;
use order_core::{Atoms, Fraction, Mint, PoolAddress, Venue};
use sha2::{Digest as _, Sha256};
use solana_account::Account;
use solana_pubkey::Pubkey;
use std::collections::HashMap;

/// A seeded pool: what of it stays the same whatever its reserves become.
#[derive(Debug, Clone)]
pub(crate) struct SeededPool {
    /// Its program.
    pub(crate) venue: Venue,
    /// The symbols of its tokens, the one that is priced first.
    pub(crate) symbols: [&'static str; 2],
    /// Its address, tokens, fee, and first reserves.
    pub(crate) seed: Seed,
}

/// Program, tokens, whole tokens of each, fee in billionths. SOL is worth about 150 dollars. The fees and
/// prices differ a little, so that the better pool depends on direction and size, and large orders are
/// divided. Between RAY, JUP and BONK there is no pool, nor of any of them and USDT: such orders need two
/// swaps. Two are also better than one pool with a high fee: BONK and USDC by way of SOL.
const POOLS: [(Venue, [&str; 2], [u64; 2], i64); 39] = [
    (Venue::RaydiumCpmm, ["SOL", "USDC"], [60_000, 9_000_000], 2_500_000),
    (Venue::MeteoraDammV2, ["SOL", "USDC"], [45_000, 6_745_500], 2_000_000),
    (Venue::MeteoraDlmm, ["SOL", "USDC"], [3_000, 450_000], 2_500_000),
    (Venue::RaydiumAmmV4, ["SOL", "USDC"], [20_000, 2_998_000], 2_500_000),
    (Venue::MeteoraDammV1, ["SOL", "USDC"], [15_000, 2_247_000], 2_500_000),
    (Venue::RaydiumClmm, ["SOL", "USDC"], [25_000, 3_749_000], 500_000),
    (Venue::OrcaWhirlpool, ["SOL", "USDC"], [22_000, 3_300_600], 400_000),
    (Venue::RaydiumCpmm, ["SOL", "USDT"], [30_000, 4_497_000], 2_500_000),
    (Venue::MeteoraDammV2, ["SOL", "USDT"], [40_000, 6_002_000], 2_000_000),
    (Venue::MeteoraDammV1, ["SOL", "USDT"], [35_000, 5_247_000], 1_000_000),
    (Venue::MeteoraDlmm, ["SOL", "USDT"], [4_000, 600_000], 1_600_000),
    (Venue::RaydiumAmmV4, ["SOL", "USDT"], [12_000, 1_800_600], 2_500_000),
    (Venue::RaydiumCpmm, ["USDC", "USDT"], [5_000_000, 5_001_000], 100_000),
    (Venue::MeteoraDammV2, ["USDC", "USDT"], [8_000_000, 8_000_000], 100_000),
    (Venue::MeteoraDlmm, ["USDC", "USDT"], [1_000_000, 1_000_000], 100_000),
    (Venue::RaydiumAmmV4, ["USDC", "USDT"], [1_000_000, 1_000_500], 2_500_000),
    (Venue::MeteoraDammV1, ["USDC", "USDT"], [900_000, 900_000], 2_500_000),
    (Venue::RaydiumClmm, ["USDC", "USDT"], [2_000_000, 2_000_500], 100_000),
    (Venue::OrcaWhirlpool, ["USDC", "USDT"], [1_500_000, 1_500_300], 100_000),
    (Venue::RaydiumCpmm, ["RAY", "SOL"], [1_500_000, 20_000], 2_500_000),
    (Venue::MeteoraDlmm, ["RAY", "SOL"], [299_400, 4_000], 2_500_000),
    (Venue::OrcaWhirlpool, ["RAY", "SOL"], [600_000, 8_004], 3_000_000),
    (Venue::RaydiumAmmV4, ["RAY", "USDC"], [1_000_000, 2_000_000], 2_500_000),
    (Venue::MeteoraDammV1, ["JUP", "SOL"], [9_000_000, 30_000], 1_000_000),
    (Venue::MeteoraDammV2, ["JUP", "USDC"], [8_000_000, 4_000_000], 2_500_000),
    (Venue::RaydiumClmm, ["JUP", "USDC"], [5_000_000, 2_500_500], 2_500_000),
    (Venue::OrcaWhirlpool, ["JUP", "USDC"], [3_000_000, 1_499_400], 3_000_000),
    (Venue::MeteoraDlmm, ["BONK", "USDC"], [20_000_000_000, 390_000], 8_000_000),
    (Venue::RaydiumCpmm, ["BONK", "SOL"], [100_000_000_000, 13_000], 10_000_000),
    (Venue::RaydiumClmm, ["BONK", "SOL"], [40_000_000_000, 5_200], 2_500_000),
    (Venue::OrcaWhirlpool, ["BONK", "SOL"], [30_000_000_000, 3_903], 3_000_000),
    (Venue::RaydiumCpmm, ["BERN", "USDC"], [500_000_000, 1_000_000], 2_500_000),
    (Venue::MeteoraDammV2, ["BERN", "SOL"], [300_000_000, 4_000], 2_500_000),
    (Venue::MeteoraDlmm, ["BERN", "SOL"], [60_000_000, 800], 3_000_000),
    (Venue::RaydiumClmm, ["BERN", "USDC"], [100_000_000, 200_100], 2_500_000),
    (Venue::OrcaWhirlpool, ["BERN", "SOL"], [90_000_000, 1_201], 3_000_000),
    (Venue::PumpSwap, ["SOL", "USDC"], [9_000, 1_349_100], 3_000_000),
    (Venue::PumpSwap, ["USDC", "USDT"], [300_000, 300_100], 3_000_000),
    (Venue::PumpSwap, ["BONK", "SOL"], [70_000_000_000, 9_100], 3_000_000),
];

/// All seeded pools with their first reserves.
///
/// # Errors
/// None for the list above; a change of it may name an unknown token or too many.
pub(crate) fn all() -> anyhow::Result<Vec<SeededPool>> {
    let pools = POOLS.into_iter().map(|(venue, symbols, whole, fee)| {
        let [(a, reserve_a), (b, reserve_b)] = [side(symbols[0], whole[0])?, side(symbols[1], whole[1])?];
        let seed = Seed {
            pool: address(venue, symbols),
            tokens: [a, b],
            reserves: [reserve_a, reserve_b],
            fee: Fraction::from_billionths(fee),
        };
        let pool = amm_programs::seed(venue, &seed)?.pool;
        Ok(SeededPool { venue, symbols, seed: Seed { pool, ..seed } })
    });
    pools.collect()
}

fn side(symbol: &str, whole: u64) -> anyhow::Result<(PoolToken, Atoms)> {
    let token = listed::token(symbol).context("a pool of an unknown token")?;
    let atom = 10u64.checked_pow(u32::from(token.decimals)).context("a token of too many decimals")?;
    let reserve = Atoms::new(whole).mul_div_floor(atom, 1).context("a reserve of more than 64 bits")?;
    Ok((token, reserve))
}

/// The same in each run, so that a list of pools stays valid. Some programs derive another one.
fn address(venue: Venue, [a, b]: [&str; 2]) -> PoolAddress {
    PoolAddress::new(Sha256::digest(format!("sandbox pool {venue} {a}/{b}")).into())
}

impl SeededPool {
    /// Sets the pool's state as if it had just been made with these reserves, in the order of its
    /// symbols.
    ///
    /// # Errors
    /// The reserves make no price that the program can hold.
    pub(crate) fn set_reserves(&self, bank: &mut Bank, reserves: [Atoms; 2]) -> anyhow::Result<()> {
        let seeded = amm_programs::seed(self.venue, &Seed { reserves, ..self.seed })?;
        for SeededAccount { address, owner, data } in seeded.accounts {
            let rent = bank.minimum_balance(data.len());
            bank.write(address, token::account(rent, data, owner))?;
        }
        for vault in seeded.vaults {
            let holding =
                Holding { mint: vault.mint.pubkey(), owner: vault.authority, amount: vault.amount.get() };
            let account = genesis::holding(bank, holding, vault.program);
            bank.write(vault.address, account)?;
        }
        Ok(())
    }

    /// The reserves as they are, in the order of its symbols.
    ///
    /// # Errors
    /// The pool's accounts are not what they were seeded as.
    pub(crate) fn reserves(&self, bank: &Bank) -> anyhow::Result<[Atoms; 2]> {
        let market = self.market(bank)?;
        let [first, second] = market.reserves();
        let swapped = market.mints() != self.seed.tokens.map(|token| token.mint);
        Ok(if swapped { [second, first] } else { [first, second] })
    }

    /// Moves the price of the first token by so many hundredths of a percent, as an arbitrageur
    /// would: one reserve shrinks as the other grows.
    ///
    /// # Errors
    /// See [`Self::set_reserves`].
    pub(crate) fn move_price(&self, bank: &mut Bank, basis_points: i32) -> anyhow::Result<()> {
        // Each reserve takes half of the way: (1 + x/2)² is about 1 + x.
        let scale = u64::try_from(HALF_STEPS.saturating_add(i64::from(basis_points)))
            .context("a price cannot fall by more than 200 %")?;
        let whole = HALF_STEPS.unsigned_abs();
        let [base, quote] = self.reserves(bank)?;
        let moved = (base.mul_div_floor(whole, scale), quote.mul_div_floor(scale, whole));
        let (Some(base), Some(quote)) = moved else { anyhow::bail!("the price moved out of range") };
        self.set_reserves(bank, [base, quote])
    }

    /// Leaves so many ten-thousandths of the pool's liquidity in it; of none, the smallest rest
    /// that the program can hold.
    ///
    /// # Errors
    /// See [`Self::set_reserves`].
    pub(crate) fn keep(&self, bank: &mut Bank, basis_points: u16) -> anyhow::Result<()> {
        let (numerator, denominator) =
            if basis_points == 0 { (1, DRAINED) } else { (u64::from(basis_points), 10_000) };
        let kept = self.reserves(bank)?.map(|reserve| {
            let kept = reserve.mul_div_floor(numerator, denominator).unwrap_or(reserve);
            kept.max(Atoms::new(1))
        });
        self.set_reserves(bank, kept)
    }

    /// The pool as it is.
    ///
    /// # Errors
    /// The pool's accounts are not what they were seeded as.
    pub(crate) fn market(&self, bank: &Bank) -> anyhow::Result<Market> {
        let read = |address: &Pubkey| bank.account(address, Commitment::Processed).map(Account::from);
        let address = self.seed.pool;
        let account = read(&address.pubkey()).with_context(|| format!("the pool {address} is gone"))?;
        let pool = Pool::decode(address, &account)?;
        let mut accounts: HashMap<Pubkey, Account> = HashMap::from([(address.pubkey(), account)]);
        for _ in 0..amm::LOOKS_MAX {
            let needed = pool.dependencies(|address| accounts.get(address));
            accounts.extend(needed.into_iter().filter_map(|address| Some((address, read(&address)?))));
        }
        let clock = bank.clock();
        let clock = amm::Clock { slot: clock.slot, epoch: clock.epoch, unix_timestamp: clock.unix_timestamp };
        Ok(pool.load(|address| accounts.get(address), clock)?)
    }

    /// The token that is priced.
    pub(crate) fn base(&self) -> Mint {
        self.seed.tokens[0].mint
    }

    /// True if the priced token is meant to be worth a dollar.
    pub(crate) fn is_stable(&self) -> bool {
        self.symbols == ["USDC", "USDT"]
    }
}

/// Twice the ten-thousandths of a whole.
const HALF_STEPS: i64 = 20_000;

/// A drained pool keeps one part of so many: too little for any order worth placing.
const DRAINED: u64 = 100_000_000;
