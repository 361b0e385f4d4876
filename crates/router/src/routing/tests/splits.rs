use super::*;
use crate::routing::size;

fn amounts(route: &Route) -> Vec<u64> {
    route.paths().iter().map(|path| path.amount_in().get()).collect()
}

/// Four pools of one venue, all the same.
fn equals(venue: Venue) -> Vec<TestPool> {
    (1..=4).map(|n| testing::seeded(venue, n, [1_000_000_000_000, 150_000_000_000], 2_500_000)).collect()
}

#[test]
fn equal_pools_take_equal_parts() {
    let pools = &equals(Venue::RaydiumCpmm)[..2];
    let request = ask(Mode::ExactIn, 100_000_000_000);
    let Decision { chosen, alternatives } = decide_on(pools, &request).unwrap();
    assert_eq!(amounts(&chosen.route), [50_000_000_000; 2]);
    assert_eq!(
        chosen.route.paths().iter().map(|path| path.share().to_decimal()).collect::<Vec<_>>(),
        ["0.5"; 2]
    );
    let given = chosen.route.hops().map(|hop| hop.amount_out.get()).sum::<u64>();
    assert_eq!(given, chosen.route.amount_out().get());
    assert_eq!(chosen.fee, Fraction::from_billionths(2_500_000));
    assert_eq!(alternatives.len(), 2);
    let single = decide_on(&pools[..1], &request).unwrap().chosen;
    assert_eq!(alternatives[0].amount, Some(single.route.amount_out()));
    assert!(chosen.price_impact < single.price_impact);
}

#[test]
fn a_small_amount_is_not_worth_two_swaps() {
    let pools = &equals(Venue::RaydiumCpmm)[..2];
    let Decision { chosen, alternatives } = decide_on(pools, &ask(Mode::ExactIn, 50_000_000)).unwrap();
    assert_eq!(chosen.route.hop_count(), 1);
    let reason = &alternatives.last().unwrap().reason;
    assert!(reason.starts_with("split over 2 pools: gives "), "{reason}");
    assert!(reason.ends_with("and its larger transaction costs more than that"), "{reason}");
}

#[test]
fn no_more_pools_are_used_than_fit_into_a_packet() {
    let most = |venue| {
        let decision = decide_on(&equals(venue), &ask(Mode::ExactIn, 100_000_000_000)).unwrap();
        let too_long = decision.alternatives.iter().filter(|loser| loser.reason.contains("does not fit"));
        (decision.chosen.route.hop_count(), too_long.count())
    };
    assert_eq!(most(Venue::RaydiumCpmm), (3, 1));
    assert_eq!(most(Venue::MeteoraDammV2), (3, 1));
    assert_eq!(most(Venue::RaydiumAmmV4), (4, 0));
}

#[test]
fn an_exact_output_is_not_split() {
    let decision = decide_on(&equals(Venue::RaydiumCpmm), &ask(Mode::ExactOut, 10_000_000_000)).unwrap();
    assert_eq!((decision.chosen.route.hop_count(), decision.alternatives.len()), (1, 3));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_split_spends_the_whole_and_can_be_sent(
        pools in prop::collection::vec(any_pool(), 2..6), amount in 1_000u64..1_000_000_000_000_000,
    ) {
        let (pools, request) = (number(pools), ask(Mode::ExactIn, amount));
        let now = Instant::now();
        let book = testing::book(&pools, 7, now);
        let Ok(Decision { chosen, .. }) = decide(&book, &request, now, MAX_AGE) else { return Ok(()) };
        prop_assert!(size::fits(&book, &request, &chosen.route));
        prop_assert_eq!(amounts(&chosen.route).iter().sum::<u64>(), amount);
        let shares: i64 = chosen.route.paths().iter().map(|path| path.share().billionths()).sum();
        prop_assert_eq!(shares, Fraction::ONE.billionths());
        for hop in chosen.route.hops() {
            let market = book.entry(hop.pool).unwrap().market.as_ref().unwrap();
            let quoted = market.quote(SOL, Mode::ExactIn, hop.amount_in).unwrap();
            prop_assert_eq!(quoted.amount_out, hop.amount_out);
            prop_assert!(!hop.amount_out.is_zero());
        }
        let single = pools.iter().filter_map(|pool| decide_on(std::slice::from_ref(pool), &request).ok());
        prop_assert!(single.map(|single| single.chosen.route.amount_out()).max() <= Some(chosen.route.amount_out()));
    }

    #[test]
    fn more_is_never_given_for_less(
        pools in prop::collection::vec(any_pool(), 1..6), amount in 1_000u64..1_000_000_000_000_000, more in 1u64..1_000,
    ) {
        let pools = number(pools);
        let decision = |amount| decide_on(&pools, &ask(Mode::ExactIn, amount));
        let (Ok(less), Ok(more)) = (decision(amount), decision(amount + amount / 1_000 * more)) else { return Ok(()) };
        // More may have to be divided over more pools than fit into a transaction.
        prop_assume!(more.alternatives.iter().all(|loser| !loser.reason.ends_with("one transaction")));
        let (less, more) = (less.chosen.route.amount_out().get(), more.chosen.route.amount_out().get());
        // A division is the best but for a hundredth of a percent.
        prop_assert!(more >= less - less / 10_000 - less.min(5), "{less} and then {more}");
    }
}
