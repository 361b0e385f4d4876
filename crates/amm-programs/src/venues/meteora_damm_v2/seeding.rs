//! Pools for a local cluster.

use crate::bytes::put;
use crate::root::{sqrt, times_q128};
use crate::seed::{Seed, SeedError, Seeded, SeededAccount, SeededVault};
use amm::venues::meteora_damm_v2::amounts::{amount_a, amount_b, ceil};
use amm::venues::meteora_damm_v2::layout::{POOL_DISCRIMINATOR, POOL_SIZE};
use amm::venues::meteora_damm_v2::offset as at;
use amm::venues::meteora_damm_v2::program::{AUTHORITY, PROGRAM_ID};
use amm::{PoolToken, token};
use order_core::{Atoms, Fraction, Pubkey};
use ruint::aliases::U256;

/// The widest range of prices that the program allows, as square roots.
const SQRT_MIN_PRICE: u128 = 4_295_048_016;
const SQRT_MAX_PRICE: u128 = 79_226_673_521_066_979_257_578_248_091;

/// The part of the fee that the protocol keeps on mainnet.
const PROTOCOL_FEE_PERCENT: u8 = 20;
/// The program's least and largest fee of this version, in billionths.
const FEE_MIN: u64 = 100_000;
const FEE_MAX: u64 = 500_000_000;

/// A pool over the whole range with a fee that stands still, active since the beginning of time.
pub(super) fn seed(seed: &Seed) -> Result<Seeded, SeedError> {
    let [token_a, token_b] = seed.tokens;
    if token_a.mint == token_b.mint {
        return Err(SeedError::EqualTokens { mint: token_a.mint });
    }
    let cliff = cliff(seed.fee)?;
    let price = Price::of(seed.reserves).ok_or(SeedError::Reserves)?;
    let pool = seed.pool.pubkey();
    let vault = |token: PoolToken, amount| SeededVault {
        address: derive(&[b"token_vault", &token.mint.to_bytes(), pool.as_ref()]),
        mint: token.mint,
        program: token.program,
        authority: AUTHORITY,
        amount,
    };
    let [amount_a, amount_b] = price.amounts;
    let vaults = [vault(token_a, amount_a), vault(token_b, amount_b)];
    let data = pool_data(cliff, &price, &vaults);
    let accounts = vec![SeededAccount { address: pool, owner: PROGRAM_ID, data }];
    Ok(Seeded { pool: seed.pool, accounts, vaults })
}

fn cliff(fee: Fraction) -> Result<u64, SeedError> {
    u64::try_from(fee.billionths())
        .ok()
        .filter(|fee| (FEE_MIN..=FEE_MAX).contains(fee))
        .ok_or(SeedError::Fee { fee })
}

/// The state of a curve that holds some reserves.
struct Price {
    sqrt_price: u128,
    liquidity: u128,
    /// Largest amounts that the curve may pay out, rounded up.
    amounts: [Atoms; 2],
}

impl Price {
    /// None if a reserve is zero or the price is outside of the program's range.
    fn of([reserve_a, reserve_b]: [Atoms; 2]) -> Option<Self> {
        let square = times_q128(reserve_b.get()).checked_div(U256::from(reserve_a.get()))?;
        let sqrt_price = u128::try_from(sqrt(square)).ok()?;
        if sqrt_price <= SQRT_MIN_PRICE || sqrt_price >= SQRT_MAX_PRICE {
            return None;
        }
        let width = U256::from(sqrt_price.checked_sub(SQRT_MIN_PRICE)?);
        let liquidity = u128::try_from(times_q128(reserve_b.get()).checked_div(width)?).ok()?;
        let first = amount_a(liquidity, sqrt_price, SQRT_MAX_PRICE).and_then(ceil)?;
        let second = amount_b(liquidity, SQRT_MIN_PRICE, sqrt_price).and_then(ceil)?;
        Some(Self { sqrt_price, liquidity, amounts: [Atoms::new(first), Atoms::new(second)] })
    }
}

fn pool_data(cliff: u64, price: &Price, vaults: &[SeededVault; 2]) -> Vec<u8> {
    let mut data = vec![0; POOL_SIZE];
    put(&mut data, 0, &POOL_DISCRIMINATOR);
    put(&mut data, at::CLIFF_FEE_NUMERATOR, &cliff.to_le_bytes());
    put(&mut data, at::PROTOCOL_FEE_PERCENT, &[PROTOCOL_FEE_PERCENT]);
    put(&mut data, at::INIT_SQRT_PRICE, &price.sqrt_price.to_le_bytes());
    put(&mut data, at::LIQUIDITY, &price.liquidity.to_le_bytes());
    put(&mut data, at::SQRT_MIN_PRICE, &SQRT_MIN_PRICE.to_le_bytes());
    put(&mut data, at::SQRT_MAX_PRICE, &SQRT_MAX_PRICE.to_le_bytes());
    put(&mut data, at::SQRT_PRICE, &price.sqrt_price.to_le_bytes());
    put(&mut data, at::ACTIVATION_TYPE, &[1]);
    for (vault, ((mint, address), flag)) in
        vaults.iter().zip(at::MINTS.into_iter().zip(at::VAULTS).zip(at::TOKEN_FLAGS))
    {
        put(&mut data, mint, &vault.mint.to_bytes());
        put(&mut data, address, vault.address.as_ref());
        put(&mut data, flag, &[token::program_flag(vault.program)]);
    }
    data
}

fn derive(seeds: &[&[u8]]) -> Pubkey {
    Pubkey::find_program_address(seeds, &PROGRAM_ID).0
}
