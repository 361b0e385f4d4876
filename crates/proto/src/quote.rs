//! Quotes and their requests, to and from the wire.

use crate::invalid::{Invalid, parse};
use crate::wire;
use chrono::DateTime;
use order_core::quote::{Alternative, Exclusions, Id, Mode, Swap};
use order_core::{Atoms, Fraction, Mint, PoolAddress, Quote, Room, Timestamp, Venue};

/// Most swaps of a route that are believed: two hops over a few parallel pools, with room.
pub const SWAPS_MAX: usize = 16;

/// Most alternatives that are believed: no pair has more pools worth naming.
pub const ALTERNATIVES_MAX: usize = 256;

/// Most pools that one request may exclude.
pub const EXCLUDED_POOLS_MAX: usize = 1_000;

/// What a caller wants a price for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// What is spent.
    pub mint_in: Mint,
    /// What is received; another mint.
    pub mint_out: Mint,
    /// Atoms of the side that `mode` fixes; more than zero.
    pub amount: Atoms,
    /// Which side is fixed.
    pub mode: Mode,
    /// What two swaps in a row leave of an exact input.
    pub room: Room,
    /// Venues and pools that the route must not go over.
    pub excluded: Exclusions,
}

impl Request {
    /// The request as a message.
    pub fn to_wire(&self) -> wire::QuoteRequest {
        let mode = match self.mode {
            Mode::ExactIn => wire::QuoteMode::ExactIn,
            Mode::ExactOut => wire::QuoteMode::ExactOut,
        };
        wire::QuoteRequest {
            mint_in: self.mint_in.to_string(),
            mint_out: self.mint_out.to_string(),
            amount: self.amount.get(),
            mode: mode.into(),
            room: self.room.to_decimal(),
            excluded_venues: self.excluded.venues.iter().map(Venue::to_string).collect(),
            excluded_pools: self.excluded.pools.iter().map(PoolAddress::to_string).collect(),
        }
    }

    /// Reads a message.
    ///
    /// # Errors
    /// The first field that breaks the contract.
    pub fn from_wire(message: &wire::QuoteRequest) -> Result<Self, Invalid> {
        let mode = match wire::QuoteMode::try_from(message.mode) {
            Ok(wire::QuoteMode::Unspecified | wire::QuoteMode::ExactIn) => Mode::ExactIn,
            Ok(wire::QuoteMode::ExactOut) => Mode::ExactOut,
            Err(_) => return Err(Invalid::new("mode", "is not a mode of this contract")),
        };
        if message.excluded_pools.len() > EXCLUDED_POOLS_MAX {
            return Err(Invalid::new("excluded_pools", "has too many pools"));
        }
        let venues = message.excluded_venues.iter().map(|venue| parse("excluded_venues", venue));
        let pools = message.excluded_pools.iter().map(|pool| parse("excluded_pools", pool));
        let excluded =
            Exclusions { venues: venues.collect::<Result<_, _>>()?, pools: pools.collect::<Result<_, _>>()? };
        let request = Self {
            mint_in: parse("mint_in", &message.mint_in)?,
            mint_out: parse("mint_out", &message.mint_out)?,
            amount: Atoms::new(message.amount),
            mode,
            room: if message.room.is_empty() { Room::STANDARD } else { parse("room", &message.room)? },
            excluded,
        };
        if request.mint_in == request.mint_out {
            return Err(Invalid::new("mint_out", "is the same as mint_in"));
        }
        if request.amount.is_zero() {
            return Err(Invalid::new("amount", "must be more than zero"));
        }
        Ok(request)
    }
}

/// The quote as a message. `price` is in whole tokens: the quote itself does not know their decimals.
pub fn to_wire(quote: &Quote, price: String) -> wire::QuoteResponse {
    wire::QuoteResponse {
        quote_id: quote.id.to_string(),
        amount_in: quote.amount_in.get(),
        amount_out: quote.amount_out.get(),
        fee: quote.fee.to_decimal(),
        price_impact: quote.price_impact.to_decimal(),
        price,
        route: quote.route.iter().map(swap_to_wire).collect(),
        alternatives: quote.alternatives.iter().map(alternative_to_wire).collect(),
        slot: quote.slot,
        state_age_ms: quote.state_age_ms,
        created_at_ms: quote.created_at.timestamp_millis(),
        expires_at_ms: quote.expires_at.timestamp_millis(),
    }
}

/// Reads a message as the answer to `request`.
///
/// # Errors
/// The first field that cannot be read, or that does not answer the request: the amount that the
/// caller fixed must be kept (two swaps in a row leave some of it), and the swaps must add up to the quote's
/// amounts.
pub fn from_wire(message: &wire::QuoteResponse, request: &Request) -> Result<Quote, Invalid> {
    if message.route.len() > SWAPS_MAX {
        return Err(Invalid::new("route", "has too many swaps"));
    }
    if message.alternatives.len() > ALTERNATIVES_MAX {
        return Err(Invalid::new("alternatives", "are too many"));
    }
    let quote = Quote {
        id: Id(parse("quote_id", &message.quote_id)?),
        amount_in: Atoms::new(message.amount_in),
        amount_out: Atoms::new(message.amount_out),
        fee: share("fee", &message.fee)?,
        price_impact: parse("price_impact", &message.price_impact)?,
        route: message.route.iter().map(swap_from_wire).collect::<Result<_, _>>()?,
        alternatives: message.alternatives.iter().map(alternative_from_wire).collect::<Result<_, _>>()?,
        slot: message.slot,
        state_age_ms: message.state_age_ms,
        created_at: timestamp("created_at_ms", message.created_at_ms)?,
        expires_at: timestamp("expires_at_ms", message.expires_at_ms)?,
    };
    check_answers(&quote, request)?;
    Ok(quote)
}

fn check_answers(quote: &Quote, request: &Request) -> Result<(), Invalid> {
    let kept = match request.mode {
        // Two swaps in a row leave some of the amount.
        Mode::ExactIn => quote.amount_in <= request.amount,
        // Rounding of a transfer fee may give the trader a unit more than was asked for.
        Mode::ExactOut => quote.amount_out >= request.amount,
    };
    if !kept {
        return Err(Invalid::new("amount_in", "the reply is for another amount than was asked for"));
    }
    let spent =
        sum(quote.route.iter().filter(|swap| swap.mint_in == request.mint_in).map(|swap| swap.amount_in));
    if spent != Some(quote.amount_in) || quote.amount_in.is_zero() {
        return Err(Invalid::new("route", "does not spend amount_in"));
    }
    let received =
        sum(quote.route.iter().filter(|swap| swap.mint_out == request.mint_out).map(|swap| swap.amount_out));
    if received != Some(quote.amount_out) || quote.amount_out.is_zero() {
        return Err(Invalid::new("route", "does not give amount_out"));
    }
    if quote.route.iter().any(|swap| request.excluded.reason(swap.venue, swap.pool).is_some()) {
        return Err(Invalid::new("route", "goes over a venue or a pool that was excluded"));
    }
    if quote.expires_at <= quote.created_at {
        return Err(Invalid::new("expires_at_ms", "is not after created_at_ms"));
    }
    Ok(())
}

fn sum(mut amounts: impl Iterator<Item = Atoms>) -> Option<Atoms> {
    amounts.try_fold(Atoms::ZERO, Atoms::checked_add)
}

fn swap_to_wire(swap: &Swap) -> wire::Swap {
    wire::Swap {
        venue: swap.venue.to_string(),
        pool: swap.pool.to_string(),
        mint_in: swap.mint_in.to_string(),
        mint_out: swap.mint_out.to_string(),
        amount_in: swap.amount_in.get(),
        amount_out: swap.amount_out.get(),
        share: swap.share.to_decimal(),
    }
}

fn swap_from_wire(message: &wire::Swap) -> Result<Swap, Invalid> {
    Ok(Swap {
        venue: parse("route.venue", &message.venue)?,
        pool: parse("route.pool", &message.pool)?,
        mint_in: parse("route.mint_in", &message.mint_in)?,
        mint_out: parse("route.mint_out", &message.mint_out)?,
        amount_in: Atoms::new(message.amount_in),
        amount_out: Atoms::new(message.amount_out),
        share: share("route.share", &message.share)?,
    })
}

fn alternative_to_wire(alternative: &Alternative) -> wire::Alternative {
    wire::Alternative {
        venue: alternative.venue.to_string(),
        pool: alternative.pool.to_string(),
        amount: alternative.amount.map(Atoms::get),
        reason: alternative.reason.clone(),
    }
}

fn alternative_from_wire(message: &wire::Alternative) -> Result<Alternative, Invalid> {
    Ok(Alternative {
        venue: parse("alternatives.venue", &message.venue)?,
        pool: parse("alternatives.pool", &message.pool)?,
        amount: message.amount.map(Atoms::new),
        reason: message.reason.clone(),
    })
}

/// A fraction from nothing to the whole.
fn share(field: &'static str, text: &str) -> Result<Fraction, Invalid> {
    let fraction: Fraction = parse(field, text)?;
    if fraction < Fraction::ZERO || fraction > Fraction::ONE {
        return Err(Invalid::new(field, "is not between 0 and 1"));
    }
    Ok(fraction)
}

fn timestamp(field: &'static str, milliseconds: i64) -> Result<Timestamp, Invalid> {
    DateTime::from_timestamp_millis(milliseconds).ok_or_else(|| Invalid::new(field, "is no time"))
}

#[cfg(test)]
mod tests;
