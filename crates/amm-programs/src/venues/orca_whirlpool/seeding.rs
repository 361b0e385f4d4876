//! Pools for a local cluster.

use crate::bytes::put;
use crate::full_range::{FullRange, Tick};
use crate::seed::{Seed, SeedError, Seeded, SeededAccount, SeededVault};
use amm::venues::orca_whirlpool::layout::{POOL_DISCRIMINATOR, POOL_SEED, POOL_SIZE, offset as at};
use amm::venues::orca_whirlpool::price::{sqrt_price, tick_at};
use amm::venues::orca_whirlpool::program::PROGRAM_ID;
use amm::venues::orca_whirlpool::tick_array::{self, TICK_SIZE, TICKS, fixed_offset, tick_offset};
use order_core::{PoolAddress, Pubkey};

/// Pools of this distance of ticks hold liquidity over all prices only; two arrays have all of them.
const TICK_SPACING: u16 = 32_896;

/// The configuration of the program's own pools on mainnet.
const CONFIG: Pubkey = Pubkey::from_str_const("2LecshUwdy9xi7meFgHtFJQNSKk4KdTrcpvaB56dP2NQ");

/// The part of the fee that goes to the protocol on mainnet, in ten-thousandths.
const PROTOCOL_FEE_RATE: u16 = 1300;

/// A pool over the whole range of prices, of several positions next to each other.
pub(super) fn seed(seed: &Seed) -> Result<Seeded, SeedError> {
    let sides = seed.sides_by_mint()?;
    let fee_rate = u16::try_from(seed.fee_in_millionths()?).map_err(|_| SeedError::Fee { fee: seed.fee })?;
    let range =
        FullRange::new(sides.map(|(_, reserve)| reserve), i32::from(TICK_SPACING), sqrt_price, tick_at)
            .ok_or(SeedError::Reserves)?;
    let [(token_first, _), (token_second, _)] = sides;
    let [first, second] = [token_first, token_second].map(|token| token.mint.to_bytes());
    let tier = TICK_SPACING.to_le_bytes();
    let (pool, bump) = derive(&[POOL_SEED, CONFIG.as_ref(), &first, &second, &tier]);
    let [amount_first, amount_second] = range.amounts;
    let vaults =
        [(token_first, amount_first), (token_second, amount_second)].map(|(token, amount)| SeededVault {
            address: derive(&[b"vault", pool.as_ref(), &token.mint.to_bytes()]).0,
            mint: token.mint,
            program: token.program,
            authority: pool,
            amount,
        });
    let mut data = pool_data(&range, fee_rate);
    put(&mut data, at::BUMP, &[bump]);
    for ((vault, mint_offset), vault_offset) in vaults.iter().zip(at::MINTS).zip(at::VAULTS) {
        put(&mut data, mint_offset, &vault.mint.to_bytes());
        put(&mut data, vault_offset, vault.address.as_ref());
    }
    let mut accounts = vec![(pool, data)];
    accounts.extend([array_ticks().saturating_neg(), 0].map(|start| array(pool, start, &range)));
    let account = |(address, data)| SeededAccount { address, owner: PROGRAM_ID, data };
    let accounts = accounts.into_iter().map(account).collect();
    Ok(Seeded { pool: PoolAddress::from(pool), accounts, vaults })
}

fn pool_data(range: &FullRange, fee_rate: u16) -> Vec<u8> {
    let mut data = vec![0; POOL_SIZE];
    put(&mut data, 0, &POOL_DISCRIMINATOR);
    put(&mut data, at::CONFIG, CONFIG.as_ref());
    put(&mut data, at::TICK_SPACING, &TICK_SPACING.to_le_bytes());
    put(&mut data, at::FEE_TIER, &TICK_SPACING.to_le_bytes());
    put(&mut data, at::FEE_RATE, &fee_rate.to_le_bytes());
    put(&mut data, at::PROTOCOL_FEE_RATE, &PROTOCOL_FEE_RATE.to_le_bytes());
    put(&mut data, at::LIQUIDITY, &range.place.liquidity.to_le_bytes());
    put(&mut data, at::SQRT_PRICE, &range.place.sqrt_price.to_le_bytes());
    put(&mut data, at::TICK, &range.place.tick.to_le_bytes());
    data
}

fn array_ticks() -> i32 {
    i32::from(TICK_SPACING).saturating_mul(TICKS)
}

fn array(pool: Pubkey, start: i32, range: &FullRange) -> (Pubkey, Vec<u8>) {
    let mut data = vec![0; tick_array::FIXED_SIZE];
    put(&mut data, 0, &tick_array::FIXED_DISCRIMINATOR);
    put(&mut data, fixed_offset::START, &start.to_le_bytes());
    put(&mut data, fixed_offset::POOL, pool.as_ref());
    for Tick { index, net, gross } in range.ticks() {
        let Some(distance) =
            index.checked_sub(start).filter(|distance| (0..array_ticks()).contains(distance))
        else {
            continue;
        };
        let place =
            distance.checked_div(i32::from(TICK_SPACING)).and_then(|place| usize::try_from(place).ok());
        let base = fixed_offset::TICKS.saturating_add(place.unwrap_or(0).saturating_mul(TICK_SIZE));
        put(&mut data, base.saturating_add(tick_offset::INITIALIZED), &[1]);
        put(&mut data, base.saturating_add(tick_offset::LIQUIDITY_NET), &net.to_le_bytes());
        put(&mut data, base.saturating_add(tick_offset::LIQUIDITY_GROSS), &gross.to_le_bytes());
    }
    (tick_array::address(pool, start), data)
}

fn derive(seeds: &[&[u8]]) -> (Pubkey, u8) {
    Pubkey::find_program_address(seeds, &PROGRAM_ID)
}
