//! A pool with its bins, as one snapshot has them.

use super::bin_array::BinArray;
use super::layout::{BinArrayAddress, DlmmPool};
use super::price;
use crate::account::{DecodeError, Lookup, is_vacant};

/// A pool with the bin arrays around its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LoadedBins {
    pub(super) pool: DlmmPool,
    /// Those of the pool's arrays that the snapshot has.
    pub(super) arrays: Vec<BinArray>,
    /// In the bin that the pool is at; None if the program cannot tell it.
    pub(super) price: Option<u128>,
}

impl LoadedBins {
    pub(super) fn load(pool: &DlmmPool, accounts: Lookup<'_, '_>) -> Result<Self, DecodeError> {
        let pool = pool.extended(accounts)?;
        let mut arrays = Vec::new();
        for BinArrayAddress { index, address } in pool.arrays.iter().copied() {
            // What is not there can still be swapped up to: the program is given a part of the arrays.
            if let Some(account) = accounts(&address).filter(|account| !is_vacant(account)) {
                arrays.push(BinArray::decode(address, account, &pool.address, index)?);
            }
        }
        let price = price::of_bin(pool.active_id, pool.parameters.bin_step);
        Ok(Self { pool, arrays, price })
    }

    pub(super) fn array(&self, index: i32) -> Option<&BinArray> {
        self.arrays.iter().find(|array| array.index == index)
    }
}
