//! Mints and token accounts, as the original token program stores them.

use crate::bytes::put;
use amm::token::{ACCOUNT_LENGTH, ACCOUNT_STATE_INITIALIZED, MINT_LENGTH, account_offset, mint_offset};
use order_core::token::NATIVE_MINT;
use order_core::{Mint, Pubkey};

/// Rent of a token account in lamports: the rest of one of wrapped SOL is its balance.
const ACCOUNT_RENT: u64 = 2_039_280;

/// Bytes of a mint of the original token program.
pub(crate) fn mint_data(authority: Pubkey, supply: u64, decimals: u8) -> Vec<u8> {
    let mut data = vec![0; MINT_LENGTH];
    put(&mut data, mint_offset::AUTHORITY_TAG, &[1]);
    put(&mut data, mint_offset::AUTHORITY, authority.as_ref());
    put(&mut data, mint_offset::SUPPLY, &supply.to_le_bytes());
    put(&mut data, mint_offset::DECIMALS, &[decimals, 1]);
    data
}

/// Bytes of a token account of the original token program; one of wrapped SOL says what of its lamports is rent.
pub(crate) fn account_data(mint: Mint, owner: Pubkey, amount: u64) -> Vec<u8> {
    let mut data = vec![0; ACCOUNT_LENGTH];
    put(&mut data, account_offset::MINT, &mint.to_bytes());
    put(&mut data, account_offset::OWNER, owner.as_ref());
    put(&mut data, account_offset::AMOUNT, &amount.to_le_bytes());
    put(&mut data, account_offset::STATE, &[ACCOUNT_STATE_INITIALIZED]);
    if mint == NATIVE_MINT {
        put(&mut data, account_offset::IS_NATIVE, &[1]);
        put(&mut data, account_offset::NATIVE_RENT, &ACCOUNT_RENT.to_le_bytes());
    }
    data
}
