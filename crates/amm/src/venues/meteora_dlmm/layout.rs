//! Layouts of the program's accounts.

use super::bin_array;
use super::bitmap::{BinArrayBitmap, BitmapExtension, extension_address};
use super::fee::{Parameters, Volatility};
use super::program::{ARRAYS_EACH_WAY, ARRAYS_HALF};
use crate::account::{DecodeError, Discriminator, Fields, Lookup, is_vacant};
use crate::clock::TimeUnit;
use crate::swap::{Authority, Direction};
use order_core::{Mint, Pubkey};

/// Length of a pool's account in bytes.
pub const POOL_SIZE: usize = 904;
/// First bytes of a pool's account.
pub const POOL_DISCRIMINATOR: Discriminator = 0x210b_3162_b565_b10d_u64.to_be_bytes();

/// Where the fields of a pool's account are.
pub mod offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const BASE_FACTOR: usize = 8;
    pub const FILTER_PERIOD: usize = 10;
    pub const DECAY_PERIOD: usize = 12;
    pub const REDUCTION_FACTOR: usize = 14;
    pub const VARIABLE_FEE_CONTROL: usize = 16;
    pub const MAX_ACCUMULATOR: usize = 20;
    pub const BIN_RANGE: [usize; 2] = [24, 28];
    pub const PROTOCOL_SHARE: usize = 32;
    pub const BASE_FEE_POWER: usize = 34;
    pub const FUNCTION_TYPE: usize = 35;
    pub const COLLECT_FEE_MODE: usize = 36;
    pub const ACCUMULATOR: usize = 40;
    pub const REFERENCE: usize = 44;
    pub const INDEX_REFERENCE: usize = 48;
    pub const LAST_UPDATE: usize = 56;
    pub const BUMP: usize = 72;
    pub const BIN_STEP_SEED: usize = 73;
    pub const PAIR_TYPE: usize = 75;
    pub const ACTIVE_ID: usize = 76;
    pub const BIN_STEP: usize = 80;
    pub const STATUS: usize = 82;
    pub const BASE_FACTOR_IS_SEED: usize = 83;
    pub const BASE_FACTOR_SEED: usize = 84;
    pub const ACTIVATION_TYPE: usize = 86;
    pub const MINTS: [usize; 2] = [88, 120];
    pub const VAULTS: [usize; 2] = [152, 184];
    pub const PROTOCOL_FEES: [usize; 2] = [216, 224];
    pub const REWARD_MINTS: [usize; 2] = [264, 408];
    pub const ORACLE: usize = 552;
    pub const BITMAP: usize = 584;
    pub const BASE_KEY: usize = 784;
    pub const ACTIVATION_POINT: usize = 816;
    pub const TOKEN_FLAGS: [usize; 2] = [880, 881];
}

/// On which side of a swap the fee is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FeeSide {
    Input,
    /// Always in the second token.
    SecondToken,
}

/// A bin array near the price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BinArrayAddress {
    pub(super) index: i32,
    pub(super) address: Pubkey,
}

/// A pool's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DlmmPool {
    pub(super) address: Pubkey,
    pub(super) parameters: Parameters,
    pub(super) volatility: Volatility,
    /// The first and the last bin that the pool can have.
    pub(super) bin_range: [i32; 2],
    pub(super) collect_fee: FeeSide,
    /// True if swaps fill orders at a bin's price.
    pub(super) has_orders: bool,
    pub(super) active_id: i32,
    pub(super) enabled: bool,
    /// When swaps are open; None: from the beginning.
    pub(super) activation: Option<(TimeUnit, u64)>,
    pub(super) mints: [Mint; 2],
    pub(super) vaults: [Pubkey; 2],
    pub(super) protocol_fees: [u64; 2],
    pub(super) oracle: Pubkey,
    pub(super) bitmap: BinArrayBitmap,
    /// Address of the bitmap's extension; None if the pool needs none.
    pub(super) extension: Option<Pubkey>,
    /// The arrays that are read, upwards.
    pub(super) arrays: Vec<BinArrayAddress>,
    pub(super) authority: Authority,
}

impl DlmmPool {
    pub(super) fn decode(address: Pubkey, data: &[u8]) -> Result<Self, DecodeError> {
        use offset as at;
        let fields = Fields::anchor(address, data, POOL_SIZE, POOL_DISCRIMINATOR, "a Meteora DLMM pool")?;
        let mints = fields.mints(at::MINTS)?;
        let [bin_first, bin_last] = at::BIN_RANGE;
        let (active_id, bitmap) = (signed(fields, at::ACTIVE_ID)?, bitmap(fields)?);
        let bin_range = [signed(fields, bin_first)?, signed(fields, bin_last)?];
        Ok(Self {
            address,
            parameters: parameters(fields)?,
            volatility: volatility(fields)?,
            bin_range,
            collect_fee: collect_fee(address, fields)?,
            has_orders: has_orders(address, fields)?,
            active_id,
            enabled: fields.u8(at::STATUS)? == 0,
            activation: activation(address, fields)?,
            mints,
            vaults: fields.pubkeys(at::VAULTS)?,
            protocol_fees: fields.u64s(at::PROTOCOL_FEES)?,
            oracle: fields.pubkey(at::ORACLE)?,
            extension: needs_extension(&bitmap, active_id, bin_range).then(|| extension_address(&address)),
            arrays: arrays(&address, active_id, &bitmap),
            authority: authority(address, fields, mints)?,
            bitmap,
        })
    }

    /// The pool with the arrays that the bitmap's extension knows. It has no extension if there is none, or it was not read.
    pub(super) fn extended(&self, accounts: Lookup<'_, '_>) -> Result<Self, DecodeError> {
        let mut pool = self.clone();
        let Some((address, account)) =
            self.extension.and_then(|address| Some((address, accounts(&address)?)))
        else {
            pool.extension = None;
            return Ok(pool);
        };
        let bits = if is_vacant(account) {
            pool.extension = None;
            BitmapExtension::EMPTY
        } else {
            BitmapExtension::decode(address, account, &self.address)?
        };
        pool.bitmap.extension = Some(bits);
        pool.arrays = arrays(&self.address, self.active_id, &pool.bitmap);
        Ok(pool)
    }

    /// True if a swap in a direction pays its fee in the token that goes in.
    pub(super) fn fee_on_input(&self, direction: Direction) -> bool {
        match (self.collect_fee, direction) {
            (FeeSide::Input, Direction::AToB | Direction::BToA) => true,
            (FeeSide::SecondToken, Direction::AToB) => false,
            (FeeSide::SecondToken, Direction::BToA) => true,
        }
    }

    /// The arrays that are read from the price onwards, its own included.
    pub(super) fn arrays_onwards(&self, direction: Direction) -> Vec<BinArrayAddress> {
        let active = bin_array::index_of(self.active_id);
        let arrays = self.arrays.iter().copied();
        match direction {
            Direction::AToB => arrays.rev().filter(|array| array.index <= active).collect(),
            Direction::BToA => arrays.filter(|array| array.index >= active).collect(),
        }
    }
}

/// True if a swap may come to arrays that the pool's own bitmap does not have: its range goes on there, and it has fewer
/// arrays on that side than are read.
fn needs_extension(bitmap: &BinArrayBitmap, active_id: i32, [first, last]: [i32; 2]) -> bool {
    let active = bin_array::index_of(active_id);
    let own = -ARRAYS_HALF..ARRAYS_HALF;
    if !own.contains(&active) {
        return true;
    }
    [(Direction::AToB, first), (Direction::BToA, last)].into_iter().any(|(direction, end)| {
        let is_far = !own.contains(&bin_array::index_of(end));
        is_far && bitmap.onwards(direction, active).take(ARRAYS_EACH_WAY).count() < ARRAYS_EACH_WAY
    })
}

/// The arrays with liquidity that are nearest to the price on each side, upwards.
fn arrays(pool: &Pubkey, active_id: i32, bitmap: &BinArrayBitmap) -> Vec<BinArrayAddress> {
    let active = bin_array::index_of(active_id);
    let mut indexes: Vec<i32> = bitmap.onwards(Direction::AToB, active).take(ARRAYS_EACH_WAY).collect();
    indexes.extend(bitmap.onwards(Direction::BToA, active).take(ARRAYS_EACH_WAY));
    indexes.sort_unstable();
    indexes.dedup();
    let address = |index| BinArrayAddress { index, address: bin_array::address(pool, index) };
    indexes.into_iter().map(address).collect()
}

fn signed(fields: Fields<'_>, offset: usize) -> Result<i32, DecodeError> {
    fields.u32(offset).map(u32::cast_signed)
}

fn parameters(fields: Fields<'_>) -> Result<Parameters, DecodeError> {
    use offset as at;
    Ok(Parameters {
        base_factor: fields.u16(at::BASE_FACTOR)?,
        base_fee_power: fields.u8(at::BASE_FEE_POWER)?,
        bin_step: fields.u16(at::BIN_STEP)?,
        variable_fee_control: fields.u32(at::VARIABLE_FEE_CONTROL)?,
        max_accumulator: fields.u32(at::MAX_ACCUMULATOR)?,
        filter_period: fields.u16(at::FILTER_PERIOD)?,
        decay_period: fields.u16(at::DECAY_PERIOD)?,
        reduction_factor: fields.u16(at::REDUCTION_FACTOR)?,
        protocol_share: fields.u16(at::PROTOCOL_SHARE)?,
    })
}

fn volatility(fields: Fields<'_>) -> Result<Volatility, DecodeError> {
    Ok(Volatility {
        accumulator: fields.u32(offset::ACCUMULATOR)?,
        reference: fields.u32(offset::REFERENCE)?,
        index_reference: signed(fields, offset::INDEX_REFERENCE)?,
        last_update: fields.i64(offset::LAST_UPDATE)?,
    })
}

fn collect_fee(address: Pubkey, fields: Fields<'_>) -> Result<FeeSide, DecodeError> {
    match fields.u8(offset::COLLECT_FEE_MODE)? {
        0 => Ok(FeeSide::Input),
        1 => Ok(FeeSide::SecondToken),
        other => Err(DecodeError::Unsupported { address, reason: format!("collect fee mode {other}") }),
    }
}

/// A pool that was not made for one of them has orders if it has no rewards for liquidity.
fn has_orders(address: Pubkey, fields: Fields<'_>) -> Result<bool, DecodeError> {
    let rewards = fields.pubkeys(offset::REWARD_MINTS)?;
    match fields.u8(offset::FUNCTION_TYPE)? {
        0 => Ok(rewards == [Pubkey::default(); 2]),
        1 => Ok(false),
        2 => Ok(true),
        other => Err(DecodeError::Unsupported { address, reason: format!("function type {other}") }),
    }
}

/// Only pools with an owner of their own can begin later.
fn activation(address: Pubkey, fields: Fields<'_>) -> Result<Option<(TimeUnit, u64)>, DecodeError> {
    match fields.u8(offset::PAIR_TYPE)? {
        0 | 3 => Ok(None),
        1 | 2 => {
            let unit = TimeUnit::decode(address, fields.u8(offset::ACTIVATION_TYPE)?)?;
            Ok(Some((unit, fields.u64(offset::ACTIVATION_POINT)?)))
        }
        other => Err(DecodeError::Unsupported { address, reason: format!("a pair of type {other}") }),
    }
}

fn bitmap(fields: Fields<'_>) -> Result<BinArrayBitmap, DecodeError> {
    let mut words = [0; 16];
    for (place, word) in words.iter_mut().enumerate() {
        *word = fields.u64(place.saturating_mul(8).saturating_add(offset::BITMAP))?;
    }
    Ok(BinArrayBitmap::new(words))
}

/// The pool itself owns its vaults; what makes its address depends on how it was made.
fn authority(address: Pubkey, fields: Fields<'_>, mints: [Mint; 2]) -> Result<Authority, DecodeError> {
    use offset as at;
    let [a, b] = mints.map(Mint::to_bytes);
    let mut seeds = vec![a.min(b).to_vec(), a.max(b).to_vec()];
    let bin_step = fields.bytes::<2>(at::BIN_STEP_SEED)?.to_vec();
    let base_factor = fields.bytes::<2>(at::BASE_FACTOR_SEED)?.to_vec();
    let base_key = fields.bytes::<32>(at::BASE_KEY)?.to_vec();
    match (fields.u8(at::PAIR_TYPE)?, fields.u8(at::BASE_FACTOR_IS_SEED)?) {
        (0, 0) => seeds.push(bin_step),
        (1, _) => {
            seeds.insert(0, base_key);
            seeds.push(bin_step);
        }
        (2, _) => seeds.insert(0, base_key),
        _ => seeds.extend([bin_step, base_factor]),
    }
    seeds.push(vec![fields.u8(at::BUMP)?]);
    Ok(Authority { address, seeds })
}
