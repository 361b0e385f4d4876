//! The chosen route against every route there is, and every division of the amount into small parts.

use super::two_hops::{STRANGER, usdt};
use super::*;
use crate::routing::combine::PATHS_MAX;
use crate::routing::path::{Hop, Join, Path, Second};
use crate::routing::shape::{Shape, Shapes};
use crate::routing::{candidate, cost};
use crate::testing::trading;
use chain::transaction::Version;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// How finely the brute force divides the amount at first.
const GRID: usize = 64;

/// Then it moves parts down to one of so many.
const FINEST: u64 = 1 << 20;

/// Every path from the input to the output: through the pools of the pair, and through
/// two, by no rule but that of the chain: the intermediate token is a third one.
pub(super) fn every_path<'a>(book: &'a Book, request: &Request, now: Instant) -> Vec<Path<'a>> {
    let hops = |mint_in, mint_out| {
        let survey = candidate::survey(book, request, [mint_in, mint_out], now, MAX_AGE);
        let hop = move |candidate| Hop { candidate, mint_in, mint_out };
        survey.candidates.into_iter().map(hop).collect::<Vec<_>>()
    };
    let direct = hops(request.mint_in, request.mint_out).into_iter();
    let mut paths: Vec<Path<'_>> = direct.map(|first| Path { first, second: None }).collect();
    for intermediate in [STRANGER, usdt()] {
        for first in hops(request.mint_in, intermediate) {
            let exact_out = first.quotes_exact_out();
            let join = Join { input_buffer: request.input_buffer, exact_out };
            let seconds = hops(intermediate, request.mint_out).into_iter();
            paths.extend(seconds.map(|hop| Path { first, second: Some(Second { hop, join }) }));
        }
    }
    paths
}

/// The output of a division, with its parts in units of the grid.
type Best = (i128, Vec<(usize, u64)>);

struct BruteForce<'a> {
    paths: Vec<Path<'a>>,
    shapes: Vec<Shape>,
    /// The output of each path for so many parts of the grid.
    outputs: Vec<Vec<u64>>,
    amount: u64,
    cost: i128,
    best: Best,
}

impl BruteForce<'_> {
    /// Every set of paths without a common vault that fits into a transaction.
    fn search(&mut self, members: &mut Vec<usize>, shape: Shape) {
        let first = members.last().map_or(0, |last| last + 1);
        for place in first..self.paths.len() {
            let larger = shape.and(self.shapes[place]);
            let vaults = |place: usize| self.paths[place].vaults();
            let common = members
                .iter()
                .any(|member| vaults(*member).any(|vault| vaults(place).any(|other| other == vault)));
            if common || !larger.fits() {
                continue;
            }
            members.push(place);
            self.divide(members);
            if members.len() < PATHS_MAX {
                self.search(members, larger);
            }
            members.pop();
        }
    }

    /// The best division on the grid: part by part to where it buys most.
    fn divide(&mut self, members: &[usize]) {
        let mut parts = vec![0usize; members.len()];
        for _ in 0..GRID {
            let gain = |place: usize| {
                let outputs = &self.outputs[members[place]];
                outputs[parts[place] + 1].checked_sub(outputs[parts[place]])
            };
            let Some(best) =
                (0..members.len()).filter(|place| gain(*place).is_some()).max_by_key(|place| gain(*place))
            else {
                return;
            };
            parts[best] += 1;
        }
        let swaps: usize = members.iter().map(|member| self.paths[*member].hops().count()).sum();
        let output: u64 =
            members.iter().zip(&parts).map(|(member, parts)| self.outputs[*member][*parts]).sum();
        let net = i128::from(output) - self.cost * i128::try_from(swaps - 1).unwrap();
        if net > self.best.0 && output > 0 {
            let amounts = parts.iter().map(|parts| part(self.amount, *parts));
            self.best = (net, members.iter().copied().zip(amounts).collect());
        }
    }

    /// Moves ever smaller parts of the best division for as long as that wins.
    fn polish(&mut self) {
        let (net, mut lanes) = self.best.clone();
        let mut won = 0;
        let mut part = self.amount / 128;
        while part > self.amount / FINEST {
            let output = |(place, amount): (usize, u64)| self.paths[place].output(amount);
            let mut moved = false;
            for from in 0..lanes.len() {
                for to in 0..lanes.len() {
                    let (giver, taker) = (lanes[from], lanes[to]);
                    if from == to || giver.1 < part {
                        continue;
                    }
                    let after = output((giver.0, giver.1 - part)) + output((taker.0, taker.1 + part));
                    let before = output(giver) + output(taker);
                    if after > before {
                        won += i128::from(after - before);
                        (lanes[from].1, lanes[to].1, moved) = (giver.1 - part, taker.1 + part, true);
                    }
                }
            }
            if !moved {
                part /= 2;
            }
        }
        self.best = (net + won, lanes);
    }
}

fn part(amount: u64, parts: usize) -> u64 {
    let amount = u128::from(amount) * u128::try_from(parts).unwrap() / u128::try_from(GRID).unwrap();
    u64::try_from(amount).unwrap()
}

/// The most that any route gives after the network's cost, and the cost of a swap.
fn brute_force(book: &Book, request: &Request, now: Instant, cost: u64) -> Option<i128> {
    let paths = every_path(book, request, now);
    let Shapes { frame, paths: shapes } = Shapes::of(book, request, &paths, request.amount)?;
    let amount = request.amount.get();
    let outputs = paths.iter().map(|path| (0..=GRID).map(|parts| path.output(part(amount, parts))).collect());
    let outputs = outputs.collect();
    let best = (i128::MIN, Vec::new());
    let mut search = BruteForce { paths, shapes, outputs, amount, cost: i128::from(cost), best };
    search.search(&mut Vec::new(), frame);
    if search.best.1.is_empty() {
        return None;
    }
    search.polish();
    Some(search.best.0)
}

/// A pool's program, tokens, reserves and fee.
pub(super) type Described = (Venue, [Mint; 2], [u64; 2], i64);

fn any_pools(mints: [Mint; 2], most: usize) -> impl Strategy<Value = Vec<Described>> {
    let describe = move |(venue, reserves, fee)| (venue, mints, reserves, fee);
    prop::collection::vec(any_pool().prop_map(describe), 0..=most)
}

/// Up to four pools of the pair or, as often, none, and up to two on either side of each of two other tokens.
pub(super) fn any_market() -> impl Strategy<Value = Vec<Described>> {
    let (usdc, usdt) = (usdc(), usdt());
    let sides = [[SOL, STRANGER], [STRANGER, usdc], [SOL, usdt], [usdt, usdc]];
    let direct = prop_oneof![Just(Vec::new()), any_pools([SOL, usdc], 4)];
    let pools = (direct, sides.map(|mints| any_pools(mints, 2)));
    pools.prop_map(|(direct, sides)| [&[direct][..], &sides].concat().concat())
}

pub(super) fn made(market: &[Described]) -> Vec<TestPool> {
    let mut pools: Vec<TestPool> = Vec::new();
    for (n, (venue, mints, reserves, fee)) in (1u8..).zip(market) {
        let pool = trading(*venue, n, *mints, *reserves, *fee);
        if pools.iter().all(|other| other.address != pool.address) {
            pools.push(pool);
        }
    }
    pools
}

/// By how many thousandths of a basis point the route is worse than the best there is; None where there
/// is no route at all.
fn gap(pools: &[TestPool], amount: u64) -> Option<i128> {
    let (now, request) = (Instant::now(), ask(Mode::ExactIn, amount));
    let book = testing::book(pools, 7, now);
    let single = candidate::survey(&book, &request, [SOL, usdc()], now, MAX_AGE).candidates;
    let single = single.iter().map(|candidate| candidate.output(SOL, amount)).max().unwrap_or(0);
    let Ok(Decision { chosen, .. }) = decide(&book, &request, now, MAX_AGE) else {
        assert_eq!((single, brute_force(&book, &request, now, 1)), (0, None), "{pools:?}");
        return None;
    };
    assert!(
        chosen.route.amount_out().get() >= single,
        "{} instead of {single}",
        chosen.route.amount_out().get()
    );
    let shape = shape_of(&book, &request, &chosen.route, now);
    let added_up = shape.map(|shape| shape.length(Version::V0));
    let real = length(&book, &request, &chosen.route);
    // A part of the amount may need fewer of a pool's accounts than the whole.
    let walks = chosen.route.hops().any(|hop| hop.venue == Venue::MeteoraDlmm);
    assert!(added_up == real || walks && added_up > real, "{added_up:?} instead of {real:?}: {chosen:?}");
    let cost = cost::of_swap(&book, &request, chosen.route.amount_out().get(), now, MAX_AGE);
    let best = brute_force(&book, &request, now, cost).unwrap_or(0);
    let swaps = i128::try_from(chosen.route.hop_count() - 1).unwrap();
    let ours = i128::from(chosen.route.amount_out().get()) - i128::from(cost) * swaps;
    // Each pool rounds down by less than an atom.
    Some((best - ours - 10).max(0) * 10_000_000 / best.max(1))
}

/// The shape of a route's transaction as it was added up.
pub(super) fn shape_of(book: &Book, request: &Request, route: &Route, now: Instant) -> Option<Shape> {
    let mut paths = every_path(book, request, now);
    let pools: Vec<_> = route.hops().map(|hop| hop.pool).collect();
    paths.retain(|path| {
        let own: Vec<_> = path.pools().collect();
        pools.windows(own.len()).any(|window| window == own)
    });
    let shapes = Shapes::of(book, request, &paths, request.amount)?;
    Some(shapes.paths.iter().fold(shapes.frame, |sum, shape| sum.and(*shape)))
}

/// `cargo test -p router basis_point -- --nocapture` says how near it comes.
#[test]
fn the_route_is_within_a_basis_point_of_the_best_there_is() {
    let mut runner = TestRunner::deterministic();
    let states = (any_market(), 1_000u64..1_000_000_000_000_000);
    let mut gaps = Vec::new();
    while gaps.len() < 1_000 {
        let (market, amount) = states.new_tree(&mut runner).unwrap().current();
        let Some(gap) = gap(&made(&market), amount) else { continue };
        assert!(gap <= 1_000, "{gap} thousandths of a basis point: {amount} {market:?}");
        gaps.push(gap);
    }
    let exact = gaps.iter().filter(|gap| **gap == 0).count();
    let worst = gaps.iter().max().unwrap();
    println!(
        "{} states: {exact} at the optimum, the worst {worst} thousandths of a basis point below",
        gaps.len()
    );
}
