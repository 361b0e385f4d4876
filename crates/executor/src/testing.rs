//! Orders and quotes for tests.

use order_core::order::Intent;
use order_core::route::{Hop, Path};
use order_core::{
    Atoms, Fraction, PoolAddress, Quote, Route, Slippage, Timestamp, Token, Venue, quote, token,
};
use uuid::Uuid;

pub(crate) const USDC: &str = "USDC";

fn known(symbol: &str) -> Token {
    token::known().find(|token| token.symbol == symbol).unwrap()
}

/// 100 lamports for USDC, at half the price.
pub(crate) fn intent() -> Intent {
    let half = Slippage::parse("0.5").unwrap();
    Intent::market(known("SOL"), known(USDC), Atoms::new(100), half, None).unwrap()
}

/// A quote of SOL for USDC over one pool.
pub(crate) fn quote(venue: Venue, amount_in: u64, amount_out: u64) -> Quote {
    let hop = Hop {
        venue,
        pool: PoolAddress::new([1; 32]),
        mint_in: known("SOL").mint,
        mint_out: known(USDC).mint,
        amount_in: Atoms::new(amount_in),
        amount_out: Atoms::new(amount_out),
    };
    Quote {
        id: quote::Id(Uuid::nil()),
        route: Route::new(vec![Path::direct(Fraction::ONE, hop)]).unwrap(),
        fee: Fraction::ZERO,
        price_impact: Fraction::ZERO,
        transfer_fee: Fraction::ZERO,
        alternatives: Vec::new(),
        slot: 1,
        state_age_ms: 0,
        created_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::UNIX_EPOCH,
    }
}
