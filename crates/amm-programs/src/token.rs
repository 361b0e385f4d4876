//! Mints and token accounts, as the original token program stores them.

use crate::bytes::put;
use amm::token::{ACCOUNT_LENGTH, ACCOUNT_STATE_INITIALIZED, MINT_LENGTH, account_offset, mint_offset};
use order_core::Pubkey;

/// Bytes of a mint of the original token program. Without an authority, its supply is fixed.
pub fn mint_data(authority: Option<Pubkey>, supply: u64, decimals: u8) -> Vec<u8> {
    let mut data = vec![0; MINT_LENGTH];
    if let Some(authority) = authority {
        put(&mut data, mint_offset::AUTHORITY_TAG, &[1]);
        put(&mut data, mint_offset::AUTHORITY, authority.as_ref());
    }
    put(&mut data, mint_offset::SUPPLY, &supply.to_le_bytes());
    put(&mut data, mint_offset::DECIMALS, &[decimals]);
    put(&mut data, mint_offset::INITIALIZED, &[1]);
    data
}

/// Bytes of a token account of the original token program. One of wrapped SOL says how many of its lamports are
/// rent: the rest is its balance.
pub fn account_data(mint: Pubkey, owner: Pubkey, amount: u64, native_rent: Option<u64>) -> Vec<u8> {
    let mut data = vec![0; ACCOUNT_LENGTH];
    put(&mut data, account_offset::MINT, mint.as_ref());
    put(&mut data, account_offset::OWNER, owner.as_ref());
    put(&mut data, account_offset::AMOUNT, &amount.to_le_bytes());
    put(&mut data, account_offset::STATE, &[ACCOUNT_STATE_INITIALIZED]);
    if let Some(rent) = native_rent {
        put(&mut data, account_offset::IS_NATIVE, &[1]);
        put(&mut data, account_offset::NATIVE_RENT, &rent.to_le_bytes());
    }
    data
}
