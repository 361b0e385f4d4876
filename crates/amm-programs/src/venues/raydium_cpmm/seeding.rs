//! Pools for a local cluster.

use crate::bytes::put;
use crate::seed::{Seed, SeedError, Seeded, SeededAccount, SeededVault};
use amm::Discriminator;
use amm::venues::raydium_cpmm::layout::{CONFIG_DISCRIMINATOR, CONFIG_SIZE, POOL_DISCRIMINATOR, POOL_SIZE};
use amm::venues::raydium_cpmm::layout::{config_offset, pool_offset};
use amm::venues::raydium_cpmm::program::{AUTHORITY, AUTHORITY_BUMP, PROGRAM_ID};
use amm::{PoolToken, token_program_id};
use order_core::Pubkey;

/// The parts of the trade fee that go to the protocol and the fund on mainnet, in millionths.
const PROTOCOL_FEE_RATE: u64 = 120_000;
const FUND_FEE_RATE: u64 = 40_000;

const OBSERVATION_SIZE: usize = 4075;
const OBSERVATION_DISCRIMINATOR: Discriminator = 0x7aae_c535_8109_a584_u64.to_be_bytes();
const OBSERVATION_POOL: usize = 11;
const LP_DECIMALS: u8 = 9;

/// A pool with a fee configuration of its own rate: pools of one fee share it.
pub(super) fn seed(seed: &Seed) -> Result<Seeded, SeedError> {
    let pool = seed.pool.pubkey();
    let trade_fee_rate = u64::from(seed.fee_in_millionths()?);
    // The program wants the mints in the order of their bytes.
    let sides = seed.sides_by_mint()?;
    let (config, config_data) = config(trade_fee_rate).ok_or(SeedError::Fee { fee: seed.fee })?;
    let vaults = sides.map(|(token, amount)| SeededVault {
        address: derive(&[b"pool_vault", pool.as_ref(), &token.mint.to_bytes()]).0,
        mint: token.mint,
        program: token.program,
        authority: AUTHORITY,
        amount,
    });
    let observation = derive(&[b"observation", pool.as_ref()]).0;
    let account = |(address, data)| SeededAccount { address, owner: PROGRAM_ID, data };
    let accounts = [
        (pool, pool_data(config, observation, &vaults, sides.map(|(token, _)| token))),
        (config, config_data),
        (observation, observation_data(pool)),
    ];
    Ok(Seeded { pool: seed.pool, accounts: accounts.map(account).to_vec(), vaults })
}

/// The configuration's index is its rate, so that each rate has one address. None above the index's 6.5 %.
fn config(trade_fee_rate: u64) -> Option<(Pubkey, Vec<u8>)> {
    use config_offset as at;
    let index = u16::try_from(trade_fee_rate).ok()?;
    let (address, bump) = derive(&[b"amm_config", &index.to_be_bytes()]);
    let mut data = vec![0; CONFIG_SIZE];
    put(&mut data, 0, &CONFIG_DISCRIMINATOR);
    put(&mut data, at::BUMP, &[bump]);
    put(&mut data, at::INDEX, &index.to_le_bytes());
    put(&mut data, at::TRADE_FEE_RATE, &trade_fee_rate.to_le_bytes());
    put(&mut data, at::PROTOCOL_FEE_RATE, &PROTOCOL_FEE_RATE.to_le_bytes());
    put(&mut data, at::FUND_FEE_RATE, &FUND_FEE_RATE.to_le_bytes());
    Some((address, data))
}

fn pool_data(
    config: Pubkey,
    observation: Pubkey,
    vaults: &[SeededVault; 2],
    tokens: [PoolToken; 2],
) -> Vec<u8> {
    use pool_offset as at;
    let mut data = vec![0; POOL_SIZE];
    put(&mut data, 0, &POOL_DISCRIMINATOR);
    put(&mut data, at::CONFIG, config.as_ref());
    put(&mut data, at::OBSERVATION, observation.as_ref());
    put(&mut data, at::AUTHORITY_BUMP, &[AUTHORITY_BUMP]);
    put(&mut data, at::LP_DECIMALS, &[LP_DECIMALS]);
    for (side, (vault, token)) in vaults.iter().zip(tokens).enumerate() {
        let mut at = |offsets: [usize; 2], bytes: &[u8]| {
            if let Some(offset) = offsets.get(side) {
                put(&mut data, *offset, bytes);
            }
        };
        at(at::VAULTS, vault.address.as_ref());
        at(at::MINTS, &token.mint.to_bytes());
        at(at::TOKEN_PROGRAMS, token_program_id(token.program).as_ref());
        at(at::DECIMALS, &[token.decimals]);
    }
    data
}

fn observation_data(pool: Pubkey) -> Vec<u8> {
    let mut data = vec![0; OBSERVATION_SIZE];
    put(&mut data, 0, &OBSERVATION_DISCRIMINATOR);
    put(&mut data, OBSERVATION_POOL, pool.as_ref());
    data
}

fn derive(seeds: &[&[u8]]) -> (Pubkey, u8) {
    Pubkey::find_program_address(seeds, &PROGRAM_ID)
}
