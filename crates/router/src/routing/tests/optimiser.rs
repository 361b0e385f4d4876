//! The chosen route against an optimiser that is bound by nothing but the pools: it gives the amount out part by
//! part, each to the path that gives most for it, whatever else goes over the same pools.

use super::*;
use crate::formats::Formats;
use crate::testing::trading;
use chain::transaction::Version;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::collections::HashMap;
use std::sync::Arc;

/// Parts that the optimiser gives out.
const PARTS: u64 = 800;
const MARKETS: u64 = 16;

/// Symbol, decimals, and the value of a whole token in millionths of a dollar.
const TOKENS: [(&str, u32, u64); 5] = [
    ("SOL", 9, 150_000_000),
    ("USDC", 6, 1_000_000),
    ("USDT", 6, 1_000_000),
    ("RAY", 6, 2_000_000),
    ("JUP", 6, 500_000),
];

/// The pairs that have pools: each with the most of them.
const POOLED: [(usize, usize, u32); 8] =
    [(0, 1, 6), (0, 2, 4), (1, 2, 4), (3, 0, 3), (3, 1, 3), (4, 0, 3), (4, 1, 3), (4, 2, 1)];

/// The pairs that are asked for; between RAY and JUP there is no pool.
const ASKED: [(usize, usize); 9] = [(0, 1), (1, 0), (0, 2), (2, 1), (3, 1), (1, 4), (3, 4), (2, 3), (4, 0)];

/// Dollars of an order, and the bounds of the median and of the 95th percentile of what is lost against two hops, in
/// thousandths of a basis point: a little more than was measured. Most of it is lost where the only pool of a token
/// would have to serve several paths.
const SIZES: [(u64, i128, i128); 3] =
    [(1_000, 100, 4_000), (10_000, 700, 15_000), (100_000, 10_000, 160_000)];

fn mint(token: usize) -> Mint {
    order_core::token::known().find(|known| known.symbol == TOKENS[token].0).unwrap().mint
}

/// Base units of a token that so many millionths of a dollar buy.
fn worth(token: usize, millionths: u64) -> u64 {
    let (_, decimals, value) = TOKENS[token];
    u64::try_from(u128::from(millionths) * 10u128.pow(decimals) / u128::from(value)).unwrap()
}

/// Pools of random programs, worth from 50,000 dollars to 20 million, whose prices differ by up to 0.3 %.
fn market(random: &mut StdRng) -> Vec<TestPool> {
    let mut pools: Vec<TestPool> = Vec::new();
    for (one, other, most) in POOLED {
        for _ in 0..random.random_range(1..=most) {
            let venue = Venue::ALL[random.random_range(0..Venue::ALL.len())];
            let dollars = 50_000f64 * 400f64.powf(random.random::<f64>());
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a size, as it comes"
            )]
            let half = (dollars * 500_000.0) as u64;
            let drift = random.random_range(9_970..=10_030u64);
            let reserves = [worth(one, half), worth(other, half / 10_000 * drift)];
            let fee = [1i64, 4, 5, 10, 20, 25, 30, 100][random.random_range(0..8)] * 100_000;
            let number = u8::try_from(pools.len() + 1).unwrap();
            let pool = trading(venue, number, [mint(one), mint(other)], reserves, fee);
            if pools.iter().all(|known| known.address != pool.address) {
                pools.push(pool);
            }
        }
    }
    pools
}

/// The amounts that have gone into each pool from each side, and that have come out.
type Flows = HashMap<(PoolAddress, Mint), (u64, u64)>;

/// The output of one more part through a pool, beside all that has gone there; None if it cannot be.
fn more(book: &Book, flows: &Flows, (pool, mint_in): (PoolAddress, Mint), part: u64) -> Option<u64> {
    let (taken, given) = flows.get(&(pool, mint_in)).copied().unwrap_or((0, 0));
    let market = book.entry(pool)?.market.as_ref().ok()?;
    let quoted = market.quote(mint_in, Mode::ExactIn, Atoms::new(taken.checked_add(part)?)).ok()?;
    quoted.amount_out.get().checked_sub(given).filter(|more| *more > 0)
}

/// Every path through one pool or two and, if there are to be three hops, through three.
fn paths(book: &Book, mint_in: Mint, mint_out: Mint, three: bool) -> Vec<Vec<(PoolAddress, Mint)>> {
    let pools = |one, other| book.pair(one, other).map(|entry| entry.address).collect::<Vec<_>>();
    let mut paths: Vec<_> = pools(mint_in, mint_out).into_iter().map(|pool| vec![(pool, mint_in)]).collect();
    let others: Vec<Mint> =
        (0..TOKENS.len()).map(mint).filter(|mint| ![mint_in, mint_out].contains(mint)).collect();
    for between in &others {
        for first in pools(mint_in, *between) {
            paths.extend(
                pools(*between, mint_out).into_iter().map(|last| vec![(first, mint_in), (last, *between)]),
            );
            for further in others.iter().filter(|further| three && *further != between) {
                for middle in pools(*between, *further) {
                    let last = pools(*further, mint_out).into_iter();
                    paths.extend(
                        last.map(|last| vec![(first, mint_in), (middle, *between), (last, *further)]),
                    );
                }
            }
        }
    }
    paths
}

/// The output of the amount, given out part by part.
fn optimum(book: &Book, request: &Request, three: bool) -> u64 {
    let paths = paths(book, request.mint_in, request.mint_out, three);
    let (mut flows, part) = (Flows::new(), request.amount.get() / PARTS);
    let gain = |flows: &Flows, path: &[(PoolAddress, Mint)]| {
        path.iter().try_fold(part, |amount, hop| more(book, flows, *hop, amount)).unwrap_or(0)
    };
    let mut gains: Vec<u64> = paths.iter().map(|path| gain(&flows, path)).collect();
    let mut output = 0;
    for _ in 0..PARTS {
        let (best, most) = gains.iter().copied().enumerate().max_by_key(|(_, gain)| *gain).unwrap();
        output += most;
        let mut amount = part;
        for hop in &paths[best] {
            let given = more(book, &flows, *hop, amount).unwrap_or(0);
            let flow = flows.entry(*hop).or_default();
            *flow = (flow.0 + amount, flow.1 + given);
            amount = given;
        }
        for (path, gained) in paths.iter().zip(&mut gains) {
            if path.iter().any(|hop| paths[best].contains(hop)) {
                *gained = gain(&flows, path);
            }
        }
    }
    output
}

/// Thousandths of a basis point that the chosen route gives less than the optimiser of two hops, and that of three.
fn lost(book: &Book, request: &Request, now: Instant) -> [i128; 2] {
    let decided = decide(book, request, now, MAX_AGE);
    let ours = i128::from(decided.map_or(0, |decision| decision.chosen.route.amount_out().get()));
    [false, true].map(|three| {
        let best = i128::from(optimum(book, request, three));
        (best - ours).max(0) * 10_000_000 / best.max(1)
    })
}

/// `cargo test -p router optimiser -- --nocapture` prints the figures.
#[test]
fn the_route_leaves_little_of_what_an_optimiser_finds() {
    let now = Instant::now();
    let mut losses: [[Vec<i128>; 2]; 3] = Default::default();
    for seed in 0..MARKETS {
        let pools = market(&mut StdRng::seed_from_u64(seed));
        let formats = Formats::new(chain::Formats { tables: Vec::new(), newest: Version::V1 });
        let book = testing::book(&pools, 7, now).with_formats(Arc::new(formats));
        for ((dollars, _, _), losses) in SIZES.into_iter().zip(&mut losses) {
            for (mint_in, mint_out) in ASKED {
                let amount = Atoms::new(worth(mint_in, dollars * 1_000_000));
                let (mint_in, mint_out) = (mint(mint_in), mint(mint_out));
                // The buffer of two hops is no loss: what it leaves is the trader's.
                let input_buffer = "0".parse().unwrap();
                let asked = ask(Mode::ExactIn, 1);
                let request = Request { mint_in, mint_out, amount, input_buffer, ..asked };
                for (losses, lost) in losses.iter_mut().zip(lost(&book, &request, now)) {
                    losses.push(lost);
                }
            }
        }
    }
    let mut missed = Vec::new();
    for ((dollars, median_max, most), losses) in SIZES.into_iter().zip(losses) {
        let [two, three] = losses.map(|mut losses| {
            losses.sort_unstable();
            [50, 95].map(|percent| losses[(losses.len() - 1) * percent / 100])
        });
        println!("{dollars} dollars, median and 95th percentile in thousandths of a basis point:");
        println!("  {two:?} less than with two hops, {three:?} less than with three");
        // The router makes no three hops.
        if two[0] > median_max || two[1] > most {
            missed.push((dollars, two));
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
}
