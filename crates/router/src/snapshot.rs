use crate::book::{Book, Entry, Freshness};
use crate::formats::Formats;
use crate::grpc;
use amm::Market;
use order_core::{Failure, Quote};
use proto::quote::Request;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Pools at one moment, which are quoted as the router quotes those that it follows.
#[derive(Debug, Clone)]
pub struct Snapshot {
    book: Book,
    read_at: Instant,
}

impl Snapshot {
    /// Pools whose state was read in one slot, and the formats that transactions may have.
    pub fn new(markets: Vec<Market>, formats: chain::Formats, slot: u64) -> Self {
        let read_at = Instant::now();
        let entry = |market: Market| Entry {
            address: market.address(),
            venue: market.venue(),
            mints: market.mints(),
            group: 0,
            slot,
            market: Ok(market),
        };
        let entries = markets.into_iter().map(|market| Arc::new(entry(market))).collect();
        let book = Book::new(entries, vec![Freshness::new(slot, read_at)], slot);
        Self { book: book.with_formats(Arc::new(Formats::new(formats))), read_at }
    }

    /// The best route, and why the others lost.
    ///
    /// # Errors
    /// There is no route for the amount.
    pub fn quote(&self, request: &Request) -> Result<Quote, Failure> {
        grpc::quote(&self.book, request, self.read_at, Duration::ZERO)
    }
}
