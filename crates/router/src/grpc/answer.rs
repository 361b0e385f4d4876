use super::transfer_fee;
use crate::book::Book;
use crate::routing::{self, Decision, PricedRoute};
use order_core::quote::{Alternative, Id, Mode};
use order_core::{Failure, Quote, Timestamp, amount};
use proto::quote::Request;
use proto::wire::QuoteResponse;
use std::time::Duration;
use tokio::time::Instant;
use uuid::{NoContext, Uuid};

/// Lifetime of a quote as the reference of an order: long enough to look at it, short enough that the price it
/// promises is still near.
pub(super) const LIFETIME: Duration = Duration::from_secs(10);

/// A quote, and its price in whole tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) quote: Quote,
    pub(super) price: String,
}

impl Answer {
    pub(super) fn to_wire(&self) -> QuoteResponse {
        proto::quote::to_wire(&self.quote, self.price.clone())
    }
}

/// The best route over the book at `now`, which is the moment `at` of the calendar.
pub(super) fn answer(
    book: &Book,
    request: &Request,
    now: Instant,
    max_age: Duration,
    at: Timestamp,
) -> Result<Answer, Failure> {
    let Decision { chosen, alternatives } = routing::decide(book, request, now, max_age)?;
    let PricedRoute { route, fee, price_impact, slot, age } = chosen;
    let decimals = |mint| book.token(mint).map(|token| token.decimals);
    let price =
        decimals(request.mint_in).zip(decimals(request.mint_out)).and_then(|(decimals_in, decimals_out)| {
            amount::price(route.amount_in(), decimals_in, route.amount_out(), decimals_out)
        });
    let transfer_fee = transfer_fee::of(book, &route);
    // The wire knows milliseconds: the quote is the same on both sides.
    let created_at = Timestamp::from_timestamp_millis(at.timestamp_millis()).unwrap_or(at);
    let quote = Quote {
        id: Id(Uuid::new_v7(identity_time(created_at))),
        route,
        fee,
        price_impact,
        transfer_fee,
        alternatives,
        slot,
        state_age_ms: milliseconds(age),
        created_at,
        expires_at: created_at + LIFETIME,
    };
    Ok(Answer { quote, price: price.unwrap_or_default() })
}

pub(super) fn milliseconds(age: Duration) -> u64 {
    u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
}

fn identity_time(at: Timestamp) -> uuid::Timestamp {
    uuid::Timestamp::from_unix(
        NoContext,
        u64::try_from(at.timestamp()).unwrap_or_default(),
        at.timestamp_subsec_nanos(),
    )
}

/// Logs a decision: the request, the choice, and why the alternatives lost. Counters tell how many there are.
pub(super) fn log(request: &Request, answer: Result<&Answer, &Failure>) {
    let mode = match request.mode {
        Mode::ExactIn => "exact_in",
        Mode::ExactOut => "exact_out",
    };
    match answer {
        Ok(Answer { quote, price }) => tracing::debug!(
            quote.id = %quote.id,
            mint_in = %request.mint_in,
            mint_out = %request.mint_out,
            mode,
            amount_in = quote.amount_in().get(),
            amount_out = quote.amount_out().get(),
            price,
            price_impact = quote.price_impact.to_decimal(),
            fee = quote.fee.to_decimal(),
            transfer_fee = quote.transfer_fee.to_decimal(),
            route = route(quote),
            alternatives = alternatives(quote),
            slot = quote.slot,
            state_age_ms = quote.state_age_ms,
            "quoted"
        ),
        Err(failure) => tracing::debug!(
            mint_in = %request.mint_in,
            mint_out = %request.mint_out,
            mode,
            amount = request.amount.get(),
            code = %failure.code,
            reason = failure.message,
            "no quote"
        ),
    }
}

fn route(quote: &Quote) -> String {
    let hops: Vec<String> = quote.route.hops().map(|hop| format!("{} {}", hop.venue, hop.pool)).collect();
    hops.join(", ")
}

fn alternatives(quote: &Quote) -> String {
    let line = |alternative: &Alternative| {
        let Alternative { venue, pool, amount: _, reason } = alternative;
        format!("{venue} {pool} {reason}")
    };
    quote.alternatives.iter().map(line).collect::<Vec<_>>().join("; ")
}
