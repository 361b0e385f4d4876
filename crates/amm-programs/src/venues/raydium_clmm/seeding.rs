//! Pools for a local cluster.

use crate::bytes::put;
use crate::full_range::{FullRange, Tick};
use crate::seed::{Seed, SeedError, Seeded, SeededAccount, SeededVault};
use amm::Discriminator;
use amm::venues::raydium_clmm::bitmap::BITMAP_ZERO;
use amm::venues::raydium_clmm::layout::{
    CONFIG_DISCRIMINATOR, CONFIG_SIZE, POOL_DISCRIMINATOR, POOL_SEED, POOL_SIZE, config_offset, pool_offset,
};
use amm::venues::raydium_clmm::price::{sqrt_price, tick_at};
use amm::venues::raydium_clmm::program::PROGRAM_ID;
use amm::venues::raydium_clmm::tick_array::{self, TICK_SIZE, TICKS, tick_offset};
use order_core::{PoolAddress, Pubkey};
use std::collections::BTreeMap;

/// The distance of ticks of pools with a fee of a quarter percent.
const TICK_SPACING: u16 = 60;

/// The parts of the trade fee that go to the protocol and the fund on mainnet, in millionths.
const PROTOCOL_FEE_RATE: u32 = 120_000;
const FUND_FEE_RATE: u32 = 40_000;

const OBSERVATION_SIZE: usize = 4483;
const OBSERVATION_DISCRIMINATOR: Discriminator = 0x7aae_c535_8109_a584_u64.to_be_bytes();

/// A pool over the whole range of prices, of several positions next to each other.
pub(super) fn seed(seed: &Seed) -> Result<Seeded, SeedError> {
    let sides = seed.sides_by_mint()?;
    let fee_rate = seed.fee_in_millionths()?;
    let range =
        FullRange::new(sides.map(|(_, reserve)| reserve), i32::from(TICK_SPACING), sqrt_price, tick_at)
            .ok_or(SeedError::Reserves)?;
    let (config, config_data) = config(fee_rate).ok_or(SeedError::Fee { fee: seed.fee })?;
    let mints = sides.map(|(token, _)| token.mint);
    let [first, second] = mints.map(|mint| mint.to_bytes());
    let (pool, bump) = derive(&[POOL_SEED, config.as_ref(), &first, &second]);
    let [(token_first, _), (token_second, _)] = sides;
    let [amount_first, amount_second] = range.amounts;
    let vaults =
        [(token_first, amount_first), (token_second, amount_second)].map(|(token, amount)| SeededVault {
            address: derive(&[b"pool_vault", pool.as_ref(), &token.mint.to_bytes()]).0,
            mint: token.mint,
            program: token.program,
            authority: pool,
            amount,
        });
    let observation = derive(&[b"observation", pool.as_ref()]).0;
    let mut data = pool_data(&range, &vaults);
    put(&mut data, pool_offset::BUMP, &[bump]);
    put(&mut data, pool_offset::CONFIG, config.as_ref());
    put(&mut data, pool_offset::OBSERVATION, observation.as_ref());
    for (offset, (token, _)) in pool_offset::DECIMALS.into_iter().zip(sides) {
        put(&mut data, offset, &[token.decimals]);
    }
    let mut observed = vec![0; OBSERVATION_SIZE];
    put(&mut observed, 0, &OBSERVATION_DISCRIMINATOR);
    let mut accounts = vec![(pool, data), (config, config_data), (observation, observed)];
    accounts.extend(arrays(pool, &range));
    let account = |(address, data)| SeededAccount { address, owner: PROGRAM_ID, data };
    Ok(Seeded {
        pool: PoolAddress::from(pool),
        accounts: accounts.into_iter().map(account).collect(),
        vaults,
    })
}

/// The configuration's index is its rate, so that each rate has one address. None above the index's 6.5 %.
fn config(trade_fee_rate: u32) -> Option<(Pubkey, Vec<u8>)> {
    use config_offset as at;
    let index = u16::try_from(trade_fee_rate).ok()?;
    let (address, bump) = derive(&[b"amm_config", &index.to_be_bytes()]);
    let mut data = vec![0; CONFIG_SIZE];
    put(&mut data, 0, &CONFIG_DISCRIMINATOR);
    put(&mut data, at::BUMP, &[bump]);
    put(&mut data, at::INDEX, &index.to_le_bytes());
    put(&mut data, at::TRADE_FEE_RATE, &trade_fee_rate.to_le_bytes());
    put(&mut data, at::TICK_SPACING, &TICK_SPACING.to_le_bytes());
    put(&mut data, at::PROTOCOL_FEE_RATE, &PROTOCOL_FEE_RATE.to_le_bytes());
    put(&mut data, at::FUND_FEE_RATE, &FUND_FEE_RATE.to_le_bytes());
    Some((address, data))
}

fn pool_data(range: &FullRange, vaults: &[SeededVault; 2]) -> Vec<u8> {
    use pool_offset as at;
    let mut data = vec![0; POOL_SIZE];
    put(&mut data, 0, &POOL_DISCRIMINATOR);
    put(&mut data, at::TICK_SPACING, &TICK_SPACING.to_le_bytes());
    put(&mut data, at::LIQUIDITY, &range.place.liquidity.to_le_bytes());
    put(&mut data, at::SQRT_PRICE, &range.place.sqrt_price.to_le_bytes());
    put(&mut data, at::TICK, &range.place.tick.to_le_bytes());
    for ((vault, mint_offset), vault_offset) in vaults.iter().zip(at::MINTS).zip(at::VAULTS) {
        put(&mut data, mint_offset, &vault.mint.to_bytes());
        put(&mut data, vault_offset, vault.address.as_ref());
    }
    for start in starts(range).keys() {
        let bit = start.checked_div_euclid(array_ticks()).unwrap_or(0).saturating_add(BITMAP_ZERO);
        let Ok(bit) = usize::try_from(bit) else { continue };
        if let Some(byte) = data.get_mut(at::BITMAP.saturating_add(bit >> 3)) {
            *byte |= 1 << (bit & 7);
        }
    }
    data
}

fn array_ticks() -> i32 {
    i32::from(TICK_SPACING).saturating_mul(TICKS)
}

/// The first tick of each array, with the ticks in it.
fn starts(range: &FullRange) -> BTreeMap<i32, Vec<Tick>> {
    let mut arrays: BTreeMap<i32, Vec<Tick>> = BTreeMap::new();
    for tick in range.ticks() {
        let index = tick.index.checked_div_euclid(array_ticks()).unwrap_or(0);
        arrays.entry(index.saturating_mul(array_ticks())).or_default().push(tick);
    }
    arrays
}

fn arrays(pool: Pubkey, range: &FullRange) -> Vec<(Pubkey, Vec<u8>)> {
    use tick_array::offset as at;
    let mut accounts = Vec::new();
    for (start, ticks) in starts(range) {
        let mut data = vec![0; tick_array::SIZE];
        put(&mut data, 0, &tick_array::DISCRIMINATOR);
        put(&mut data, at::POOL, pool.as_ref());
        put(&mut data, at::START, &start.to_le_bytes());
        put(&mut data, at::INITIALIZED, &u8::try_from(ticks.len()).unwrap_or(0).to_le_bytes());
        for Tick { index, net, gross } in ticks {
            let place = index.saturating_sub(start).checked_div(i32::from(TICK_SPACING));
            let place = place.and_then(|place| usize::try_from(place).ok()).unwrap_or(0);
            let base = at::TICKS.saturating_add(place.saturating_mul(TICK_SIZE));
            put(&mut data, base, &index.to_le_bytes());
            put(&mut data, base.saturating_add(tick_offset::LIQUIDITY_NET), &net.to_le_bytes());
            put(&mut data, base.saturating_add(tick_offset::LIQUIDITY_GROSS), &gross.to_le_bytes());
        }
        accounts.push((tick_array::address(pool, start), data));
    }
    accounts
}

fn derive(seeds: &[&[u8]]) -> (Pubkey, u8) {
    Pubkey::find_program_address(seeds, &PROGRAM_ID)
}
