use super::answer::milliseconds;
use crate::book::{Book, Entry};
use order_core::{Atoms, Fraction};
use proto::pools::{Pool, Pools};
use std::time::Duration;
use tokio::time::Instant;

/// Every pool with its state, and every token.
pub(super) fn pools(book: &Book, now: Instant, max_age: Duration) -> Pools {
    let mut pools: Vec<Pool> = book.entries().map(|entry| pool(book, entry, now, max_age)).collect();
    pools.sort_by_key(|pool| (pool.venue, pool.address));
    let mut tokens: Vec<_> = book.tokens().cloned().collect();
    tokens.sort_by(|one, other| one.symbol.cmp(&other.symbol));
    Pools { pools, tokens, slot: book.slot() }
}

fn pool(book: &Book, entry: &Entry, now: Instant, max_age: Duration) -> Pool {
    let age = book.age(entry, now);
    let stale = (age > max_age).then(|| format!("its state is {} ms old", age.as_millis()));
    let (reserves, fee, unavailable) = match &entry.market {
        Ok(market) => (market.reserves(), market.fee(), stale),
        Err(reason) => ([Atoms::ZERO; 2], Fraction::ZERO, Some(reason.clone())),
    };
    Pool {
        venue: entry.venue,
        program_id: amm::program_id(entry.venue),
        address: entry.address,
        mints: entry.mints,
        reserves,
        fee,
        unavailable,
        slot: entry.slot,
        state_age_ms: milliseconds(age),
    }
}
