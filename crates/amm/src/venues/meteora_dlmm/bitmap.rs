//! Which bin arrays of a pool have liquidity: bits in the pool's own account, and in an extension for those that are far.

use super::program::{ARRAYS_HALF, PROGRAM_ID};
use crate::account::{DecodeError, Discriminator, Fields, require_owner};
use crate::swap::Direction;
use order_core::{Pubkey, derived_address};
use solana_account::Account;

/// Length of the extension's account in bytes.
pub const EXTENSION_SIZE: usize = 1576;
/// First bytes of the extension's account.
pub const EXTENSION_DISCRIMINATOR: Discriminator = 0x506f_7c71_37ed_1205_u64.to_be_bytes();
/// Bitmaps of the extension on each side, each of as many arrays as [`ARRAYS_HALF`].
const EXTENSION_BITMAPS: i32 = 12;
/// Words of the extension on each side.
const EXTENSION_WORDS: usize = 96;

/// Where the fields of the extension are.
pub mod extension_offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const POOL: usize = 8;
    pub const POSITIVE: usize = 40;
    pub const NEGATIVE: usize = 808;
}

/// Address of the extension of a pool.
pub fn extension_address(pool: &Pubkey) -> Pubkey {
    derived_address(&PROGRAM_ID, &[b"bitmap", pool.as_ref()])
}

/// Which arrays have liquidity, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BinArrayBitmap {
    /// Those around the price of one.
    own: [u64; 16],
    /// All others; None if the extension is not known.
    pub(super) extension: Option<BitmapExtension>,
}

/// The bits of the arrays that are far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BitmapExtension {
    positive: [u64; EXTENSION_WORDS],
    negative: [u64; EXTENSION_WORDS],
}

impl BinArrayBitmap {
    pub(super) fn new(own: [u64; 16]) -> Self {
        Self { own, extension: None }
    }

    fn contains(&self, index: i32) -> bool {
        match usize::try_from(index.saturating_add(ARRAYS_HALF)).ok().filter(|bit| bit >> 6 < self.own.len())
        {
            Some(bit) => has_bit(&self.own, bit),
            None => self.extension.as_ref().is_some_and(|extension| extension.contains(index)),
        }
    }

    /// The arrays with liquidity from one onwards, itself included.
    pub(super) fn onwards(&self, direction: Direction, index: i32) -> impl Iterator<Item = i32> + '_ {
        let half = match self.extension {
            Some(_) => ARRAYS_HALF.saturating_mul(EXTENSION_BITMAPS.saturating_add(1)),
            None => ARRAYS_HALF,
        };
        let (below, above) = match direction {
            // There are no arrays further away, whatever a pool's account says.
            Direction::AToB => (Some((half.saturating_neg()..=index.min(half)).rev()), None),
            Direction::BToA => (None, Some(index.max(half.saturating_neg())..half)),
        };
        below.into_iter().flatten().chain(above.into_iter().flatten()).filter(|index| self.contains(*index))
    }
}

impl BitmapExtension {
    /// Of a pool without one: the program finds no array that is far.
    pub(super) const EMPTY: Self = Self { positive: [0; EXTENSION_WORDS], negative: [0; EXTENSION_WORDS] };

    pub(super) fn decode(address: Pubkey, account: &Account, pool: &Pubkey) -> Result<Self, DecodeError> {
        require_owner(address, account, PROGRAM_ID)?;
        let expected = "a Meteora DLMM bitmap extension";
        let data = account.data.as_slice();
        let fields = Fields::anchor(address, data, EXTENSION_SIZE, EXTENSION_DISCRIMINATOR, expected)?;
        if fields.pubkey(extension_offset::POOL)? != *pool {
            return Err(DecodeError::Inconsistent { address, reason: "the bitmap of another pool" });
        }
        let positive = words(fields, extension_offset::POSITIVE)?;
        Ok(Self { positive, negative: words(fields, extension_offset::NEGATIVE)? })
    }

    /// Below zero it counts downwards.
    fn contains(&self, index: i32) -> bool {
        let (words, distance) = if index < 0 {
            (&self.negative, (-1_i32).saturating_sub(index))
        } else {
            (&self.positive, index)
        };
        // The arrays that are nearer are in the pool's own account.
        let bit = usize::try_from(distance.saturating_sub(ARRAYS_HALF));
        bit.is_ok_and(|bit| has_bit(words, bit))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bitmap_counts_from_the_lowest_array() {
        let mut words = [0; 16];
        words[0] = 1;
        words[8] = 0b101;
        words[15] = 1 << 63;
        let bitmap = BinArrayBitmap::new(words);
        let onwards = |direction, index| bitmap.onwards(direction, index).collect::<Vec<_>>();
        assert_eq!(onwards(Direction::AToB, 1), [0, -512]);
        assert_eq!(onwards(Direction::BToA, 1), [2, 511]);
        assert_eq!(onwards(Direction::BToA, -512), [-512, 0, 2, 511]);
        assert!(onwards(Direction::AToB, -513).is_empty() && onwards(Direction::BToA, 512).is_empty());
    }

    #[test]
    fn the_extension_goes_on_from_both_ends_of_the_bitmap() {
        let mut extension = BitmapExtension::EMPTY;
        // The first and the last array on each side, and one in the second bitmap.
        extension.positive[0] = 1;
        extension.positive[95] = 1 << 63;
        extension.negative[0] = 1;
        extension.negative[8] = 0b10;
        extension.negative[95] = 1 << 63;
        let bitmap = BinArrayBitmap { extension: Some(extension), ..BinArrayBitmap::new([0; 16]) };
        let onwards = |direction, index| bitmap.onwards(direction, index).collect::<Vec<_>>();
        assert_eq!(onwards(Direction::BToA, 0), [512, 6655]);
        assert_eq!(onwards(Direction::AToB, 0), [-513, -1026, -6656]);
        assert_eq!(onwards(Direction::BToA, -1026), [-1026, -513, 512, 6655]);
    }
}
