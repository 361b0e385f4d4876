use super::optimum::every_path;
use super::tables::book_with_tables;
use super::*;
use crate::testing::trading;

/// A token that the engine has no symbol for.
pub(super) const STRANGER: Mint = Mint::new([77; 32]);

pub(super) fn usdt() -> Mint {
    order_core::token::known().find(|token| token.symbol == "USDT").unwrap().mint
}

/// SOL for a stranger, and the stranger for USDC.
fn bridge(first: Venue, second: Venue) -> [TestPool; 2] {
    [
        trading(first, 1, [SOL, STRANGER], [10_000_000_000_000, 300_000_000_000], 2_500_000),
        trading(second, 2, [STRANGER, usdc()], [300_000_000_000, 1_500_000_000_000], 2_500_000),
    ]
}

#[test]
fn two_pools_with_a_token_between_trade_a_pair_that_no_pool_trades() {
    let request = ask(Mode::ExactIn, 1_000_000_000);
    let Decision { chosen, alternatives } =
        decide_on(&bridge(Venue::RaydiumCpmm, Venue::MeteoraDammV2), &request).unwrap();
    let [path] = chosen.route.paths() else { panic!("{chosen:?}") };
    let (first, second) = (path.first(), path.second().unwrap());
    assert_eq!((first.mint_in, first.mint_out), (SOL, STRANGER));
    assert_eq!((second.mint_in, second.mint_out), (STRANGER, usdc()));
    assert_eq!(first.amount_out, second.amount_in);
    assert_eq!(path.share(), Fraction::ONE);
    assert_eq!((chosen.route.amount_in(), chosen.route.amount_out()), (first.amount_in, second.amount_out));
    let spendable = request.input_buffer.spendable(request.amount).get();
    assert!(chosen.route.amount_in().get() <= spendable && chosen.route.amount_in().get() > spendable - 100);
    // Twice a fee of a quarter of a percent, and the price impact of a ten-thousandth and of a tenth of it.
    assert_eq!(chosen.fee.to_percent(), "0.499375");
    assert!(chosen.price_impact.to_percent().starts_with("0.01"), "{}", chosen.price_impact.to_percent());
    assert_eq!(alternatives, []);
}

/// A pool of the pair that pays this many billionths of what the two others do with the whole amount.
fn beside(two: &[TestPool; 2], request: &Request, pays: u64) -> [TestPool; 3] {
    let whole = Request { input_buffer: "0".parse().unwrap(), ..request.clone() };
    let gives = decide_on(two, &whole).unwrap().chosen.route.amount_out();
    // So deep that neither fee nor price impact is seen.
    let price = gives.mul_div_floor(pays, 1_000_000_000).unwrap();
    let reserves = [request.amount.get() << 20, price.get() << 20];
    let [first, second] = two.clone();
    [first, second, testing::seeded(Venue::RaydiumCpmm, 3, reserves, 1_000)]
}

#[test]
fn neither_of_two_pools_is_of_an_excluded_venue() {
    for venue in [Venue::RaydiumCpmm, Venue::MeteoraDammV2] {
        let excluded = Exclusions { venues: BTreeSet::from([venue]), ..Exclusions::default() };
        let request = Request { excluded, ..ask(Mode::ExactIn, 1_000_000_000) };
        let failure = decide_on(&bridge(Venue::RaydiumCpmm, Venue::MeteoraDammV2), &request).unwrap_err();
        assert_eq!(failure.code, Code::NoRoute);
        assert!(failure.message.contains("two hops through"), "{failure}");
        assert!(failure.message.ends_with("its venue is excluded from this quote"), "{failure}");
    }
}

#[test]
fn two_pools_are_taken_if_they_give_more_in_spite_of_what_they_leave() {
    let two = bridge(Venue::RaydiumCpmm, Venue::MeteoraDammV2);
    for input_buffer in ["0", "0.001", "0.1"] {
        let request =
            Request { input_buffer: input_buffer.parse().unwrap(), ..ask(Mode::ExactIn, 1_000_000_000) };
        // What a second swap costs, and what the amount moves the price, is little besides.
        let left = request.input_buffer.spendable(Atoms::new(1_000_000_000)).get();
        for (pays, swaps) in [(left - 1_000_000, 2), (left + 1_000_000, 1)] {
            let Decision { chosen, alternatives } =
                decide_on(&beside(&two, &request, pays), &request).unwrap();
            assert_eq!(chosen.route.hop_count(), swaps, "{input_buffer} {pays}: {chosen:?}");
            assert_eq!(chosen.route.amount_in() == request.amount, swaps == 1);
            assert!(alternatives[0].amount.unwrap() < chosen.route.amount_out(), "{alternatives:?}");
        }
    }
}

#[test]
fn an_exact_output_goes_through_two_pools_too() {
    let request = ask(Mode::ExactOut, 100_000_000);
    let pools = bridge(Venue::RaydiumCpmm, Venue::MeteoraDammV2);
    let Decision { chosen, alternatives } = decide_on(&pools, &request).unwrap();
    let [path] = chosen.route.paths() else { panic!("{chosen:?}") };
    let (first, second) = (path.first(), path.second().unwrap());
    assert_eq!((first.amount_out, second.amount_out), (second.amount_in, request.amount));
    assert_eq!(alternatives, []);
    let whole =
        Request { input_buffer: "0".parse().unwrap(), ..ask(Mode::ExactIn, chosen.route.amount_in().get()) };
    let back = decide_on(&pools, &whole).unwrap().chosen;
    assert!(back.route.amount_out() >= request.amount, "{back:?}");
}

#[test]
fn two_hops_that_lost_are_named_by_the_token_between() {
    let mut pools = bridge(Venue::RaydiumCpmm, Venue::MeteoraDammV2).to_vec();
    pools.push(trading(
        Venue::RaydiumCpmm,
        3,
        [SOL, usdt()],
        [1_000_000_000_000, 160_000_000_000],
        2_500_000,
    ));
    pools.push(trading(Venue::RaydiumCpmm, 4, [usdt(), usdc()], [160_000_000_000; 2], 2_500_000));
    let decision = decide_on(&pools, &ask(Mode::ExactIn, 1_000_000)).unwrap();
    assert_eq!(decision.chosen.route.paths()[0].first().pool, pools[2].address);
    let loser = &decision.alternatives[0];
    assert_eq!(loser.pool, pools[0].address);
    assert!(loser.reason.starts_with(&format!("two hops through {STRANGER}: gives ")), "{}", loser.reason);
}

/// The decision where a lookup table has every account.
fn with_room(pools: &[TestPool], request: &Request) -> Decision {
    let now = Instant::now();
    decide(&book_with_tables(pools, now, 1), request, now, MAX_AGE).unwrap()
}

#[test]
fn every_venue_may_be_first_of_two_and_only_an_exact_in_hop_leaves_something_between() {
    let amount = 1_000_000_000;
    for venue in Venue::ALL {
        // SOL is the base token of this PumpSwap pool: it is sold, and not what others are paid in.
        let exact_out = !matches!(venue, Venue::MeteoraDlmm | Venue::MeteoraDammV1 | Venue::PumpSwap);
        let request = ask(Mode::ExactIn, amount);
        let route = with_room(&bridge(venue, Venue::RaydiumAmmV4), &request).chosen.route;
        let [path] = route.paths() else { panic!("{route:?}") };
        assert_eq!(path.buys_exactly(), exact_out, "{venue}: {route:?}");
        let (given, sold) = (path.first().amount_out, path.second().unwrap().amount_in);
        if exact_out {
            assert!(route.amount_in() < request.amount && given == sold, "{venue}: {route:?}");
        } else {
            assert_eq!(route.amount_in(), request.amount, "{venue}: all of the input is sold");
            assert_eq!(sold, request.input_buffer.spendable(given), "{venue}: the buffer is left");
        }
        let back = with_room(&bridge(Venue::RaydiumAmmV4, venue), &request).chosen.route;
        assert_eq!(back.hop_count(), 2, "{venue}: {back:?}");
    }
}

#[test]
fn an_exact_out_hop_stays_one_where_the_second_pool_leaves_a_unit_of_what_it_is_offered() {
    let pools = [
        trading(Venue::RaydiumCpmm, 1, [SOL, STRANGER], [10_000_000_000_000, 10_100_000_000_000], 2_500_000),
        trading(Venue::PumpSwap, 2, [usdc(), STRANGER], [1_500_000_000_000, 30_000_000_000_000], 2_500_000),
    ];
    let now = Instant::now();
    let book = testing::book(&pools, 7, now);
    let market = book.entry(pools[1].address).unwrap().market.as_ref().unwrap();
    let [path] = every_path(&book, &ask(Mode::ExactIn, 1), now)[..] else { panic!("there is one path") };
    let mut units_left = 0;
    for amount in 1_000_000_000..1_000_040_000 {
        let terms = path.quote(Mode::ExactIn, Atoms::new(amount)).unwrap();
        let priced = path.priced(&terms, Fraction::ONE);
        assert!(priced.buys_exactly(), "{priced:?}");
        let offered = priced.second().unwrap().amount_in;
        let taken = market.quote(STRANGER, Mode::ExactIn, offered).unwrap().amount_in;
        units_left += usize::from(taken < offered);
    }
    assert!(units_left > 0, "none of these amounts shows it");
}

#[test]
fn of_a_full_input_nothing_is_left_whichever_venue_is_first() {
    for venue in Venue::ALL {
        let request = Request { use_full_input: true, ..ask(Mode::ExactIn, 1_000_000_007) };
        let route = with_room(&bridge(venue, Venue::RaydiumAmmV4), &request).chosen.route;
        assert_eq!(route.amount_in(), request.amount, "{venue}: {route:?}");
        let [left] = route.leftovers()[..] else { panic!("{venue}: {route:?}") };
        assert_eq!(left.mint, STRANGER);
        let given = route.paths()[0].first().amount_out.get();
        assert_eq!(left.amount.get(), given.div_ceil(1_000), "{venue}: the buffer and no more");
    }
}

#[test]
fn an_exact_output_is_bought_through_a_first_pool_that_sells_exact_inputs_only() {
    for venue in [Venue::MeteoraDlmm, Venue::MeteoraDammV1] {
        let (pools, wanted) = (bridge(venue, Venue::RaydiumCpmm), ask(Mode::ExactOut, 100_000_000));
        let route = with_room(&pools, &wanted).chosen.route;
        assert_eq!(route.amount_out(), wanted.amount);
        let spent = route.amount_in().get();
        let gives = |spent| with_room(&pools, &ask(Mode::ExactIn, spent)).chosen.route.amount_out();
        assert!(gives(spent) >= wanted.amount, "{venue}: {route:?}");
        assert!(gives(spent - spent / 1_000_000) < wanted.amount, "{venue}: nothing less is enough");
    }
}

#[test]
fn an_amount_of_which_nothing_is_left_for_the_second_pool_has_no_route() {
    let pools = [
        trading(Venue::MeteoraDammV1, 1, [SOL, STRANGER], [1_000_000_000_000, 300_000_000], 2_500_000),
        trading(Venue::RaydiumCpmm, 2, [STRANGER, usdc()], [300_000_000, 1_500_000_000_000], 2_500_000),
    ];
    let failure = decide_on(&pools, &ask(Mode::ExactIn, 6_000)).unwrap_err();
    assert!(failure.message.contains("the amount is too small"), "{failure}");
}

#[test]
fn two_hops_that_fit_into_no_transaction_are_not_quoted() {
    let pools = bridge(Venue::RaydiumClmm, Venue::OrcaWhirlpool);
    let request = ask(Mode::ExactIn, 1_000_000_000);
    let failure = decide_on(&pools, &request).unwrap_err();
    assert_eq!(failure.code, Code::NoRoute);
    assert!(failure.message.ends_with("does not fit into one transaction"), "{failure}");
}

#[test]
fn without_the_second_pool_there_is_no_way() {
    let pools = bridge(Venue::RaydiumCpmm, Venue::MeteoraDammV2);
    assert_eq!(decide_on(&pools[..1], &ask(Mode::ExactIn, 1_000)).unwrap_err().code, Code::NoRoute);
    let now = Instant::now();
    let mut book = testing::book(&pools, 7, now);
    let later = now + 2 * MAX_AGE;
    let decide_then = |book: &Book| decide(book, &ask(Mode::ExactIn, 1_000_000), later, MAX_AGE);
    assert_eq!(decide_then(&book).unwrap_err().code, Code::ClusterUnavailable);
    book.group_mut(0).unwrap().confirm(8, later);
    assert_eq!(decide_then(&book).unwrap_err().code, Code::ClusterUnavailable);
    book.group_mut(1).unwrap().confirm(8, later);
    assert!(decide_then(&book).is_ok());
}
