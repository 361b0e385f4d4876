use super::*;
use crate::testing::{self, SOL, TestPool, usdc};
use chain::transaction::BuildError;
use order_core::quote::Exclusions;
use order_core::{InputBuffer, Mint, PoolAddress, Venue};
use proptest::prelude::*;
use std::collections::BTreeSet;

mod lengths;
mod optimiser;
mod optimum;
mod splits;
mod tables;
mod two_hops;

const MAX_AGE: Duration = Duration::from_secs(5);

fn ask(mode: Mode, amount: u64) -> Request {
    Request {
        mint_in: SOL,
        mint_out: usdc(),
        amount: Atoms::new(amount),
        mode,
        input_buffer: InputBuffer::STANDARD,
        use_full_input: false,
        excluded: Exclusions::default(),
    }
}

fn decide_on(pools: &[TestPool], request: &Request) -> Result<Decision, Failure> {
    let now = Instant::now();
    decide(&testing::book(pools, 7, now), request, now, MAX_AGE)
}

/// The length of a route's transaction in bytes, also of one that is too long.
fn length(book: &Book, request: &Request, route: &Route) -> Option<usize> {
    match size::built(book, request, route)? {
        Ok(unsigned) => Some(unsigned.bytes().len()),
        Err(BuildError::TooLong { length, .. }) => Some(length),
        Err(BuildError::TooManyAccounts { .. } | BuildError::Encoding(_)) => None,
    }
}

/// A deep pool with a high fee, and a shallow one with a low fee.
fn two() -> [TestPool; 2] {
    [
        testing::seeded(Venue::RaydiumCpmm, 1, [10_000_000_000_000, 1_500_000_000_000], 10_000_000),
        testing::seeded(Venue::MeteoraDammV2, 2, [100_000_000_000, 15_000_000_000], 1_000_000),
    ]
}

#[test]
fn the_best_pool_depends_on_the_amount() {
    let chosen = |amount| {
        decide_on(&two(), &ask(Mode::ExactIn, amount)).unwrap().chosen.route.paths()[0].first().venue
    };
    assert_eq!(chosen(1_000_000), Venue::MeteoraDammV2, "the fee decides on a small amount");
    assert_eq!(chosen(50_000_000_000), Venue::RaydiumCpmm, "the depth decides on a large one");
}

#[test]
fn the_loser_is_named_with_its_amount_and_why_it_lost() {
    let decision = decide_on(&two(), &ask(Mode::ExactIn, 50_000_000_000)).unwrap();
    let loser = decision.alternatives.iter().find(|loser| loser.venue == Venue::MeteoraDammV2).unwrap();
    assert_eq!(loser.pool, PoolAddress::new([2; 32]));
    let gap = decision.chosen.route.amount_out().get() - loser.amount.unwrap().get();
    assert!(loser.reason.starts_with("gives 3"), "{}", loser.reason);
    assert!(
        loser.reason.ends_with(&format!("% ({gap} base units) less than the chosen route")),
        "{}",
        loser.reason
    );
}

#[test]
fn exact_out_takes_the_pool_that_costs_least() {
    let decision = decide_on(&two(), &ask(Mode::ExactOut, 5_000_000_000)).unwrap();
    assert_eq!(decision.chosen.route.amount_out(), Atoms::new(5_000_000_000));
    let loser = &decision.alternatives[0];
    assert!(loser.amount.unwrap() > decision.chosen.route.amount_in());
    assert!(loser.reason.starts_with("takes "), "{}", loser.reason);
    assert!(loser.reason.ends_with("more than the chosen route"), "{}", loser.reason);
}

#[test]
fn a_route_says_all_that_a_quote_needs() {
    let Decision { chosen, alternatives } =
        decide_on(&two()[..1], &ask(Mode::ExactIn, 1_000_000_000)).unwrap();
    assert!(alternatives.is_empty());
    assert_eq!(
        (chosen.route.amount_in(), chosen.slot, chosen.age),
        (Atoms::new(1_000_000_000), 7, Duration::ZERO)
    );
    assert_eq!(chosen.fee, Fraction::from_billionths(10_000_000));
    assert!(
        chosen.price_impact > Fraction::ZERO && chosen.price_impact < Fraction::from_billionths(1_000_000)
    );
    let path = &chosen.route.paths()[0];
    let hop = path.first();
    assert_eq!((hop.mint_in, hop.mint_out, path.share()), (SOL, usdc(), Fraction::ONE));
    assert_eq!((hop.amount_in, hop.amount_out), (chosen.route.amount_in(), chosen.route.amount_out()));
    // 1 SOL at 0.15 USDC: less the fee of one per cent, and the price impact of a ten-thousandth.
    assert_eq!(chosen.route.amount_out(), Atoms::new(148_485_299));
}

#[test]
fn equal_pools_are_told_apart_by_address() {
    let twins: Vec<TestPool> =
        [9, 3].map(|n| testing::seeded(Venue::RaydiumCpmm, n, [1 << 40, 1 << 40], 2_500_000)).to_vec();
    let decision = decide_on(&twins, &ask(Mode::ExactIn, 1_000)).unwrap();
    assert_eq!(decision.chosen.route.paths()[0].first().pool, PoolAddress::new([3; 32]));
    assert!(decision.alternatives[0].reason.contains("the same"), "{}", decision.alternatives[0].reason);
}

#[test]
fn a_pair_that_nobody_trades_has_no_route() {
    let request = Request { mint_out: Mint::new([42; 32]), ..ask(Mode::ExactIn, 1) };
    assert_eq!(decide_on(&two(), &request).unwrap_err().code, Code::NoRoute);
}

#[test]
fn no_route_goes_over_an_excluded_venue_and_it_is_said_why() {
    let request = ask(Mode::ExactIn, 1_000_000);
    let without = |venues: &[Venue]| {
        let excluded = Exclusions { venues: venues.iter().copied().collect(), ..Exclusions::default() };
        decide_on(&two(), &Request { excluded, ..request.clone() })
    };
    let Decision { chosen, alternatives } = without(&[Venue::MeteoraDammV2]).unwrap();
    assert_eq!(chosen.route.paths()[0].first().venue, Venue::RaydiumCpmm);
    let [excluded] = &alternatives[..] else { panic!("{alternatives:?}") };
    assert_eq!((excluded.venue, excluded.amount), (Venue::MeteoraDammV2, None));
    assert_eq!(excluded.reason, "its venue is excluded from this quote");
    let pools = BTreeSet::from([excluded.pool]);
    let excluded = Exclusions { pools, ..Exclusions::default() };
    let Decision { chosen, alternatives } =
        decide_on(&two(), &Request { excluded, ..request.clone() }).unwrap();
    assert_eq!(chosen.route.paths()[0].first().venue, Venue::RaydiumCpmm);
    assert_eq!(alternatives[0].reason, "it is excluded from this quote");
    let failure = without(&[Venue::MeteoraDammV2, Venue::RaydiumCpmm]).unwrap_err();
    assert_eq!(failure.code, Code::NoRoute);
    assert!(failure.message.contains("excluded"), "{failure}");
}

#[test]
fn an_amount_that_no_pool_can_do_has_no_route_and_every_reason() {
    let failure = decide_on(&two(), &ask(Mode::ExactOut, u64::MAX / 2)).unwrap_err();
    assert_eq!(failure.code, Code::NoRoute);
    for venue in [Venue::RaydiumCpmm, Venue::MeteoraDammV2] {
        assert!(failure.message.contains(venue.name()), "{failure}");
    }
}

#[test]
fn a_stale_pool_is_not_quoted() {
    let confirmed_at = Instant::now();
    let book = testing::book(&two(), 7, confirmed_at);
    let request = ask(Mode::ExactIn, 1_000_000);
    let decide_at = |age| decide(&book, &request, confirmed_at + age, MAX_AGE);
    assert_eq!(decide_at(MAX_AGE).unwrap().chosen.age, MAX_AGE);
    let failure = decide_at(MAX_AGE + Duration::from_millis(1)).unwrap_err();
    assert_eq!(failure.code, Code::ClusterUnavailable);
    assert!(failure.message.contains("5000 ms"), "{failure}");
    let venues = BTreeSet::from([Venue::RaydiumCpmm]);
    let request = Request { excluded: Exclusions { venues, ..Exclusions::default() }, ..request.clone() };
    let later = confirmed_at + MAX_AGE + Duration::from_millis(1);
    let failure = decide(&book, &request, later, MAX_AGE).unwrap_err();
    assert_eq!(failure.code, Code::ClusterUnavailable, "it is not for what is excluded: {failure}");
}

#[test]
fn a_stale_pool_loses_against_a_fresh_one() {
    let now = Instant::now();
    let mut book = testing::book(&two(), 7, now);
    let later = now + 2 * MAX_AGE;
    book.group_mut(0).unwrap().confirm(8, later);
    let decision = decide(&book, &ask(Mode::ExactIn, 1_000_000), later, MAX_AGE).unwrap();
    assert_eq!(decision.chosen.route.paths()[0].first().venue, Venue::RaydiumCpmm);
    assert_eq!(decision.alternatives[0].amount, None);
    assert_eq!(decision.alternatives[0].reason, "its state is 10000 ms old");
}

#[test]
fn an_empty_book_blames_the_cluster() {
    assert_eq!(decide_on(&[], &ask(Mode::ExactIn, 1)).unwrap_err().code, Code::ClusterUnavailable);
}

#[test]
fn the_list_of_losers_is_bounded() {
    let many: Vec<TestPool> = (1..=60).map(testing::pool).collect();
    let decision = decide_on(&many, &ask(Mode::ExactIn, 1_000_000)).unwrap();
    assert_eq!(decision.alternatives.len(), ALTERNATIVES_MAX);
}

prop_compose! {
    fn any_pool()(
        venue in prop::sample::select(&Venue::ALL[..]),
        sol in 1_000_000u64..1_000_000_000_000_000,
        usdc in 1_000_000u64..1_000_000_000_000_000,
        fee in 1i64..100,
    ) -> (Venue, [u64; 2], i64) {
        (venue, [sol, usdc], fee * 100_000)
    }
}

/// Of a program that decides where its pools are, there is one for these two tokens.
fn number(pools: Vec<(Venue, [u64; 2], i64)>) -> Vec<TestPool> {
    let mut numbered: Vec<TestPool> = Vec::new();
    for (n, (venue, reserves, fee)) in (1u8..).zip(pools) {
        let pool = testing::seeded(venue, n, reserves, fee);
        if numbered.iter().all(|other| other.address != pool.address) {
            numbered.push(pool);
        }
    }
    numbered
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_that_was_not_chosen_is_better(
        pools in prop::collection::vec(any_pool(), 1..6), amount in 1u64..1_000_000_000_000_000, exact_in: bool, back: bool,
    ) {
        let pools = number(pools);
        let mode = if exact_in { Mode::ExactIn } else { Mode::ExactOut };
        let mut request = ask(mode, amount);
        if back {
            std::mem::swap(&mut request.mint_in, &mut request.mint_out);
        }
        if let Ok(decision) = decide_on(&pools, &request) {
            let singles = decision.alternatives.iter().filter(|loser| !loser.reason.starts_with("split"));
            let singles: Vec<_> = singles.collect();
            let chosen = usize::from(decision.chosen.route.hop_count() == 1);
            prop_assert_eq!(singles.len() + chosen, pools.len());
            let (amount_in, amount_out) = (decision.chosen.route.amount_in(), decision.chosen.route.amount_out());
            prop_assert!(!amount_in.is_zero() && !amount_out.is_zero());
            let quoted: Vec<Atoms> = singles.iter().filter_map(|loser| loser.amount).collect();
            match mode {
                Mode::ExactIn => {
                    prop_assert_eq!(amount_in, request.amount);
                    prop_assert!(quoted.iter().all(|other| *other <= amount_out));
                    prop_assert!(quoted.is_sorted_by(|one, next| one >= next));
                }
                Mode::ExactOut => {
                    prop_assert_eq!(amount_out, request.amount);
                    prop_assert!(quoted.iter().all(|other| *other >= amount_in));
                    prop_assert!(quoted.is_sorted());
                }
            }
        }
    }

    #[test]
    fn the_same_pools_give_the_same_answer_in_whatever_order_they_came(
        pools in prop::collection::vec(any_pool(), 1..6), amount in 1u64..1_000_000_000_000,
    ) {
        let pools = number(pools);
        let reversed: Vec<TestPool> = pools.iter().rev().cloned().collect();
        let request = ask(Mode::ExactIn, amount);
        prop_assert_eq!(decide_on(&pools, &request), decide_on(&reversed, &request));
    }

    #[test]
    fn what_a_route_takes_for_an_output_gives_at_least_that_output(
        pools in prop::collection::vec(any_pool(), 1..4), amount in 1u64..1_000_000_000_000,
    ) {
        let pools = number(pools);
        if let Ok(decision) = decide_on(&pools, &ask(Mode::ExactOut, amount)) {
            let back = decide_on(&pools, &ask(Mode::ExactIn, decision.chosen.route.amount_in().get())).unwrap();
            prop_assert!(back.chosen.route.amount_out().get() >= amount);
        }
    }
}
