//! Accounts with the ticks of a range of prices.

use super::price::sqrt_price;
use super::program::PROGRAM_ID;
use crate::account::{DecodeError, Discriminator, Fields, require_owner};
use crate::concentrated::Stop;
use order_core::{Pubkey, derived_address};
use solana_account::Account;

/// Number of ticks in an array.
pub const TICKS: i32 = 88;

/// TickArrays with room for every tick.
pub const FIXED_SIZE: usize = 9988;
/// First bytes of an array with room for every tick.
pub const FIXED_DISCRIMINATOR: Discriminator = 0x4561_bdbe_6e07_42bb_u64.to_be_bytes();
/// TickArrays that grow with each tick that is used.
const DYNAMIC_SIZE_MIN: usize = 148;
const DYNAMIC_DISCRIMINATOR: Discriminator = 0x11d8_f68e_e1c7_da38_u64.to_be_bytes();

/// Where the fields of an array with room for every tick are.
pub mod fixed_offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const START: usize = 8;
    pub const TICKS: usize = 12;
    pub const POOL: usize = 9956;
}

/// Where the fields of an array that grows are.
mod dynamic_offset {
    pub(crate) const START: usize = 8;
    pub(crate) const POOL: usize = 12;
    pub(crate) const TICKS: usize = 60;
}

/// Length of a used tick in bytes.
pub const TICK_SIZE: usize = 113;
/// Where the fields of a tick are.
pub mod tick_offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const INITIALIZED: usize = 0;
    pub const LIQUIDITY_NET: usize = 1;
    pub const LIQUIDITY_GROSS: usize = 17;
}

/// Address of the array of a pool that begins at a tick.
pub fn address(pool: Pubkey, start: i32) -> Pubkey {
    let start = start.to_string();
    let seeds: [&[u8]; 3] = [b"tick_array", pool.as_ref(), start.as_bytes()];
    derived_address(&PROGRAM_ID, &seeds)
}

/// The ticks of an array where liquidity begins or ends, the lowest first.
pub(super) fn decode(
    address: Pubkey,
    account: &Account,
    pool: Pubkey,
    start: i32,
    spacing: u16,
) -> Result<Vec<Stop>, DecodeError> {
    require_owner(address, account, PROGRAM_ID)?;
    let data = account.data.as_slice();
    let is_dynamic = data.starts_with(&DYNAMIC_DISCRIMINATOR);
    let (fields, at_pool, at_start, at_ticks) = if is_dynamic {
        let fields = Fields::new(address, data, DYNAMIC_SIZE_MIN)?;
        (fields, dynamic_offset::POOL, dynamic_offset::START, dynamic_offset::TICKS)
    } else {
        let expected = "an Orca Whirlpool tick array";
        let fields = Fields::anchor(address, data, FIXED_SIZE, FIXED_DISCRIMINATOR, expected)?;
        (fields, fixed_offset::POOL, fixed_offset::START, fixed_offset::TICKS)
    };
    if fields.pubkey(at_pool)? != pool || fields.i32(at_start)? != start {
        return Err(DecodeError::Inconsistent { address, reason: "the ticks of another pool or price" });
    }
    let mut stops = Vec::new();
    let mut base = at_ticks;
    for place in 0..TICKS {
        let used = fields.u8(base.saturating_add(tick_offset::INITIALIZED))? != 0;
        if used {
            let tick = start.saturating_add(place.saturating_mul(i32::from(spacing)));
            let sqrt_price = sqrt_price(tick)
                .ok_or(DecodeError::Inconsistent { address, reason: "a tick beyond the last" })?;
            let net = fields.u128(base.saturating_add(tick_offset::LIQUIDITY_NET))?.cast_signed();
            stops.push(Stop { tick, sqrt_price, net: Some(net), orders: 0 });
        }
        // An array that grows has one byte for a tick that is not used.
        base = base.saturating_add(if used || !is_dynamic { TICK_SIZE } else { 1 });
    }
    Ok(stops)
}
