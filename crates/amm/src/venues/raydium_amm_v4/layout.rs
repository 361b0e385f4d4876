//! Layouts of the program's accounts.

use super::program::{AUTHORITY_SEED, PROGRAM_ID};
use crate::account::{DecodeError, Fields};
use order_core::{Mint, Pubkey};

/// Length of a pool's account in bytes.
pub const POOL_SIZE: usize = 752;

/// Where the fields of a pool's account are.
pub mod offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const STATUS: usize = 0;
    pub const NONCE: usize = 8;
    pub const DECIMALS: [usize; 2] = [32, 40];
    pub const TRADE_FEE: [usize; 2] = [144, 152];
    pub const PNL: [usize; 2] = [160, 168];
    pub const SWAP_FEE: [usize; 2] = [176, 184];
    pub const NEED_TAKE_PNL: [usize; 2] = [192, 200];
    pub const OPEN_TIME: usize = 224;
    pub const VAULTS: [usize; 2] = [336, 368];
    pub const MINTS: [usize; 2] = [400, 432];
    pub const LP_MINT: usize = 464;
    pub const OPEN_ORDERS: usize = 496;
    pub const MARKET_PROGRAM: usize = 560;
    pub const LP_AMOUNT: usize = 720;
    pub const RECENT_EPOCH: usize = 736;
}

/// Where an order book's account of a pool says what of the pool's tokens is in the order book.
pub mod open_orders_offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const COIN_TOTAL: usize = 85;
    pub const PC_TOTAL: usize = 101;
    pub const END: usize = 109;
}

pub(super) const STATUS_INITIALIZED: u64 = 1;
/// Status of a pool that only swaps.
pub const STATUS_SWAP_ONLY: u64 = 6;
pub(super) const STATUS_WAITING_TRADE: u64 = 7;

/// State of a pool: closed, or open for swaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AmmV4Status {
    /// Not at all.
    Closed,
    /// It swaps, and may have some of its tokens in this account of this order book's program.
    OrderBook { open_orders: Pubkey, market_program: Pubkey },
    /// It only swaps.
    SwapOnly,
    /// It only swaps, from this second since 1970 on; the first swap says so in its account.
    Waiting { open_time: u64 },
}

/// A fee on the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AmmV4Fee {
    /// Less than the denominator.
    pub(super) numerator: u64,
    pub(super) denominator: u64,
}

/// A pool's account. The first of each pair is the program's "coin", the second its "pc".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AmmV4Pool {
    pub(super) address: Pubkey,
    pub(super) status: AmmV4Status,
    pub(super) authority: Pubkey,
    pub(super) nonce: u8,
    pub(super) fee: AmmV4Fee,
    /// Amounts that are in the vaults and no longer the pool's.
    pub(super) owed: [u64; 2],
    pub(super) vaults: [Pubkey; 2],
    pub(super) mints: [Mint; 2],
}

impl AmmV4Pool {
    /// The program marks its accounts with nothing: it tells them apart by their length.
    pub(super) fn decode(address: Pubkey, data: &[u8]) -> Result<Self, DecodeError> {
        use offset as at;
        let fields = Fields::new(address, data, POOL_SIZE)?;
        if data.len() != POOL_SIZE {
            return Err(DecodeError::WrongType { address, expected: "a Raydium AMM v4 pool" });
        }
        let inconsistent = |reason| DecodeError::Inconsistent { address, reason };
        let mints = fields.mints(at::MINTS)?;
        if mints[0] == mints[1] {
            return Err(inconsistent("both of its tokens are the same"));
        }
        let nonce = u8::try_from(fields.u64(at::NONCE)?).map_err(|_| inconsistent("its nonce is no byte"))?;
        let authority = Pubkey::create_program_address(&[AUTHORITY_SEED, &[nonce]], &PROGRAM_ID)
            .map_err(|_| inconsistent("its nonce makes no authority"))?;
        let [numerator, denominator] = fields.u64s(at::SWAP_FEE)?;
        let fee = AmmV4Fee { numerator, denominator };
        if fee.numerator >= fee.denominator {
            return Err(inconsistent("the fee is the whole amount or more"));
        }
        Ok(Self {
            address,
            status: status(&fields)?,
            authority,
            nonce,
            fee,
            owed: fields.u64s(at::NEED_TAKE_PNL)?,
            vaults: fields.pubkeys(at::VAULTS)?,
            mints,
        })
    }
}

fn status(fields: &Fields<'_>) -> Result<AmmV4Status, DecodeError> {
    Ok(match fields.u64(offset::STATUS)? {
        STATUS_INITIALIZED => match fields.pubkey(offset::OPEN_ORDERS)? {
            none if none == Pubkey::default() => AmmV4Status::SwapOnly,
            open_orders => {
                AmmV4Status::OrderBook { open_orders, market_program: fields.pubkey(offset::MARKET_PROGRAM)? }
            }
        },
        STATUS_SWAP_ONLY => AmmV4Status::SwapOnly,
        STATUS_WAITING_TRADE => AmmV4Status::Waiting { open_time: fields.u64(offset::OPEN_TIME)? },
        // Not initialised, disabled, for withdrawals, for liquidity, for its order book only; or unknown.
        _ => AmmV4Status::Closed,
    })
}
