//! The book: every pool at one moment, an immutable snapshot that quotes read.

use crate::formats::Formats;
use amm::Market;
use order_core::{Mint, PoolAddress, Token, Venue};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Every followed pool, and how fresh it is. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Book {
    pools: Arc<Pools>,
    groups: Vec<Freshness>,
    slot: u64,
    formats: Arc<Formats>,
    /// Transactions pay a tip.
    tipped: bool,
}

#[derive(Debug, Clone, Default)]
struct Pools {
    entries: BTreeMap<PoolAddress, Arc<Entry>>,
    /// The pools of each pair, by address.
    pairs: HashMap<[Mint; 2], Vec<Arc<Entry>>>,
    /// The tokens that each token is traded for.
    partners: HashMap<Mint, BTreeSet<Mint>>,
    tokens: BTreeMap<Mint, Token>,
}

/// One pool's latest known state.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) address: PoolAddress,
    pub(crate) venue: Venue,
    pub(crate) mints: [Mint; 2],
    /// Which group's freshness is this pool's.
    pub(crate) group: usize,
    /// The slot of the call that read it.
    pub(crate) slot: u64,
    /// The market that can be quoted, or why it cannot.
    pub(crate) market: Result<Market, String>,
}

/// How fresh the pools are that are read in one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Freshness {
    read: Sight,
    /// The meaning of the subscription's silence since the read, and until when it holds.
    held: Option<(Sight, Instant)>,
}

/// The state was the present one at this slot, and at this time at least.
#[derive(Debug, Clone, Copy)]
struct Sight {
    slot: u64,
    at: Instant,
}

impl Freshness {
    pub(crate) const fn new(slot: u64, at: Instant) -> Self {
        Self { read: Sight { slot, at }, held: None }
    }

    /// The state was read. Only a later slot than before proves that it is the present one: a node that
    /// stands still repeats what it has.
    pub(crate) fn confirm(&mut self, slot: u64, at: Instant) {
        if slot > self.read.slot {
            *self = Self::new(slot, at);
        }
    }

    /// No change was told of up to a later slot.
    pub(crate) fn hold(&mut self, slot: u64, at: Instant, until: Instant) {
        let known = self.held.map_or(self.read.slot, |(sight, _)| sight.slot);
        if slot > known {
            self.held = Some((Sight { slot, at }, until));
        }
    }

    fn age(&self, now: Instant) -> Duration {
        let at = match self.held {
            Some((sight, until)) if now <= until => sight.at.max(self.read.at),
            Some(_) | None => self.read.at,
        };
        now.saturating_duration_since(at)
    }
}

impl Book {
    /// A book of pools that were read, the freshness of each group, and the latest slot.
    pub(crate) fn new(entries: Vec<Arc<Entry>>, groups: Vec<Freshness>, slot: u64) -> Self {
        let mut pools = Pools::default();
        for entry in entries {
            pools.insert(entry);
        }
        Self { pools: Arc::new(pools), groups, slot, formats: Arc::default(), tipped: false }
    }

    /// The same for transactions of these formats.
    pub(crate) fn with_formats(self, formats: Arc<Formats>) -> Self {
        Self { formats, ..self }
    }

    /// The same for transactions that pay a tip, or pay none.
    pub(crate) fn with_tips(self, tipped: bool) -> Self {
        Self { tipped, ..self }
    }

    /// True if transactions pay a tip, which takes place in them.
    pub(crate) const fn is_tipped(&self) -> bool {
        self.tipped
    }

    /// The formats that transactions may have.
    pub(crate) fn formats(&self) -> &Formats {
        &self.formats
    }

    /// Puts pools of one call in place of what was known of them.
    pub(crate) fn replace(&mut self, entries: Vec<Entry>) {
        let pools = Arc::make_mut(&mut self.pools);
        for entry in entries {
            pools.insert(Arc::new(entry));
        }
    }

    /// The freshness of a group, to be confirmed.
    pub(crate) fn group_mut(&mut self, group: usize) -> Option<&mut Freshness> {
        self.groups.get_mut(group)
    }

    /// A slot was seen.
    pub(crate) fn see_slot(&mut self, slot: u64) {
        self.slot = self.slot.max(slot);
    }

    /// No slot is known any more: what was told of them was wrong. Ages go on.
    pub(crate) fn forget_slots(&mut self) {
        self.slot = 0;
        for freshness in &mut self.groups {
            *freshness = Freshness::new(0, freshness.read.at);
        }
    }

    /// The latest slot that was seen.
    pub(crate) const fn slot(&self) -> u64 {
        self.slot
    }

    /// True if no pool is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.pools.entries.is_empty()
    }

    /// True if both books hold the very same pools, whatever their freshness.
    pub(crate) fn same_pools(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.pools, &other.pools)
    }

    /// Every pool, by address.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.pools.entries.values().map(AsRef::as_ref)
    }

    /// The pool of an address.
    pub(crate) fn entry(&self, address: PoolAddress) -> Option<&Entry> {
        self.pools.entries.get(&address).map(AsRef::as_ref)
    }

    /// Every pool that trades the pair, by address.
    pub(crate) fn pair(&self, one: Mint, other: Mint) -> impl Iterator<Item = &Entry> {
        let entries = self.pools.pairs.get(&pair(one, other)).map_or(&[][..], Vec::as_slice);
        entries.iter().map(AsRef::as_ref)
    }

    /// Every token that some pool trades for each of the two, by mint.
    pub(crate) fn intermediates(&self, one: Mint, other: Mint) -> impl Iterator<Item = Mint> {
        let partners = |mint| self.pools.partners.get(&mint);
        let both = partners(one).zip(partners(other));
        both.into_iter().flat_map(|(of_one, of_other)| of_one.intersection(of_other)).copied()
    }

    /// Every token that a quotable pool trades, by mint.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = &Token> {
        self.pools.tokens.values()
    }

    /// A token that a quotable pool trades.
    pub(crate) fn token(&self, mint: Mint) -> Option<&Token> {
        self.pools.tokens.get(&mint)
    }

    /// How long ago the entry's state was last known to be the present one.
    pub(crate) fn age(&self, entry: &Entry, now: Instant) -> Duration {
        match self.groups.get(entry.group) {
            Some(freshness) => freshness.age(now),
            None => Duration::MAX,
        }
    }

    /// The age of the freshest and of the oldest pool; None if there is no pool.
    pub(crate) fn ages(&self, now: Instant) -> Option<(Duration, Duration)> {
        let ages = || self.entries().map(|entry| self.age(entry, now));
        Some((ages().min()?, ages().max()?))
    }
}

impl Pools {
    fn insert(&mut self, entry: Arc<Entry>) {
        if let Ok(market) = &entry.market {
            for token in market.tokens() {
                self.tokens.entry(token.mint).or_insert_with(|| token.token());
            }
        }
        let [one, other] = entry.mints;
        self.partners.entry(one).or_default().insert(other);
        self.partners.entry(other).or_default().insert(one);
        let entries = self.pairs.entry(pair(one, other)).or_default();
        match entries.binary_search_by_key(&entry.address, |known| known.address) {
            Ok(place) => entries.splice(place..=place, [Arc::clone(&entry)]).for_each(drop),
            Err(place) => entries.insert(place, Arc::clone(&entry)),
        }
        self.entries.insert(entry.address, entry);
    }
}

/// The same key for both directions.
fn pair(one: Mint, other: Mint) -> [Mint; 2] {
    if one < other { [one, other] } else { [other, one] }
}
