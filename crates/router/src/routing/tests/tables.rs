use super::optimum::{any_market, made, shape_of};
use super::two_hops::STRANGER;
use super::*;
use crate::formats::Formats;
use crate::routing::size;
use chain::LookupTable;
use chain::transaction::{LENGTH_MAX, Version};
use order_core::Pubkey;
use std::sync::Arc;

/// A book with tables of the pools' accounts: the first has every `first`th of them, the second the others.
pub(super) fn book_with_tables(pools: &[TestPool], now: Instant, first: usize) -> Book {
    let accounts = pools.iter().flat_map(|pool| &pool.accounts).map(|(address, _)| *address).enumerate();
    let (one, other): (Vec<_>, Vec<_>) = accounts.partition(|(place, _)| place.is_multiple_of(first));
    let table = |key: u8, addresses: Vec<(usize, Pubkey)>| LookupTable {
        key: Pubkey::new_from_array([key; 32]),
        addresses: addresses.into_iter().map(|(_, address)| address).collect(),
    };
    let tables = vec![table(200, one), table(201, other)];
    testing::book(pools, 7, now).with_formats(formats(tables, Version::V0))
}

/// Formats with these lookup tables, up to a version.
pub(super) fn formats(tables: Vec<LookupTable>, newest: Version) -> Arc<Formats> {
    Arc::new(Formats::new(chain::Formats { tables, newest }))
}

#[test]
fn more_pools_side_by_side_fit_with_a_table() {
    let pools: Vec<_> = (1..=4)
        .map(|n| testing::seeded(Venue::RaydiumCpmm, n, [1_000_000_000_000, 150_000_000_000], 2_500_000))
        .collect();
    let (request, now) = (ask(Mode::ExactIn, 100_000_000_000), Instant::now());
    let pools_of = |book: &Book| decide(book, &request, now, MAX_AGE).unwrap().chosen.route.hop_count();
    assert_eq!(pools_of(&testing::book(&pools, 7, now)), 3);
    assert_eq!(pools_of(&book_with_tables(&pools, now, 1)), 4);
}

#[test]
fn two_pools_with_many_accounts_are_a_route_with_a_table_alone() {
    let pools = [
        testing::trading(
            Venue::RaydiumClmm,
            1,
            [SOL, STRANGER],
            [10_000_000_000_000, 300_000_000_000],
            100_000,
        ),
        testing::trading(
            Venue::OrcaWhirlpool,
            2,
            [STRANGER, usdc()],
            [300_000_000_000, 1_500_000_000_000],
            100_000,
        ),
    ];
    let (request, now) = (ask(Mode::ExactIn, 1_000_000_000), Instant::now());
    let without = decide(&testing::book(&pools, 7, now), &request, now, MAX_AGE);
    let failure = without.unwrap_err();
    assert!(failure.message.contains("does not fit"), "{failure}");
    let book = book_with_tables(&pools, now, 1);
    let chosen = decide(&book, &request, now, MAX_AGE).unwrap().chosen;
    assert_eq!(chosen.route.hop_count(), 2);
    let [with, without] =
        [&book, &testing::book(&pools, 7, now)].map(|book| length(book, &request, &chosen.route));
    println!("{without:?} bytes without a lookup table, {with:?} with one");
    assert!(with < without && with <= Some(LENGTH_MAX) && without > Some(LENGTH_MAX));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_added_up_with_tables_is_never_too_little(
        market in any_market(), amount in 1_000u64..1_000_000_000_000_000, first in 1usize..5,
        tipped in any::<bool>(), newest in prop::sample::select(&Version::ALL[..]), listed in any::<bool>(),
    ) {
        let (pools, request, now) = (made(&market), ask(Mode::ExactIn, amount), Instant::now());
        let book = book_with_tables(&pools, now, first).with_tips(tipped);
        let tables = if listed { book.formats().read().tables.clone() } else { Vec::new() };
        let book = book.with_formats(formats(tables, newest));
        let Ok(Decision { chosen, .. }) = decide(&book, &request, now, MAX_AGE) else { return Ok(()) };
        prop_assert!(size::fits(&book, &request, &chosen.route));
        let unsigned = size::built(&book, &request, &chosen.route).unwrap().unwrap();
        let (version, real) = (unsigned.version(), unsigned.bytes().len());
        let shape = shape_of(&book, &request, &chosen.route, now).unwrap();
        let added_up = shape.length(version);
        prop_assert!(shape.fits() || version == Version::V0 && first > 1, "{version}: {added_up} {real}");
        let walks = chosen.route.hops().any(|hop| hop.venue == Venue::MeteoraDlmm);
        // With one table it is exact; of two the builder may leave one out.
        let roughly = walks || first > 1 && listed && version == Version::V0;
        prop_assert!(added_up == real || roughly && added_up > real, "{version}: {added_up} {real}");
    }
}
