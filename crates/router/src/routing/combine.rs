//! Which paths to take together.

use super::guess::{self, Guess, GuessedSplit, Unfit};
use super::path::Path;
use super::shape::{Shape, Shapes};
use crate::book::Book;
use proto::quote::Request;

/// Most paths of one route: with more, its transaction would hardly fit into a packet.
pub(super) const PATHS_MAX: usize = 4;

/// Most combinations that are calculated exactly.
const KEPT_MAX: usize = 4;

/// Paths and how the amount is divided over them, as a guess.
#[derive(Debug, Clone)]
pub(super) struct Combination<'a> {
    pub(super) paths: Vec<Path<'a>>,
    pub(super) amounts: Vec<f64>,
}

/// The combinations of several pools that are guessed to be the best that can be sent, and what would be
/// better if it could.
pub(super) fn best<'a>(
    book: &Book,
    request: &Request,
    paths: &[Path<'a>],
    cost: u64,
) -> Vec<Combination<'a>> {
    let amount = request.amount.get();
    let guessed: Vec<(Path<'a>, Guess)> =
        paths.iter().filter_map(|path| Some((*path, Guess::of(path, amount)?))).collect();
    let paths: Vec<Path<'a>> = guessed.iter().map(|(path, _)| *path).collect();
    let Some(shapes) = Shapes::of(book, request, &paths, request.amount) else { return Vec::new() };
    let mut vaults: Vec<_> = paths.iter().flat_map(Path::vaults).collect();
    vaults.sort_unstable();
    vaults.dedup();
    let bits = |path: &Path<'_>| {
        let places = path.vaults().filter_map(|vault| vaults.binary_search(&vault).ok());
        places.fold(0u128, |bits, place| bits | bit(place))
    };
    let guessed_paths = guessed.iter().zip(shapes.paths).map(|((path, guess), shape)| GuessedPath {
        guess: *guess,
        shape,
        vaults: bits(path),
        cost: cost as f64 * path.hops().count() as f64,
    });
    let mut search =
        Search { paths: guessed_paths.collect(), amount: amount as f64, best: Vec::new(), unsendable: None };
    search.grow(&Set::new(shapes.frame), 0, f64::NEG_INFINITY);
    let best = search.best.first().map_or(f64::NEG_INFINITY, |found| found.net);
    let unsendable = search.unsendable.filter(|found| found.net > best);
    search.best.iter().chain(&unsendable).map(|found| found.combination(&paths)).collect()
}

/// A path as the search sees it.
struct GuessedPath {
    guess: Guess,
    shape: Shape,
    /// A bit for each of its vaults.
    vaults: u128,
    /// The cost of its hops, in the output token.
    cost: f64,
}

/// Some paths that have no vault in common: a swap on one would change what another gives. Pools of a program
/// that lends its tokens share vaults.
#[derive(Clone, Copy)]
struct Set {
    members: [usize; PATHS_MAX],
    guesses: [Guess; PATHS_MAX],
    count: usize,
    shape: Shape,
    vaults: u128,
    cost: f64,
}

/// A set with its split.
#[derive(Clone, Copy)]
struct Found {
    set: Set,
    split: GuessedSplit<PATHS_MAX>,
    /// Its output after its cost.
    net: f64,
}

struct Search {
    paths: Vec<GuessedPath>,
    amount: f64,
    /// Best first.
    best: Vec<Found>,
    /// The best whose transaction is too long.
    unsendable: Option<Found>,
}

impl Search {
    /// Tries the set with each path from a place on, and what is worth it with more of them.
    fn grow(&mut self, set: &Set, from: usize, net: f64) {
        for place in from..self.paths.len() {
            let Some(larger) = self.paths.get(place).and_then(|path| set.with(place, path)) else { continue };
            let sendable = larger.shape.fits();
            let found = match guess::split(larger.guesses(), self.amount) {
                Err(Unfit::Needless) => continue,
                Err(Unfit::TooSmall) => None,
                Ok(split) => Some(Found { set: larger, split, net: split.output - larger.cost }),
            };
            // A pool by itself, which has two vaults, is compared anyway.
            if let Some(found) = found.filter(|found| found.set.vaults.count_ones() > 2) {
                self.keep(found, sendable);
            }
            // What a path adds shrinks with each other that is there: one that does not pay its cost here
            // does not among more of them.
            let reached = found.map_or(net, |found| found.net);
            if sendable && larger.count < PATHS_MAX && reached >= net {
                self.grow(&larger, place.saturating_add(1), reached);
            }
        }
    }

    fn keep(&mut self, found: Found, sendable: bool) {
        if !sendable {
            if self.unsendable.is_none_or(|known| known.net < found.net) {
                self.unsendable = Some(found);
            }
            return;
        }
        let place = self.best.partition_point(|known| known.net >= found.net);
        if place < KEPT_MAX {
            self.best.insert(place, found);
            self.best.truncate(KEPT_MAX);
        }
    }
}

impl Set {
    fn new(frame: Shape) -> Self {
        Self {
            members: [0; PATHS_MAX],
            guesses: [Guess::default(); PATHS_MAX],
            count: 0,
            shape: frame,
            vaults: 0,
            cost: 0.0,
        }
    }

    /// The set with one more; None if it has one of its vaults.
    fn with(&self, place: usize, path: &GuessedPath) -> Option<Self> {
        if self.vaults & path.vaults != 0 {
            return None;
        }
        let mut larger = *self;
        *larger.members.get_mut(self.count)? = place;
        *larger.guesses.get_mut(self.count)? = path.guess;
        larger.count = self.count.saturating_add(1);
        larger.shape = self.shape.and(path.shape);
        larger.vaults |= path.vaults;
        larger.cost += path.cost;
        Some(larger)
    }

    fn guesses(&self) -> &[Guess] {
        self.guesses.get(..self.count).unwrap_or_default()
    }
}

impl Found {
    fn combination<'a>(&self, paths: &[Path<'a>]) -> Combination<'a> {
        let members = self.set.members.iter().take(self.set.count);
        Combination {
            paths: members.filter_map(|place| paths.get(*place).copied()).collect(),
            amounts: self.split.amounts.to_vec(),
        }
    }
}

fn bit(place: usize) -> u128 {
    u32::try_from(place).ok().and_then(|place| 1u128.checked_shl(place)).unwrap_or(0)
}
