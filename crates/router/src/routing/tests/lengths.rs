//! How long the transactions of two hops are, over every two venues, with and without a lookup table.

use super::tables::book_with_tables;
use super::two_hops::{STRANGER, usdt};
use super::*;
use crate::routing::size;
use chain::transaction::LENGTH_MAX;

/// The bytes that the marker adds where neither token is SOL: its address, and the instruction that creates it.
const MARKER: usize = 145;

/// How many of the routes fit, without the marker, and with it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fitting {
    routes: usize,
    unmarked: usize,
    marked: usize,
}

impl Fitting {
    fn add(&mut self, marked: usize, unmarked: usize) {
        self.routes += 1;
        self.unmarked += usize::from(unmarked <= LENGTH_MAX);
        self.marked += usize::from(marked <= LENGTH_MAX);
    }
}

/// Two hops over every two venues of which the first sells exact outputs, from `mint_in` to USDC.
fn over_every_two_venues(mint_in: Mint, marker: usize) -> [Fitting; 2] {
    let mut fitting: [Fitting; 2] = Default::default();
    let request = Request { mint_in, ..ask(Mode::ExactIn, 1_000_000_000) };
    for first in Venue::ALL {
        for second in Venue::ALL {
            let reserves = [10_000_000_000_000, 300_000_000_000];
            let pools = [
                testing::trading(first, 1, [mint_in, STRANGER], reserves, 100_000),
                testing::trading(
                    second,
                    2,
                    [STRANGER, usdc()],
                    [300_000_000_000, 1_500_000_000_000],
                    100_000,
                ),
            ];
            let now = Instant::now();
            let with_table = book_with_tables(&pools, now, 1);
            let Ok(Decision { chosen, .. }) = decide(&with_table, &request, now, MAX_AGE) else { continue };
            for (book, fitting) in [testing::book(&pools, 7, now), with_table].iter().zip(&mut fitting) {
                let length = size::length(book, &request, &chosen.route).unwrap();
                fitting.add(length, length - marker);
            }
        }
    }
    fitting
}

#[test]
fn the_marker_costs_few_routes_their_place() {
    let usdt = over_every_two_venues(usdt(), MARKER);
    // An order for SOL pays nothing: the account of wrapped SOL is its marker.
    let sol = over_every_two_venues(SOL, 0);
    println!("two hops from USDT: without a table {:?}, with one {:?}", usdt[0], usdt[1]);
    println!("two hops from SOL: without a table {:?}, with one {:?}", sol[0], sol[1]);
    assert_eq!(usdt[1].marked, usdt[1].routes, "with a table every two venues fit");
    assert_eq!(sol[1].marked, sol[1].routes);
    assert!(usdt[0].marked <= usdt[0].unmarked && usdt[0].marked > 0);
}

/// The bytes that a tip adds: the address of who gets it, and the transfer.
const TIP: usize = 49;

#[test]
fn a_tip_takes_its_place_and_the_transaction_of_every_single_pool_still_fits() {
    for venue in Venue::ALL {
        for mint_in in [SOL, usdt()] {
            let reserves = [10_000_000_000_000, 1_500_000_000_000];
            let pools = [testing::trading(venue, 1, [mint_in, usdc()], reserves, 100_000)];
            let (request, now) = (Request { mint_in, ..ask(Mode::ExactIn, 1_000_000) }, Instant::now());
            let plain = testing::book(&pools, 7, now);
            let tipped = plain.clone().with_tips(true);
            let chosen = decide(&tipped, &request, now, MAX_AGE).unwrap().chosen;
            let [without, with] =
                [&plain, &tipped].map(|book| size::length(book, &request, &chosen.route).unwrap());
            assert_eq!(with, without + TIP, "{venue}");
            assert!(with <= LENGTH_MAX, "{venue}: {with} bytes");
        }
    }
}
