//! Accounts with the ticks of a range of prices.

use super::price::sqrt_price;
use super::program::PROGRAM_ID;
use crate::account::{DecodeError, Discriminator, Fields, require_owner};
use crate::concentrated::Stop;
use order_core::{Pubkey, derived_address};
use solana_account::Account;

/// Number of ticks in an array.
pub const TICKS: i32 = 60;

/// Length of the account in bytes.
pub const SIZE: usize = 10_240;
/// First bytes of the account.
pub const DISCRIMINATOR: Discriminator = 0xc09b_55cd_31f9_812a_u64.to_be_bytes();

/// Where the fields of a tick array are.
pub mod offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const POOL: usize = 8;
    pub const START: usize = 40;
    pub const TICKS: usize = 44;
    pub const INITIALIZED: usize = 10_124;
}

/// Length of a tick in bytes.
pub const TICK_SIZE: usize = 168;
/// Where the fields of a tick are.
pub mod tick_offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const LIQUIDITY_NET: usize = 4;
    pub const LIQUIDITY_GROSS: usize = 20;
    pub const ORDERS: usize = 124;
    pub const PART_FILLED_ORDERS: usize = 132;
}

/// Address of the array of a pool that begins at a tick.
pub fn address(pool: Pubkey, start: i32) -> Pubkey {
    let seeds: [&[u8]; 3] = [b"tick_array", pool.as_ref(), &start.to_be_bytes()];
    derived_address(&PROGRAM_ID, &seeds)
}

/// The ticks of an array where liquidity begins or ends, the lowest first.
pub(super) fn decode(
    address: Pubkey,
    account: &Account,
    pool: Pubkey,
    start: i32,
    spacing: i32,
) -> Result<Vec<Stop>, DecodeError> {
    require_owner(address, account, PROGRAM_ID)?;
    let data = account.data.as_slice();
    let fields = Fields::anchor(address, data, SIZE, DISCRIMINATOR, "a Raydium CLMM tick array")?;
    if fields.pubkey(offset::POOL)? != pool || fields.i32(offset::START)? != start {
        return Err(DecodeError::Inconsistent { address, reason: "the ticks of another pool or price" });
    }
    let mut stops = Vec::new();
    for (place, base) in (0..TICKS).zip((offset::TICKS..).step_by(TICK_SIZE)) {
        let at = |offset: usize| base.saturating_add(offset);
        let orders = [fields.u64(at(tick_offset::ORDERS))?, fields.u64(at(tick_offset::PART_FILLED_ORDERS))?];
        if orders != [0; 2] {
            let reason = "limit orders, whose maths has not been checked against the program".to_owned();
            return Err(DecodeError::Unsupported { address, reason });
        }
        if fields.u128(at(tick_offset::LIQUIDITY_GROSS))? == 0 {
            continue;
        }
        let tick = start.saturating_add(place.saturating_mul(spacing));
        let sqrt_price = sqrt_price(tick)
            .ok_or(DecodeError::Inconsistent { address, reason: "a tick beyond the last" })?;
        let net = fields.u128(at(tick_offset::LIQUIDITY_NET))?.cast_signed();
        stops.push(Stop { tick, sqrt_price, net: Some(net) });
    }
    Ok(stops)
}
