//! Pools for a local cluster.

use crate::bytes::put;
use crate::seed::{Seed, SeedError, Seeded, SeededAccount, SeededVault};
use amm::venues::meteora_dlmm::bin_array::{self, BINS, bin_offset};
use amm::venues::meteora_dlmm::layout::{POOL_DISCRIMINATOR, POOL_SIZE, offset as at};
use amm::venues::meteora_dlmm::price;
use amm::venues::meteora_dlmm::program::{ARRAYS_HALF, PROGRAM_ID};
use amm::{Direction, Discriminator, PoolToken, token};
use order_core::{Atoms, Fraction, Mint, Pubkey};

/// Bin steps in ten-thousandths, the preferred ones first: a finer step prices better, a coarser one
/// reaches further.
const BIN_STEPS: [u16; 9] = [4, 10, 1, 100, 2, 5, 20, 25, 50];

/// Liquidity lies in so many bin arrays on each side of that of the price.
const ARRAYS_AROUND: i32 = 2;

/// The largest power of ten in a base fee that the program allows.
const BASE_FEE_POWER_MAX: u8 = 3;

/// Parameters of many pools on mainnet. The fee does not follow the market: quotes of a local cluster stay
/// true while time passes.
const FILTER_PERIOD: u16 = 30;
const DECAY_PERIOD: u16 = 600;
const REDUCTION_FACTOR: u16 = 5000;
const MAX_ACCUMULATOR: u32 = 150_000;
const PROTOCOL_SHARE: u16 = 1000;

/// The key of customizable pools that anyone may make: one for each pair of tokens, whatever its parameters.
const BASE_KEY: Pubkey = Pubkey::from_str_const("MFGQxwAmB91SwuYX36okv2Qmdc9aMuHTwWGUrp4AtB1");

/// Such a pool; it has no rewards but orders.
const PAIR_TYPE_CUSTOMIZABLE: u8 = 2;
const FUNCTION_TYPE_ORDERS: u8 = 2;
const ACTIVATION_TIMESTAMP: u8 = 1;
const ARRAY_VERSION: u8 = 2;

const ORACLE_SIZE: usize = 3232;
const ORACLE_DISCRIMINATOR: Discriminator = 0x8bc2_83b3_8cb3_e5f4_u64.to_be_bytes();

/// A pool whose reserves lie evenly in the bins around their ratio, open since the beginning of time.
pub(super) fn seed(seed: &Seed) -> Result<Seeded, SeedError> {
    let [token_x, token_y] = seed.tokens;
    if token_x.mint == token_y.mint {
        return Err(SeedError::EqualTokens { mint: token_x.mint });
    }
    let plan = BinPlan::of(seed)?;
    let (pool, bump) = pool_address(seed.tokens.map(|token| token.mint));
    let vault = |token: PoolToken, amount| SeededVault {
        address: derive(&[pool.as_ref(), &token.mint.to_bytes()]),
        mint: token.mint,
        program: token.program,
        authority: pool,
        amount,
    };
    let [reserve_x, reserve_y] = seed.reserves;
    let vaults = [vault(token_x, reserve_x), vault(token_y, reserve_y)];
    let oracle = derive(&[b"oracle", pool.as_ref()]);
    let mut pool_bytes = pool_data(&plan, &vaults, oracle);
    put(&mut pool_bytes, at::BASE_KEY, BASE_KEY.as_ref());
    put(&mut pool_bytes, at::BUMP, &[bump]);
    let account = |address, data| SeededAccount { address, owner: PROGRAM_ID, data };
    let mut oracle_bytes = vec![0; ORACLE_SIZE];
    put(&mut oracle_bytes, 0, &ORACLE_DISCRIMINATOR);
    let mut accounts = vec![account(pool, pool_bytes), account(oracle, oracle_bytes)];
    for index in plan.arrays() {
        let address = bin_array::address(&pool, index);
        accounts.push(account(address, plan.array_data(&pool, index, seed.reserves)));
    }
    Ok(Seeded { pool: pool.into(), accounts, vaults })
}

/// Parameters of a pool.
struct BinPlan {
    bin_step: u16,
    base_factor: u16,
    base_fee_power: u8,
    active_id: i32,
}

impl BinPlan {
    fn of(seed: &Seed) -> Result<Self, SeedError> {
        let fee = seed.fee;
        let [reserve_x, reserve_y] = seed.reserves.map(Atoms::get);
        let target = (u128::from(reserve_y) << 64).checked_div(u128::from(reserve_x));
        let target = target.filter(|price| *price > 0).ok_or(SeedError::Reserves)?;
        let mut refused = SeedError::Fee { fee };
        for bin_step in BIN_STEPS {
            let Some((base_factor, base_fee_power)) = base_fee(fee, bin_step) else { continue };
            refused = SeedError::Reserves;
            if let Some(active_id) = bin_at(target, bin_step) {
                return Ok(Self { bin_step, base_factor, base_fee_power, active_id });
            }
        }
        Err(refused)
    }

    fn arrays(&self) -> impl Iterator<Item = i32> + use<> {
        let active = bin_array::index_of(self.active_id);
        active.saturating_sub(ARRAYS_AROUND)..=active.saturating_add(ARRAYS_AROUND)
    }

    /// The first token lies in the active bin and above, the second in the active bin and below, the same
    /// in each; the active bin has the rest too.
    fn bin(&self, id: i32, [reserve_x, reserve_y]: [Atoms; 2]) -> [Atoms; 2] {
        let active = bin_array::index_of(self.active_id);
        let first = bin_array::first_bin(active.saturating_sub(ARRAYS_AROUND));
        let last = bin_array::entry_bin(active.saturating_add(ARRAYS_AROUND), Direction::AToB);
        let share = |reserve: Atoms, others: u32| {
            let each = reserve.mul_div_floor(1, u64::from(others).saturating_add(1)).unwrap_or_default();
            let elsewhere = each.get().saturating_mul(u64::from(others));
            if id == self.active_id { Atoms::new(reserve.get().saturating_sub(elsewhere)) } else { each }
        };
        [
            if id >= self.active_id { share(reserve_x, last.abs_diff(self.active_id)) } else { Atoms::ZERO },
            if id <= self.active_id { share(reserve_y, first.abs_diff(self.active_id)) } else { Atoms::ZERO },
        ]
    }

    fn array_data(&self, pool: &Pubkey, index: i32, reserves: [Atoms; 2]) -> Vec<u8> {
        let mut data = vec![0; bin_array::SIZE];
        put(&mut data, 0, &bin_array::DISCRIMINATOR);
        put(&mut data, bin_offset::ARRAY_INDEX, &i64::from(index).to_le_bytes());
        put(&mut data, bin_offset::ARRAY_VERSION, &[ARRAY_VERSION]);
        put(&mut data, bin_offset::ARRAY_POOL, pool.as_ref());
        for (place, id) in (0..BINS).zip(bin_array::first_bin(index)..) {
            let field = |field: usize| bin_array::offset_of(place).saturating_add(field);
            for (offset, amount) in bin_offset::AMOUNTS.into_iter().zip(self.bin(id, reserves)) {
                put(&mut data, field(offset), &amount.get().to_le_bytes());
            }
            let price = price::of_bin(id, self.bin_step).unwrap_or(0);
            put(&mut data, field(bin_offset::PRICE), &price.to_le_bytes());
        }
        data
    }

    /// One bit for each bin array with liquidity.
    fn bitmap(&self) -> [u8; 128] {
        let mut bytes = [0u8; 128];
        for index in self.arrays() {
            let bit = u32::try_from(index.saturating_add(ARRAYS_HALF)).unwrap_or(0);
            let byte = usize::try_from(bit >> 3).ok().and_then(|byte| bytes.get_mut(byte));
            if let Some(byte) = byte {
                *byte |= 1 << (bit & 7);
            }
        }
        bytes
    }
}

/// Base factor and power that make a fee exactly.
fn base_fee(fee: Fraction, bin_step: u16) -> Option<(u16, u8)> {
    let fee = u64::try_from(fee.billionths())
        .ok()
        .filter(|fee| (1..=amm::venues::meteora_dlmm::program::FEE_CAP).contains(fee))?;
    (0..=BASE_FEE_POWER_MAX).find_map(|power| {
        let unit = 10u64.checked_pow(u32::from(power).saturating_add(1))?.checked_mul(u64::from(bin_step))?;
        let factor = u16::try_from(fee.checked_div(unit)?).ok()?;
        (fee.checked_rem(unit)? == 0).then_some((factor, power))
    })
}

/// The last bin whose price is not above another, if the arrays around it are in the bitmap.
fn bin_at(target: u128, bin_step: u16) -> Option<i32> {
    let reach = ARRAYS_HALF.saturating_sub(ARRAYS_AROUND);
    let (mut low, mut high) = (bin_array::first_bin(reach.saturating_neg()), bin_array::first_bin(reach));
    let is_above = |id| price::of_bin(id, bin_step).is_none_or(|price| price > target);
    if is_above(low) || !is_above(high) {
        return None;
    }
    // The bin is in low..high: bisection needs 17 steps.
    while let Some(middle) = low.checked_add(high).map(|sum| sum >> 1)
        && middle > low
    {
        if is_above(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(low)
}

fn pool_data(plan: &BinPlan, vaults: &[SeededVault; 2], oracle: Pubkey) -> Vec<u8> {
    let mut data = vec![0; POOL_SIZE];
    put(&mut data, 0, &POOL_DISCRIMINATOR);
    let bin_step = plan.bin_step.to_le_bytes();
    for (offset, value) in [
        (at::BASE_FACTOR, plan.base_factor.to_le_bytes()),
        (at::FILTER_PERIOD, FILTER_PERIOD.to_le_bytes()),
        (at::DECAY_PERIOD, DECAY_PERIOD.to_le_bytes()),
        (at::REDUCTION_FACTOR, REDUCTION_FACTOR.to_le_bytes()),
        (at::PROTOCOL_SHARE, PROTOCOL_SHARE.to_le_bytes()),
        (at::BIN_STEP_SEED, bin_step),
        (at::BIN_STEP, bin_step),
    ] {
        put(&mut data, offset, &value);
    }
    put(&mut data, at::MAX_ACCUMULATOR, &MAX_ACCUMULATOR.to_le_bytes());
    let [first, last] = at::BIN_RANGE;
    put(&mut data, first, &bin_array::first_bin(ARRAYS_HALF.saturating_neg()).to_le_bytes());
    put(&mut data, last, &bin_array::first_bin(ARRAYS_HALF).saturating_sub(1).to_le_bytes());
    put(&mut data, at::BASE_FEE_POWER, &[plan.base_fee_power]);
    put(&mut data, at::FUNCTION_TYPE, &[FUNCTION_TYPE_ORDERS]);
    put(&mut data, at::INDEX_REFERENCE, &plan.active_id.to_le_bytes());
    put(&mut data, at::PAIR_TYPE, &[PAIR_TYPE_CUSTOMIZABLE]);
    put(&mut data, at::ACTIVE_ID, &plan.active_id.to_le_bytes());
    put(&mut data, at::ACTIVATION_TYPE, &[ACTIVATION_TIMESTAMP]);
    put(&mut data, at::ORACLE, oracle.as_ref());
    put(&mut data, at::BITMAP, &plan.bitmap());
    for (vault, ((mint, address), flag)) in
        vaults.iter().zip(at::MINTS.into_iter().zip(at::VAULTS).zip(at::TOKEN_FLAGS))
    {
        put(&mut data, mint, &vault.mint.to_bytes());
        put(&mut data, address, vault.address.as_ref());
        put(&mut data, flag, &[token::program_flag(vault.program)]);
    }
    data
}

fn pool_address(mints: [Mint; 2]) -> (Pubkey, u8) {
    let [a, b] = mints.map(Mint::to_bytes);
    Pubkey::find_program_address(&[BASE_KEY.as_ref(), &a.min(b), &a.max(b)], &PROGRAM_ID)
}

fn derive(seeds: &[&[u8]]) -> Pubkey {
    Pubkey::find_program_address(seeds, &PROGRAM_ID).0
}
