//! What a route over the pools promises.

use crate::{Atoms, Dex, Fraction, Mint, PoolAddress, Timestamp, Venue};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Names one quote.
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

/// One pool's part of a route.
///
/// A route is one or several paths side by side. A path is one swap from the input to the output, or two
/// in a row with a third token between them: what the first gives is then exactly what the second takes.
/// No pool occurs twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swap {
    /// The pool's program.
    pub venue: Venue,
    /// The pool.
    pub pool: PoolAddress,
    /// What goes into the pool.
    pub mint_in: Mint,
    /// What comes out of it.
    pub mint_out: Mint,
    /// How much goes in, in atoms of `mint_in`.
    pub amount_in: Atoms,
    /// How much the trader receives, in atoms of `mint_out`, after every fee.
    pub amount_out: Atoms,
    /// The part of the whole input that goes this path: both swaps of a path have the same, and those of
    /// all paths add up to one.
    pub share: Fraction,
}

/// A way that was considered and not chosen: one pool, two in a row, or several ways side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alternative {
    /// The pool's program.
    pub venue: Venue,
    /// The pool, the first of several.
    pub pool: PoolAddress,
    /// What it would have given (exact in) or taken (exact out); None if it could not quote. Of several
    /// pools it is what all give or take together.
    pub amount: Option<Atoms>,
    /// Why it lost, as a sentence for people.
    pub reason: String,
}

/// The best price at one moment, and how it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Its name.
    pub id: Id,
    /// What is spent, in atoms of the input token. Two pools in a row leave some of an exact input:
    /// see [`Room`](crate::Room).
    pub amount_in: Atoms,
    /// What is received after every fee, in atoms of the output token.
    pub amount_out: Atoms,
    /// The pools' fee, as a fraction of the input.
    pub fee: Fraction,
    /// How much worse than the price of a vanishing amount this is, fees apart.
    pub price_impact: Fraction,
    /// The swaps in the order they are executed; never empty.
    pub route: Vec<Swap>,
    /// The other ways that were considered, best first; those that cannot quote are last.
    pub alternatives: Vec<Alternative>,
    /// The slot of the state that was quoted.
    pub slot: u64,
    /// How old that state was, in milliseconds.
    pub state_age_ms: u64,
    /// When the quote was made.
    pub created_at: Timestamp,
    /// Until when it may be used as an order's anchor.
    pub expires_at: Timestamp,
}

impl Quote {
    /// The exchange that takes the largest share of the input; None for an empty route.
    pub fn dex(&self) -> Option<Dex> {
        self.route.iter().max_by_key(|swap| swap.share).map(|swap| swap.venue.dex())
    }
}
