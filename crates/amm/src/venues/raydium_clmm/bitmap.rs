//! Which tick arrays of a pool have ticks: bits in the pool's own account, and in an extension for those that are far.

use super::offset as pool_offset;
use super::program::PROGRAM_ID;
use crate::account::{DecodeError, Discriminator, Fields, require_owner};
use crate::concentrated::TICK_MAX;
use crate::swap::Direction;
use order_core::{Pubkey, derived_address};
use solana_account::Account;

/// Number of tick arrays read on each side of the price, that of the price included.
pub(super) const ARRAYS_EACH_WAY: usize = 5;

/// Least number of tick arrays in a swap instruction, if the pool has them: the price may move before it is executed.
pub(super) const ARRAYS_LEAST: usize = 3;

/// The bitmap's bit of the array that begins at tick zero.
pub const BITMAP_ZERO: i32 = 512;
const BITMAP_WORDS: usize = 16;

/// Length of the extension's account in bytes.
pub const EXTENSION_SIZE: usize = 1832;
/// First bytes of the extension's account.
pub const EXTENSION_DISCRIMINATOR: Discriminator = 0x3c96_24db_6180_8b99_u64.to_be_bytes();
/// Arrays in one bitmap of the extension.
const EXTENSION_ARRAYS: i32 = 1 << EXTENSION_SHIFT;
const EXTENSION_SHIFT: u32 = 9;
/// Bitmaps of the extension on each side.
const EXTENSION_BITMAPS: usize = 14;
/// Words in one of these bitmaps.
const EXTENSION_WORDS: usize = 8;

/// Where the fields of the extension are.
pub mod extension_offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const POOL: usize = 8;
    pub const POSITIVE: usize = 40;
    pub const NEGATIVE: usize = 936;
}

/// Address of the extension of a pool.
pub fn extension_address(pool: Pubkey) -> Pubkey {
    derived_address(&PROGRAM_ID, &[b"pool_tick_array_bitmap_extension", pool.as_ref()])
}

/// The bits of the arrays that are near.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TickArrayBitmap([u64; BITMAP_WORDS]);

/// The bits of the arrays that are far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BitmapExtension {
    positive: [u64; EXTENSION_BITMAPS * EXTENSION_WORDS],
    negative: [u64; EXTENSION_BITMAPS * EXTENSION_WORDS],
}

impl TickArrayBitmap {
    pub(super) fn decode(fields: Fields<'_>) -> Result<Self, DecodeError> {
        words(fields, pool_offset::BITMAP).map(Self)
    }

    /// `array` counts the arrays from tick zero on. None if the extension has it, and is not known.
    fn has_array(&self, array: i32, extension: Option<&BitmapExtension>) -> Option<bool> {
        match usize::try_from(array.saturating_add(BITMAP_ZERO)).ok().filter(|bit| bit >> 6 < BITMAP_WORDS) {
            Some(bit) => Some(has_bit(&self.0, bit)),
            None => extension.map(|extension| extension.has_array(array)),
        }
    }

    /// The first ticks of the arrays that a swap in a direction goes through, from the array of the price on, as far as
    /// they are known.
    pub(super) fn starts(
        &self,
        extension: Option<&BitmapExtension>,
        tick: i32,
        array_ticks: i32,
        direction: Direction,
    ) -> Starts {
        let array_of = |tick: i32| tick.checked_div_euclid(array_ticks).unwrap_or(0);
        let (mut array, last, step) = match direction {
            Direction::AToB => (array_of(tick), array_of(-TICK_MAX), -1),
            Direction::BToA => (array_of(tick), array_of(TICK_MAX), 1),
        };
        let mut starts = Vec::new();
        loop {
            match self.has_array(array, extension) {
                None => return Starts { starts, end: End::Unknown },
                Some(true) if starts.len() == ARRAYS_EACH_WAY => return Starts { starts, end: End::More },
                Some(true) => starts.push(array.saturating_mul(array_ticks)),
                Some(false) => {}
            }
            if array == last {
                return Starts { starts, end: End::Pool };
            }
            array = array.saturating_add(step);
        }
    }
}

/// The first arrays in a direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Starts {
    pub(super) starts: Vec<i32>,
    pub(super) end: End,
}

/// Continuation after the first arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing.
    Pool,
    /// Another array.
    More,
    /// The extension is not known.
    Unknown,
}

impl BitmapExtension {
    /// Of a pool without one: the program finds no array that is far.
    pub(super) const EMPTY: Self = Self {
        positive: [0; EXTENSION_BITMAPS * EXTENSION_WORDS],
        negative: [0; EXTENSION_BITMAPS * EXTENSION_WORDS],
    };

    pub(super) fn decode(address: Pubkey, account: &Account, pool: Pubkey) -> Result<Self, DecodeError> {
        require_owner(address, account, PROGRAM_ID)?;
        let expected = "a Raydium CLMM bitmap extension";
        let data = account.data.as_slice();
        let fields = Fields::anchor(address, data, EXTENSION_SIZE, EXTENSION_DISCRIMINATOR, expected)?;
        if fields.pubkey(extension_offset::POOL)? != pool {
            return Err(DecodeError::Inconsistent { address, reason: "the bitmap of another pool" });
        }
        let positive = words(fields, extension_offset::POSITIVE)?;
        Ok(Self { positive, negative: words(fields, extension_offset::NEGATIVE)? })
    }

    fn has_array(&self, array: i32) -> bool {
        let bit = usize::try_from(array & (EXTENSION_ARRAYS - 1)).unwrap_or(0);
        let (words, bitmap) = if array < 0 {
            (&self.negative, (-1_i32).saturating_sub(array) >> EXTENSION_SHIFT)
        } else {
            (&self.positive, array >> EXTENSION_SHIFT)
        };
        // The bitmap next to zero is in the pool's own account.
        let bitmap = usize::try_from(bitmap.saturating_sub(1)).unwrap_or(usize::MAX);
        has_bit(words, bitmap.saturating_mul(EXTENSION_WORDS << 6).saturating_add(bit))
    }
}

fn words<const N: usize>(fields: Fields<'_>, offset: usize) -> Result<[u64; N], DecodeError> {
    let mut words = [0; N];
    for (word, offset) in words.iter_mut().zip((offset..).step_by(8)) {
        *word = fields.u64(offset)?;
    }
    Ok(words)
}

fn has_bit(words: &[u64], bit: usize) -> bool {
    words.get(bit >> 6).is_some_and(|word| word >> (bit & 63) & 1 == 1)
}
