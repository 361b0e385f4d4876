//! Quotes: the best route at one moment, and the routes that lost.

use crate::{Atoms, Dex, Fraction, PoolAddress, Route, Timestamp, Venue};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Identifies a quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(pub Uuid);

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Which side of a swap the caller fixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// The amount is what is spent.
    ExactIn,
    /// The amount is what is received.
    ExactOut,
}

/// Venues and pools that a route must not go over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Exclusions {
    /// Pool programs.
    pub venues: BTreeSet<Venue>,
    /// Single pools.
    pub pools: BTreeSet<PoolAddress>,
}

impl Exclusions {
    /// True if a route may go over everything.
    pub fn is_empty(&self) -> bool {
        self.venues.is_empty() && self.pools.is_empty()
    }

    /// Why a pool of a venue is excluded; None if it is not.
    pub fn reason(&self, venue: Venue, pool: PoolAddress) -> Option<&'static str> {
        if self.venues.contains(&venue) {
            Some("its venue is excluded from this quote")
        } else if self.pools.contains(&pool) {
            Some("it is excluded from this quote")
        } else {
            None
        }
    }
}

/// A route that was considered and not chosen. Its first pool identifies it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alternative {
    /// The pool's program.
    pub venue: Venue,
    /// The route's first pool.
    pub pool: PoolAddress,
    /// The output that the whole route would have given (exact in), or the input that it would have taken (exact
    /// out), in base units; None if it could not quote.
    pub amount: Option<Atoms>,
    /// Why it lost, as a sentence for people.
    pub reason: String,
}

/// The best route at one moment, and how it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Recorded", try_from = "Recorded")]
pub struct Quote {
    /// Identifies the quote.
    pub id: Id,
    /// The paths to swap by. Two-hop paths leave a part of an exact input unspent: see
    /// [`InputBuffer`](crate::InputBuffer).
    pub route: Route,
    /// The pools' fee, as a fraction of the input.
    pub fee: Fraction,
    /// Price impact: relative difference to the marginal (spot) price, before fees.
    pub price_impact: Fraction,
    /// Transfer fees that the tokens withhold, as a fraction of the input. It is part neither of `fee` nor of
    /// `price_impact`.
    pub transfer_fee: Fraction,
    /// The other routes that were considered, best first; those that cannot quote are last.
    pub alternatives: Vec<Alternative>,
    /// The slot of the state that was quoted.
    pub slot: u64,
    /// The age of that state in milliseconds.
    pub state_age_ms: u64,
    /// When the quote was made.
    pub created_at: Timestamp,
    /// Until when it may be an order's reference.
    pub expires_at: Timestamp,
}

impl Quote {
    /// The input in base units.
    pub fn amount_in(&self) -> Atoms {
        self.route.amount_in()
    }

    /// The output after every fee, in base units.
    pub fn amount_out(&self) -> Atoms {
        self.route.amount_out()
    }

    /// The exchange of the path with the largest share; of two hops, that of the second.
    pub fn dex(&self) -> Option<Dex> {
        let largest = self.route.paths().iter().max_by_key(|path| path.share());
        largest.map(|path| path.last().venue.dex())
    }
}

fn is_zero(fraction: &Fraction) -> bool {
    *fraction == Fraction::ZERO
}

/// A quote as events record it: the sums of its route are written out.
#[derive(Serialize, Deserialize)]
struct Recorded {
    id: Id,
    amount_in: Atoms,
    amount_out: Atoms,
    fee: Fraction,
    price_impact: Fraction,
    /// Left out where nothing is withheld, as it was before there was this field.
    #[serde(default, skip_serializing_if = "is_zero")]
    transfer_fee: Fraction,
    route: Route,
    alternatives: Vec<Alternative>,
    slot: u64,
    state_age_ms: u64,
    created_at: Timestamp,
    expires_at: Timestamp,
}

/// A recorded quote whose amounts are not those of its route.
#[derive(Debug, thiserror::Error)]
#[error("the amounts of the quote are not those of its route")]
struct OtherAmounts;

impl From<Quote> for Recorded {
    fn from(quote: Quote) -> Self {
        let (amount_in, amount_out) = (quote.amount_in(), quote.amount_out());
        let Quote {
            id,
            route,
            fee,
            price_impact,
            transfer_fee,
            alternatives,
            slot,
            state_age_ms,
            created_at,
            expires_at,
        } = quote;
        Self {
            id,
            amount_in,
            amount_out,
            fee,
            price_impact,
            transfer_fee,
            route,
            alternatives,
            slot,
            state_age_ms,
            created_at,
            expires_at,
        }
    }
}

impl TryFrom<Recorded> for Quote {
    type Error = OtherAmounts;

    fn try_from(recorded: Recorded) -> Result<Self, OtherAmounts> {
        let Recorded {
            id,
            amount_in,
            amount_out,
            fee,
            price_impact,
            transfer_fee,
            route,
            alternatives,
            slot,
            state_age_ms,
            created_at,
            expires_at,
        } = recorded;
        if (amount_in, amount_out) != (route.amount_in(), route.amount_out()) {
            return Err(OtherAmounts);
        }
        Ok(Self {
            id,
            route,
            fee,
            price_impact,
            transfer_fee,
            alternatives,
            slot,
            state_age_ms,
            created_at,
            expires_at,
        })
    }
}
