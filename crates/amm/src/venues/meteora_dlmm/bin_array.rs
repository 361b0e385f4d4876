//! Accounts with the bins of a range of prices.

use self::bin_offset as at;
use super::price;
use super::program::PROGRAM_ID;
use crate::account::{DecodeError, Discriminator, Fields, require_owner};
use crate::swap::Direction;
use order_core::{Pubkey, derived_address};
use solana_account::Account;

/// Length of the account in bytes.
pub const SIZE: usize = 10_136;
/// First bytes of the account.
pub const DISCRIMINATOR: Discriminator = 0x5c8e_5cdc_0594_46b5_u64.to_be_bytes();

/// Where the fields of a bin array's account are, and of a bin in its part of it.
pub mod bin_offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const ARRAY_INDEX: usize = 8;
    pub const ARRAY_VERSION: usize = 16;
    pub const ARRAY_POOL: usize = 24;
    pub const FIRST: usize = 56;
    pub const LENGTH: usize = 144;
    pub const AMOUNTS: [usize; 2] = [0, 8];
    pub const PRICE: usize = 16;
    pub const OPEN_ORDERS: usize = 112;
    pub const PROCESSED_ORDERS: usize = 128;
    pub const ORDERS_SELL_FIRST: usize = 140;
}

/// Bins of one array.
pub const BINS: usize = 70;
const BINS_SIGNED: i32 = 70;

/// An account with the bins of a range of prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BinArray {
    pub(super) address: Pubkey,
    pub(super) index: i32,
    bins: Vec<Bin>,
}

/// Amounts that a bin sells at its one price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bin {
    /// Of the liquidity's providers, in the order of the pool's tokens.
    pub(super) amounts: [u64; 2],
    /// As the program has stored it; zero if it has not.
    price: u128,
    /// Of orders that nobody has filled from yet.
    pub(super) open_orders: u64,
    /// Rest of orders that have been filled in part.
    pub(super) processed_orders: u64,
    /// Which of the pool's tokens the orders sell: the first, or the second.
    orders_sell_first: bool,
}

/// The index of the array that has a bin.
pub fn index_of(id: i32) -> i32 {
    id.checked_div_euclid(BINS_SIGNED).unwrap_or(0)
}

/// The first bin of an array.
pub fn first_bin(index: i32) -> i32 {
    index.saturating_mul(BINS_SIGNED)
}

/// The bin at a place of an array.
pub(super) fn id_of(index: i32, place: usize) -> Option<i32> {
    first_bin(index).checked_add(i32::try_from(place).ok()?)
}

/// The bin of an array that a swap comes to first.
pub fn entry_bin(index: i32, direction: Direction) -> i32 {
    let first = first_bin(index);
    match direction {
        Direction::AToB => first.saturating_add(BINS_SIGNED).saturating_sub(1),
        Direction::BToA => first,
    }
}

/// Where the array of a pool is.
pub fn address(pool: &Pubkey, index: i32) -> Pubkey {
    let index = i64::from(index).to_le_bytes();
    derived_address(&PROGRAM_ID, &[b"bin_array", pool.as_ref(), &index])
}

/// Where the fields of a bin begin in its array's account, by its place there.
pub fn offset_of(place: usize) -> usize {
    place.saturating_mul(at::LENGTH).saturating_add(at::FIRST)
}

impl BinArray {
    pub(super) fn decode(
        address: Pubkey,
        account: &Account,
        pool: &Pubkey,
        index: i32,
    ) -> Result<Self, DecodeError> {
        require_owner(address, account, PROGRAM_ID)?;
        let expected = "a Meteora DLMM bin array";
        let fields = Fields::anchor(address, &account.data, SIZE, DISCRIMINATOR, expected)?;
        if fields.i64(at::ARRAY_INDEX)? != i64::from(index) || fields.pubkey(at::ARRAY_POOL)? != *pool {
            let reason = "it is not the array that its address says";
            return Err(DecodeError::Inconsistent { address, reason });
        }
        let bins = (0..BINS).map(|place| Bin::decode(fields, offset_of(place)));
        Ok(Self { address, index, bins: bins.collect::<Result<_, _>>()? })
    }

    /// A bin and its place in the account, if it is one of this array.
    pub(super) fn bin(&self, id: i32) -> Option<(usize, &Bin)> {
        let place = usize::try_from(id.checked_sub(first_bin(self.index))?).ok()?;
        Some((place, self.bins.get(place)?))
    }

    pub(super) fn bins(&self) -> impl Iterator<Item = &Bin> {
        self.bins.iter()
    }
}

impl Bin {
    fn decode(fields: Fields<'_>, offset: usize) -> Result<Self, DecodeError> {
        let at = |field: usize| offset.saturating_add(field);
        Ok(Self {
            amounts: [fields.u64(at(at::AMOUNTS[0]))?, fields.u64(at(at::AMOUNTS[1]))?],
            price: fields.u128(at(at::PRICE))?,
            open_orders: fields.u64(at(at::OPEN_ORDERS))?,
            processed_orders: fields.u64(at(at::PROCESSED_ORDERS))?,
            orders_sell_first: fields.u8(at(at::ORDERS_SELL_FIRST))? != 0,
        })
    }

    /// Amounts that it sells, in the order in which they are taken: liquidity, processed orders, open orders.
    pub(super) fn offers(&self, direction: Direction, with_orders: bool) -> [u64; 3] {
        let (_, liquidity) = direction.order(self.amounts);
        let orders_match = match direction {
            Direction::AToB => !self.orders_sell_first,
            Direction::BToA => self.orders_sell_first,
        };
        if with_orders && orders_match {
            [liquidity, self.processed_orders, self.open_orders]
        } else {
            [liquidity, 0, 0]
        }
    }

    /// None if it is nothing, or more than the program can tell.
    pub(super) fn price(&self, id: i32, bin_step: u16) -> Option<u128> {
        let price = if self.price == 0 { price::of_bin(id, bin_step)? } else { self.price };
        (price > 0).then_some(price)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_grouped_by_seventy_also_below_zero() {
        assert_eq!([-71, -70, -1, 0, 69, 70].map(index_of), [-2, -1, -1, 0, 0, 1]);
        assert_eq!((entry_bin(-1, Direction::AToB), entry_bin(-1, Direction::BToA)), (-1, -70));
    }
}
