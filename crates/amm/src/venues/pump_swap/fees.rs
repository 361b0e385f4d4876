//! The fees of a swap: their rates by market capitalisation, and their amounts.

use super::layout::{FeeConfig, GlobalConfig, PumpSwapPool, Rates};
use super::program::PUMP_PROGRAM;
use order_core::token::{NATIVE_MINT, USDC_MINT};
use order_core::{Mint, Pubkey, derived_address};

/// One, in the unit of the rates.
pub(super) const RATE_ONE: u128 = 10_000;

/// The rates of a pool whose base token has this market capitalisation, in base units of the quote token.
///
/// None where versions of the programs differ: Pump's own pools that are paid in another token than SOL or USDC, and
/// those with a rate that their creator has set.
///
/// Source: `get_fees` of the fee program.
pub(super) fn rates(
    pool: &PumpSwapPool,
    config: &GlobalConfig,
    fees: &FeeConfig,
    market_cap: u128,
) -> Option<Rates> {
    if pool.has_own_fee && config.creator_fee_configurable {
        return None;
    }
    let rates = if pool.is_of_pump() { of_quote(pool.mints[1], fees, market_cap)? } else { fees.flat };
    let has_creator = pool.coin_creator != Pubkey::default();
    Some(Rates { creator: if has_creator { rates.creator } else { 0 }, ..rates })
}

impl PumpSwapPool {
    /// True if the Pump program has created the pool: its creator is the program's own address for the token.
    pub(super) fn is_of_pump(&self) -> bool {
        derived_address(&PUMP_PROGRAM, &[b"pool-authority", &self.mints[0].to_bytes()]) == self.creator
    }
}

fn of_quote(quote: Mint, fees: &FeeConfig, market_cap: u128) -> Option<Rates> {
    match quote {
        NATIVE_MINT => Some(tier(&fees.tiers, market_cap)),
        USDC_MINT => Some(tier(&fees.stable_tiers, market_cap)),
        _ => None,
    }
}

/// The highest tier that the market capitalisation reaches, or the first.
fn tier(tiers: &[(u128, Rates)], market_cap: u128) -> Rates {
    let reached = tiers.iter().rev().find(|(threshold, _)| market_cap >= *threshold);
    reached.or(tiers.first()).map(|(_, rates)| *rates).unwrap_or_default()
}

/// The fees of an amount of the quote token, each rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fees {
    /// Stays in the pool.
    pub(super) liquidity: u128,
    pub(super) protocol: u128,
    pub(super) creator: u128,
}

impl Rates {
    pub(super) fn sum(self) -> u128 {
        u128::from(self.liquidity)
            .saturating_add(u128::from(self.protocol))
            .saturating_add(u128::from(self.creator))
    }

    pub(super) fn of(self, amount: u128) -> Option<Fees> {
        let part = |rate: u64| amount.checked_mul(u128::from(rate)).map(|fee| fee.div_ceil(RATE_ONE));
        Some(Fees {
            liquidity: part(self.liquidity)?,
            protocol: part(self.protocol)?,
            creator: part(self.creator)?,
        })
    }
}

impl Fees {
    pub(super) fn sum(self) -> Option<u128> {
        self.liquidity.checked_add(self.protocol)?.checked_add(self.creator)
    }
}
