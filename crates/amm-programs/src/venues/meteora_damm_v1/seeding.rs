//! Pools for a local cluster.

use crate::bytes::put;
use crate::seed::{Seed, SeedError, Seeded, SeededAccount, SeededVault};
use crate::token;
use amm::venues::meteora_damm_v1::layout::{POOL_DISCRIMINATOR, POOL_SIZE, offset as at};
use amm::venues::meteora_damm_v1::program::{PROGRAM_ID, VAULT_PROGRAM_ID};
use amm::venues::meteora_damm_v1::vault;
use amm::{PoolToken, token_program_id};
use order_core::token::{NATIVE_MINT, Program};
use order_core::{Atoms, Fraction, Pubkey};

/// The part of the fee that goes to the protocol on mainnet.
const PROTOCOL_FEE: [u64; 2] = [20_000, 100_000];
/// Rent of a token account, in lamports.
const ACCOUNT_RENT: u64 = 2_039_280;
/// Rate at which profit unlocks on mainnet: in six hours.
const DEGRADATION: u64 = 46_296_296;

/// A pool that has all shares of two vaults, which have lent nothing.
pub(super) fn seed(seed: &Seed) -> Result<Seeded, SeedError> {
    let [token_a, token_b] = seed.tokens;
    if token_a.mint == token_b.mint {
        return Err(SeedError::EqualTokens { mint: token_a.mint });
    }
    if let Some(token) = seed.tokens.into_iter().find(|token| token.program != Program::SplToken) {
        return Err(SeedError::TokenProgram { mint: token.mint });
    }
    if seed.reserves.into_iter().any(|reserve| reserve.is_zero()) {
        return Err(SeedError::Reserves);
    }
    let fee = fee(seed.fee).ok_or(SeedError::Fee { fee: seed.fee })?;
    let [reserve_a, reserve_b] = seed.reserves;
    let pool = seed.pool.pubkey();
    let side_a = SeededSide::new(pool, token_a, reserve_a);
    let side_b = SeededSide::new(pool, token_b, reserve_b);
    // The first account of shares signs for everything that the pool has.
    let signer = side_a.vault_lp.0;
    let mut accounts =
        vec![SeededAccount { address: pool, owner: PROGRAM_ID, data: pool_data(fee, [&side_a, &side_b]) }];
    accounts.extend(side_a.accounts(signer));
    accounts.extend(side_b.accounts(signer));
    Ok(Seeded { pool: seed.pool, accounts, vaults: [side_a.token_vault(), side_b.token_vault()] })
}

/// Numerator and denominator. None if the rate is negative or the whole.
fn fee(fee: Fraction) -> Option<[u64; 2]> {
    let numerator = u64::try_from(fee.billionths()).ok()?;
    (numerator < Fraction::ONE_IN_BILLIONTHS).then_some([numerator, Fraction::ONE_IN_BILLIONTHS])
}

/// Addresses and their bumps.
struct SeededSide {
    token: PoolToken,
    reserve: Atoms,
    pool: Pubkey,
    vault: (Pubkey, u8),
    token_vault: (Pubkey, u8),
    lp_mint: Pubkey,
    vault_lp: (Pubkey, u8),
    protocol_fee: Pubkey,
}

impl SeededSide {
    fn new(pool: Pubkey, token: PoolToken, reserve: Atoms) -> Self {
        let of_vaults = |seeds: &[&[u8]]| Pubkey::find_program_address(seeds, &VAULT_PROGRAM_ID);
        let of_pools = |seeds: &[&[u8]]| Pubkey::find_program_address(seeds, &PROGRAM_ID);
        let mint = token.mint.to_bytes();
        // With the pool for its base, the vault is no other pool's.
        let vault = of_vaults(&[b"vault", &mint, pool.as_ref()]);
        Self {
            token,
            reserve,
            pool,
            vault,
            token_vault: of_vaults(&[b"token_vault", vault.0.as_ref()]),
            lp_mint: of_vaults(&[b"lp_mint", vault.0.as_ref()]).0,
            vault_lp: of_pools(&[vault.0.as_ref(), pool.as_ref()]),
            protocol_fee: of_pools(&[b"fee", &mint, pool.as_ref()]).0,
        }
    }

    fn token_vault(&self) -> SeededVault {
        SeededVault {
            address: self.token_vault.0,
            mint: self.token.mint,
            program: self.token.program,
            authority: self.vault.0,
            amount: self.reserve,
        }
    }

    fn accounts(&self, signer: Pubkey) -> [SeededAccount; 4] {
        let kept_by = |owner, address, data| SeededAccount { address, owner, data };
        let tokens = token_program_id(Program::SplToken);
        let lp_mint = token::mint_data(Some(self.vault.0), self.reserve.get(), self.token.decimals);
        let shares = token::account_data(self.lp_mint, signer, self.reserve.get(), None);
        let native_rent = (self.token.mint == NATIVE_MINT).then_some(ACCOUNT_RENT);
        let fees = token::account_data(self.token.mint.pubkey(), signer, 0, native_rent);
        [
            kept_by(VAULT_PROGRAM_ID, self.vault.0, self.vault_data()),
            kept_by(tokens, self.lp_mint, lp_mint),
            kept_by(tokens, self.vault_lp.0, shares),
            kept_by(tokens, self.protocol_fee, fees),
        ]
    }

    fn vault_data(&self) -> Vec<u8> {
        use vault::offset as at;
        let mut data = vec![0; vault::SIZE];
        put(&mut data, 0, &vault::DISCRIMINATOR);
        put(&mut data, at::ENABLED, &[1]);
        for (offset, bump) in at::BUMPS.into_iter().zip([self.vault.1, self.token_vault.1]) {
            put(&mut data, offset, &[bump]);
        }
        put(&mut data, at::TOTAL_AMOUNT, &self.reserve.get().to_le_bytes());
        put(&mut data, at::TOKEN_VAULT, self.token_vault.0.as_ref());
        put(&mut data, at::TOKEN_MINT, &self.token.mint.to_bytes());
        put(&mut data, at::LP_MINT, self.lp_mint.as_ref());
        put(&mut data, at::BASE, self.pool.as_ref());
        put(&mut data, at::DEGRADATION, &DEGRADATION.to_le_bytes());
        data
    }
}

fn pool_data(fee: [u64; 2], sides: [&SeededSide; 2]) -> Vec<u8> {
    let mut data = vec![0; POOL_SIZE];
    put(&mut data, 0, &POOL_DISCRIMINATOR);
    let [side_a, _] = sides;
    let lp_mint = Pubkey::find_program_address(&[b"lp_mint", side_a.pool.as_ref()], &PROGRAM_ID).0;
    put(&mut data, at::LP_MINT, lp_mint.as_ref());
    put(&mut data, at::VAULT_LP_BUMP, &[side_a.vault_lp.1]);
    put(&mut data, at::ENABLED, &[1]);
    // Anyone may make pools of this type.
    put(&mut data, at::POOL_TYPE, &[1]);
    put(&mut data, at::ACTIVATION_TYPE, &[1]);
    for (offsets, values) in [(at::TRADE_FEE, fee), (at::PROTOCOL_FEE, PROTOCOL_FEE)] {
        for (offset, value) in offsets.into_iter().zip(values) {
            put(&mut data, offset, &value.to_le_bytes());
        }
    }
    for (index, side) in sides.into_iter().enumerate() {
        let mut at = |offsets: [usize; 2], bytes: [u8; 32]| {
            if let Some(offset) = offsets.get(index) {
                put(&mut data, *offset, &bytes);
            }
        };
        at(at::MINTS, side.token.mint.to_bytes());
        at(at::VAULTS, side.vault.0.to_bytes());
        at(at::VAULT_LPS, side.vault_lp.0.to_bytes());
        at(at::PROTOCOL_FEE_ACCOUNTS, side.protocol_fee.to_bytes());
    }
    data
}
