//! Quotes and their requests, to and from the wire.

use crate::invalid::{Invalid, parse};
use crate::wire;
use chrono::DateTime;
use order_core::quote::{Alternative, Exclusions, Id, Mode};
use order_core::route::{Hop, Path, Route};
use order_core::{Atoms, Fraction, InputBuffer, Mint, PoolAddress, Quote, Timestamp, Venue};

/// Most hops of a route in a reply; the router makes at most four paths of two.
pub const HOPS_MAX: usize = 16;

/// Most alternatives in a reply; the router gives at most 32.
pub const ALTERNATIVES_MAX: usize = 256;

/// Most pools that one request may exclude.
pub const EXCLUDED_POOLS_MAX: usize = 1_000;

/// A request for a quote.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// The token that is spent.
    pub mint_in: Mint,
    /// The token that is received; another one.
    pub mint_out: Mint,
    /// Base units of the side that `mode` fixes; more than zero.
    pub amount: Atoms,
    /// Which side is fixed.
    pub mode: Mode,
    /// The input buffer of two-hop paths.
    pub input_buffer: InputBuffer,
    /// True if an exact input must be spent to the last base unit.
    pub use_full_input: bool,
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
            input_buffer: self.input_buffer.to_decimal(),
            use_full_input: self.use_full_input,
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
            input_buffer: if message.input_buffer.is_empty() {
                InputBuffer::STANDARD
            } else {
                parse("input_buffer", &message.input_buffer)?
            },
            use_full_input: message.use_full_input,
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
#[expect(deprecated, reason = "callers of before there were paths read the list of hops")]
pub fn to_wire(quote: &Quote, price: String) -> wire::QuoteResponse {
    wire::QuoteResponse {
        quote_id: quote.id.to_string(),
        amount_in: quote.amount_in().get(),
        amount_out: quote.amount_out().get(),
        fee: quote.fee.to_decimal(),
        price_impact: quote.price_impact.to_decimal(),
        transfer_fee: quote.transfer_fee.to_decimal(),
        price,
        route: quote.route.hops_with_shares().map(|(hop, share)| hop_to_wire(hop, share)).collect(),
        alternatives: quote.alternatives.iter().map(alternative_to_wire).collect(),
        slot: quote.slot,
        state_age_ms: quote.state_age_ms,
        created_at_ms: quote.created_at.timestamp_millis(),
        expires_at_ms: quote.expires_at.timestamp_millis(),
        paths: quote.route.paths().iter().map(path_to_wire).collect(),
    }
}

/// Reads a message as the answer to `request`.
///
/// # Errors
/// The first field that cannot be read, or that does not answer the request: the amount that the caller fixed must
/// be kept (two-hop paths leave some of it), and the route must trade the request's tokens and add up to the quote's
/// amounts.
pub fn from_wire(message: &wire::QuoteResponse, request: &Request) -> Result<Quote, Invalid> {
    if message.alternatives.len() > ALTERNATIVES_MAX {
        return Err(Invalid::new("alternatives", "are too many"));
    }
    let quote = Quote {
        id: Id(parse("quote_id", &message.quote_id)?),
        route: route_from_wire(message)?,
        fee: fraction("fee", &message.fee)?,
        price_impact: parse("price_impact", &message.price_impact)?,
        transfer_fee: transfer_fee_from_wire(&message.transfer_fee)?,
        alternatives: message.alternatives.iter().map(alternative_from_wire).collect::<Result<_, _>>()?,
        slot: message.slot,
        state_age_ms: message.state_age_ms,
        created_at: timestamp("created_at_ms", message.created_at_ms)?,
        expires_at: timestamp("expires_at_ms", message.expires_at_ms)?,
    };
    if quote.amount_in().get() != message.amount_in {
        return Err(Invalid::new("amount_in", "is not what the route spends"));
    }
    if quote.amount_out().get() != message.amount_out {
        return Err(Invalid::new("amount_out", "is not what the route gives"));
    }
    check_answers(&quote, request)?;
    Ok(quote)
}

fn check_answers(quote: &Quote, request: &Request) -> Result<(), Invalid> {
    let kept = match request.mode {
        // The rounding of a program may leave a base unit of each path.
        Mode::ExactIn if request.use_full_input => {
            let paths = u64::try_from(quote.route.paths().len()).unwrap_or(u64::MAX);
            let left = request.amount.checked_sub(quote.amount_in());
            left.is_some_and(|left| left.get() <= paths)
        }
        // Two-hop paths leave some of the amount.
        Mode::ExactIn => quote.amount_in() <= request.amount,
        // Rounding of a transfer fee may give the trader a unit more than was asked for.
        Mode::ExactOut => quote.amount_out() >= request.amount,
    };
    if !kept {
        return Err(Invalid::new("amount_in", "the reply is for another amount than was asked for"));
    }
    if (quote.route.mint_in(), quote.route.mint_out()) != (request.mint_in, request.mint_out) {
        return Err(Invalid::new("paths", "trade other tokens than were asked for"));
    }
    if quote.route.hops().any(|hop| request.excluded.reason(hop.venue, hop.pool).is_some()) {
        return Err(Invalid::new("paths", "go over a venue or a pool that was excluded"));
    }
    if quote.expires_at <= quote.created_at {
        return Err(Invalid::new("expires_at_ms", "is not after created_at_ms"));
    }
    Ok(())
}

fn path_to_wire(path: &Path) -> wire::Path {
    let hops = path.hops().map(|hop| hop_to_wire(hop, path.share()));
    wire::Path { share: path.share().to_decimal(), hops: hops.collect() }
}

fn hop_to_wire(hop: &Hop, share: Fraction) -> wire::Hop {
    wire::Hop {
        venue: hop.venue.to_string(),
        pool: hop.pool.to_string(),
        mint_in: hop.mint_in.to_string(),
        mint_out: hop.mint_out.to_string(),
        amount_in: hop.amount_in.get(),
        amount_out: hop.amount_out.get(),
        share: share.to_decimal(),
    }
}

/// The route of the paths; of the list of hops where a router of before there were paths has sent that alone.
#[expect(deprecated, reason = "a router of before there were paths sends the list of hops alone")]
fn route_from_wire(message: &wire::QuoteResponse) -> Result<Route, Invalid> {
    let hops = message.paths.iter().map(|path| path.hops.len()).sum::<usize>();
    if hops.max(message.route.len()) > HOPS_MAX {
        return Err(Invalid::new("paths", "have too many hops"));
    }
    let route = if message.paths.is_empty() {
        let hop = |hop| Ok((hop_from_wire(hop)?, fraction("route.share", &hop.share)?));
        Route::from_hops(message.route.iter().map(hop).collect::<Result<Vec<_>, Invalid>>()?)
    } else {
        Route::new(message.paths.iter().map(path_from_wire).collect::<Result<_, _>>()?)
    };
    route.map_err(|error| Invalid::new("paths", error))
}

fn path_from_wire(message: &wire::Path) -> Result<Path, Invalid> {
    let share = fraction("paths.share", &message.share)?;
    match &message.hops[..] {
        [hop] => Ok(Path::direct(share, hop_from_wire(hop)?)),
        [first, second] => Ok(Path::through(share, hop_from_wire(first)?, hop_from_wire(second)?)),
        _ => Err(Invalid::new("paths.hops", "must be one or two")),
    }
}

fn hop_from_wire(message: &wire::Hop) -> Result<Hop, Invalid> {
    Ok(Hop {
        venue: parse("hops.venue", &message.venue)?,
        pool: parse("hops.pool", &message.pool)?,
        mint_in: parse("hops.mint_in", &message.mint_in)?,
        mint_out: parse("hops.mint_out", &message.mint_out)?,
        amount_in: Atoms::new(message.amount_in),
        amount_out: Atoms::new(message.amount_out),
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

/// A fraction between zero and one.
fn fraction(field: &'static str, text: &str) -> Result<Fraction, Invalid> {
    let fraction: Fraction = parse(field, text)?;
    if fraction < Fraction::ZERO || fraction > Fraction::ONE {
        return Err(Invalid::new(field, "is not between 0 and 1"));
    }
    Ok(fraction)
}

/// A router before version 0.2 does not send it.
fn transfer_fee_from_wire(text: &str) -> Result<Fraction, Invalid> {
    if text.is_empty() { Ok(Fraction::ZERO) } else { fraction("transfer_fee", text) }
}

fn timestamp(field: &'static str, milliseconds: i64) -> Result<Timestamp, Invalid> {
    DateTime::from_timestamp_millis(milliseconds).ok_or_else(|| Invalid::new(field, "is no time"))
}

#[cfg(test)]
mod tests;
