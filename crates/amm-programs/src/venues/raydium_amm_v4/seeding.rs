//! Pools for a local cluster.

use crate::bytes::put;
use crate::seed::{Seed, SeedError, Seeded, SeededAccount, SeededVault};
use amm::PoolToken;
use amm::venues::raydium_amm_v4::layout::{POOL_SIZE, STATUS_SWAP_ONLY, offset as at};
use amm::venues::raydium_amm_v4::program::{AUTHORITY_SEED, PROGRAM_ID};
use order_core::token::Program;
use order_core::{Fraction, Pubkey};

/// The part of the fee that the protocol takes on mainnet.
const PNL: [u64; 2] = [12, 100];

/// A pool without an order book.
pub(super) fn seed(seed: &Seed) -> Result<Seeded, SeedError> {
    let [first, second] = seed.tokens;
    if first.mint == second.mint {
        return Err(SeedError::EqualTokens { mint: first.mint });
    }
    if let Some(token) = seed.tokens.into_iter().find(|token| token.program != Program::SplToken) {
        return Err(SeedError::TokenProgram { mint: token.mint });
    }
    if seed.reserves.into_iter().any(|reserve| reserve.is_zero()) {
        return Err(SeedError::Reserves);
    }
    let fee = fee(seed.fee).ok_or(SeedError::Fee { fee: seed.fee })?;
    let (authority, nonce) = Pubkey::find_program_address(&[AUTHORITY_SEED], &PROGRAM_ID);
    let pool = seed.pool.pubkey();
    let vault = |name: &[u8], token: PoolToken, amount| SeededVault {
        address: derive(pool, name),
        mint: token.mint,
        program: token.program,
        authority,
        amount,
    };
    let [reserve_first, reserve_second] = seed.reserves;
    let vaults = [
        vault(b"coin_vault_associated_seed", first, reserve_first),
        vault(b"pc_vault_associated_seed", second, reserve_second),
    ];
    let mut data = pool_data(fee, nonce, &vaults, seed.tokens);
    put(&mut data, at::LP_MINT, derive(pool, b"lp_mint_associated_seed").as_ref());
    put(&mut data, at::LP_AMOUNT, &reserve_first.get().to_le_bytes());
    let account = SeededAccount { address: pool, owner: PROGRAM_ID, data };
    Ok(Seeded { pool: seed.pool, accounts: vec![account], vaults })
}

/// Numerator and denominator. None if the rate is negative or the whole.
fn fee(fee: Fraction) -> Option<[u64; 2]> {
    let numerator = u64::try_from(fee.billionths()).ok()?;
    (numerator < Fraction::ONE_IN_BILLIONTHS).then_some([numerator, Fraction::ONE_IN_BILLIONTHS])
}

fn pool_data(fee: [u64; 2], nonce: u8, vaults: &[SeededVault; 2], tokens: [PoolToken; 2]) -> Vec<u8> {
    let mut data = vec![0; POOL_SIZE];
    put(&mut data, at::STATUS, &STATUS_SWAP_ONLY.to_le_bytes());
    put(&mut data, at::NONCE, &u64::from(nonce).to_le_bytes());
    for (offsets, values) in [(at::SWAP_FEE, fee), (at::TRADE_FEE, fee), (at::PNL, PNL)] {
        for (offset, value) in offsets.into_iter().zip(values) {
            put(&mut data, offset, &value.to_le_bytes());
        }
    }
    let offsets = at::VAULTS.into_iter().zip(at::MINTS).zip(at::DECIMALS);
    for ((vault, token), ((vault_at, mint_at), decimals_at)) in vaults.iter().zip(tokens).zip(offsets) {
        put(&mut data, vault_at, vault.address.as_ref());
        put(&mut data, mint_at, &vault.mint.to_bytes());
        put(&mut data, decimals_at, &u64::from(token.decimals).to_le_bytes());
    }
    data
}

/// The program derives a pool's accounts from the market; a pool without one stands for it here.
fn derive(pool: Pubkey, name: &[u8]) -> Pubkey {
    Pubkey::find_program_address(&[PROGRAM_ID.as_ref(), pool.as_ref(), name], &PROGRAM_ID).0
}
