use super::*;
use crate::route::{Hop, Path, Route};
use crate::{AccountId, Fraction, Mint, PoolAddress, Signature, Slippage, Timestamp, Token, Venue, token};
use proptest::prelude::*;

const AMOUNT_IN: Atoms = Atoms::new(100_000_000_000);

fn id() -> Id {
    Id(Uuid::from_u128(7))
}

fn token(symbol: &str) -> Token {
    token::known().find(|token| token.symbol == symbol).unwrap()
}

fn intent(reference: Option<u64>) -> Intent {
    let reference = reference.map(|amount_out| Reference {
        quote_id: crate::quote::Id(Uuid::nil()),
        amount_out: Atoms::new(amount_out),
    });
    Intent::market(token("SOL"), token("USDC"), AMOUNT_IN, Slippage::parse("0.01").unwrap(), reference)
        .unwrap()
}

fn quote(amount_out: u64) -> Quote {
    quote_of(AMOUNT_IN, amount_out)
}

fn quote_of(amount_in: Atoms, amount_out: u64) -> Quote {
    let hop = Hop {
        venue: Venue::RaydiumCpmm,
        pool: PoolAddress::new([3; 32]),
        mint_in: token("SOL").mint,
        mint_out: Mint::new([9; 32]),
        amount_in,
        amount_out: Atoms::new(amount_out),
    };
    Quote {
        id: crate::quote::Id(Uuid::nil()),
        route: Route::new(vec![Path::direct(Fraction::ONE, hop)]).unwrap(),
        fee: Fraction::from_billionths(2_500_000),
        price_impact: Fraction::ZERO,
        transfer_fee: Fraction::ZERO,
        alternatives: Vec::new(),
        slot: 5,
        state_age_ms: 20,
        created_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::UNIX_EPOCH,
    }
}

fn marker() -> Marker {
    let address = |byte: u8| crate::AccountAddress::new([byte; 32]);
    Marker { address: address(4), wallet: address(5), seed: "abcdefghijklmnop".to_owned(), generation: 0 }
}

/// The transaction of [`signed`] again, after it counted as expired.
fn found() -> Event {
    let Event::TransactionSigned { transaction } = signed() else { panic!() };
    Event::TransactionFound { transaction }
}

fn settled(landed: bool) -> Event {
    Event::Settled { landed, evidence: "seen in an explorer".to_owned() }
}

fn rolled_back(event: Event) -> Event {
    let Event::Observed { observation } = event else { panic!() };
    Event::RolledBack { observation }
}

fn signed() -> Event {
    let transaction = SignedTransaction {
        signature: Signature::new([1; 64]),
        bytes: vec![1, 2, 3],
        last_valid_block_height: 150,
        blockhash_slot: Some(5),
        marker: Some(marker()),
        tip: None,
    };
    Event::TransactionSigned { transaction }
}

fn fill(amount_out: u64) -> Fill {
    Fill {
        amount_in: AMOUNT_IN,
        amount_out: Atoms::new(amount_out),
        network_fee: Atoms::new(5000),
        tip: Atoms::ZERO,
        leftovers: Vec::new(),
        slot: 6,
    }
}

fn landed(amount_out: u64) -> Event {
    Event::Observed { observation: Observation::Landed { fill: Some(fill(amount_out)) } }
}

fn reverted() -> Event {
    let failure = Failure::new(failure::Code::SlippageExceeded, "6005");
    Event::Observed { observation: Observation::Reverted { failure, network_fee: Atoms::new(5000), slot: 6 } }
}

fn failure(code: failure::Code) -> Failure {
    Failure::new(code, "because")
}

/// Every kind of event, with the variants that the table tells apart.
fn account() -> AccountId {
    "desk".parse().unwrap()
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Accepted { account: account(), intent: intent(None) }),
        (0u32..5).prop_map(|attempt| Event::RoutingStarted { attempt }),
        (1u64..2000).prop_map(|amount_out| Event::RouteChosen { quote: quote(amount_out) }),
        Just(signed()),
        Just(found()),
        any::<bool>().prop_map(settled),
        Just(landed(1000)),
        Just(Event::Observed { observation: Observation::Landed { fill: None } }),
        Just(reverted()),
        Just(Event::Observed { observation: Observation::Expired }),
        Just(rolled_back(landed(999))),
        Just(rolled_back(reverted())),
        Just(Event::RolledBack { observation: Observation::Expired }),
        Just(Event::AttemptFailed { failure: failure(failure::Code::NoRoute), retry_in_ms: 1 }),
        Just(Event::Failed { failure: failure(failure::Code::NoRoute) }),
        Just(Event::Cancelled),
        Just(Event::Expired),
    ]
}

fn order(events: &[Event]) -> Order {
    let mut order = Order::accepted(id(), account(), intent(None));
    for event in events {
        order.apply(event).unwrap();
    }
    order
}

#[test]
fn the_straight_way_goes_through_every_status() {
    let mut order = Order::accepted(id(), account(), intent(None));
    let mut statuses = vec![order.status()];
    for event in [
        Event::RoutingStarted { attempt: 1 },
        Event::RouteChosen { quote: quote(1000) },
        signed(),
        landed(995),
    ] {
        order.apply(&event).unwrap();
        statuses.push(order.status());
    }
    use Status::{Building, Confirmed, Pending, Routing, Submitted};
    assert_eq!(statuses, [Pending, Routing, Building, Submitted, Confirmed]);
    assert_eq!((order.seq(), order.attempt(), order.min_out()), (5, 1, Some(Atoms::new(990))));
    assert_eq!(order.next_step(), Step::End);
}

#[test]
fn the_floor_never_loosens_on_a_retry() {
    let mut order = order(&[
        Event::RoutingStarted { attempt: 1 },
        Event::RouteChosen { quote: quote(1000) },
        Event::AttemptFailed { failure: failure(failure::Code::SimulationFailed), retry_in_ms: 1 },
        Event::RoutingStarted { attempt: 2 },
    ]);
    assert_eq!(order.next_step(), Step::Route { min_out: Some(Atoms::new(990)) });
    assert!(order.apply(&Event::RouteChosen { quote: quote(989) }).is_err(), "below the floor");
    order.apply(&Event::RouteChosen { quote: quote(1500) }).unwrap();
    assert_eq!(order.min_out(), Some(Atoms::new(990)), "a better quote does not move the floor either");
}

#[test]
fn a_named_quote_is_the_reference() {
    let order = Order::accepted(id(), account(), intent(Some(2000)));
    assert_eq!(order.min_out(), Some(Atoms::new(1980)));
}

#[test]
fn a_route_with_a_floor_of_nothing_is_refused() {
    let mut order = order(&[Event::RoutingStarted { attempt: 1 }]);
    assert!(order.apply(&Event::RouteChosen { quote: quote(1) }).is_err());
}

#[test]
fn a_route_may_leave_a_little_of_the_amount_and_never_takes_more() {
    let spends = |amount_in: u64| {
        let mut order = order(&[Event::RoutingStarted { attempt: 1 }]);
        let quote = quote_of(Atoms::new(amount_in), 1000);
        order.apply(&Event::RouteChosen { quote })
    };
    assert!(spends(AMOUNT_IN.get() - 1).is_ok());
    assert!(spends(AMOUNT_IN.get() + 1).is_err());
}

#[test]
fn a_failed_attempt_is_retried_until_the_last_or_until_it_is_hopeless() {
    let policy = RetryPolicy::default();
    let mut order = order(&[Event::RoutingStarted { attempt: 1 }]);
    for attempt in 1..=3 {
        let next = order.attempt_failed(failure(failure::Code::NoRoute), &policy, 0);
        let hopeless = order.attempt_failed(failure(failure::Code::InsufficientFunds), &policy, 0);
        assert!(matches!(hopeless, Event::Failed { .. }));
        if attempt == 3 {
            assert!(matches!(next, Event::Failed { .. }));
        } else {
            assert!(matches!(next, Event::AttemptFailed { .. }));
            order.apply(&next).unwrap();
            order.apply(&Event::RoutingStarted { attempt: attempt + 1 }).unwrap();
        }
    }
}

#[test]
fn a_lost_owner_costs_an_attempt_only_before_the_signature() {
    let policy = RetryPolicy::default();
    let steps = [
        Event::RoutingStarted { attempt: 1 },
        Event::RouteChosen { quote: quote(1000) },
        signed(),
        reverted(),
    ];
    let interrupted: Vec<bool> =
        (0..=steps.len()).map(|taken| order(&steps[..taken]).interruption(&policy, 0).is_some()).collect();
    assert_eq!(interrupted, [false, true, true, false, false]);
}

#[test]
fn a_transaction_that_counted_as_expired_and_is_found_is_waited_for_again() {
    let expired = Event::Observed { observation: Observation::Expired };
    let retry = Event::AttemptFailed { failure: failure(failure::Code::TransactionExpired), retry_in_ms: 1 };
    let mut order = order(&[
        Event::RoutingStarted { attempt: 1 },
        Event::RouteChosen { quote: quote(1000) },
        signed(),
        expired,
        retry,
        Event::RoutingStarted { attempt: 2 },
    ]);
    assert!(order.apply(&found()).is_err(), "without a route there is nothing to show");
    order.apply(&Event::RouteChosen { quote: quote(1000) }).unwrap();
    order.apply(&found()).unwrap();
    assert_eq!(order.transactions().len(), 1, "it is the same transaction");
    assert!(matches!(order.next_step(), Step::Land { .. }));
    order.apply(&Event::Observed { observation: Observation::Landed { fill: None } }).unwrap();
    assert_eq!((order.status(), order.attempt()), (Status::Confirmed, 2));
}

#[test]
fn the_next_marker_is_used_only_after_the_address_was_occupied() {
    let routed = |attempt| [Event::RoutingStarted { attempt }, Event::RouteChosen { quote: quote(1000) }];
    let failed = |code| Event::AttemptFailed { failure: failure(code), retry_in_ms: 1 };
    let mut order = order(&routed(1));
    for (attempt, code, generation) in [
        (2, failure::Code::TransactionExpired, 0),
        (3, failure::Code::TransactionReverted, 0),
        (4, failure::Code::MarkerInUse, 1),
        (5, failure::Code::SlippageExceeded, 1),
    ] {
        order.apply(&failed(code)).unwrap();
        assert_eq!(order.marker_generation(), generation, "{code}");
        routed(attempt).iter().for_each(|event| order.apply(event).unwrap());
    }
}

#[test]
fn an_operator_settles_only_what_is_submitted() {
    let submitted =
        [Event::RoutingStarted { attempt: 1 }, Event::RouteChosen { quote: quote(1000) }, signed()];
    let settled_as = |landed| {
        let mut order = order(&submitted);
        order.apply(&settled(landed)).unwrap();
        order.status()
    };
    assert_eq!((settled_as(true), settled_as(false)), (Status::Confirmed, Status::Failed));
    assert!(order(&submitted[..2]).apply(&settled(false)).is_err());
    // Nodes may leave open who occupies the marker of a transaction that counts as expired.
    let mut voided = order(&submitted);
    voided.apply(&Event::Observed { observation: Observation::Expired }).unwrap();
    voided.apply(&settled(true)).unwrap();
    assert_eq!(voided.status(), Status::Confirmed);
}

#[test]
fn an_order_is_cancelled_or_expires_only_while_no_transaction_may_land() {
    let steps = [
        Event::RoutingStarted { attempt: 1 },
        Event::RouteChosen { quote: quote(1000) },
        signed(),
        reverted(),
        Event::AttemptFailed { failure: failure(failure::Code::SlippageExceeded), retry_in_ms: 1 },
    ];
    for end in [Event::Cancelled, Event::Expired] {
        let possible: Vec<bool> =
            (0..=steps.len()).map(|taken| order(&steps[..taken]).apply(&end).is_ok()).collect();
        assert_eq!(possible, [true, true, true, false, false, true], "{end:?}");
        let mut ended = order(&steps);
        ended.apply(&end).unwrap();
        assert_eq!(ended.state().failure().unwrap().code, failure::Code::SlippageExceeded);
    }
}

#[test]
fn a_history_replays_to_the_same_order_and_gaps_are_found() {
    let recorded = |seq, event| Recorded { seq, attempt: 0, event, at: Timestamp::UNIX_EPOCH };
    let history = [
        recorded(1, Event::Accepted { account: account(), intent: intent(None) }),
        recorded(2, Event::RoutingStarted { attempt: 1 }),
        recorded(3, Event::RouteChosen { quote: quote(1000) }),
    ];
    let replayed = Order::replay(id(), &history).unwrap();
    assert_eq!(replayed, order(&[history[1].event.clone(), history[2].event.clone()]));
    assert_eq!(
        Order::replay(id(), [&history[0], &history[2]]),
        Err(InvalidHistory::Gap { expected: 2, found: 3 })
    );
    assert_eq!(Order::replay(id(), &history[1..]), Err(InvalidHistory::NotAccepted));
}

#[test]
fn a_landing_that_the_cluster_drops_ends_as_the_finalized_chain_has_it() {
    let ended = |back: Event| {
        let begun = Event::RoutingStarted { attempt: 1 };
        order(&[begun, Event::RouteChosen { quote: quote(1000) }, signed(), landed(1000), back])
    };
    let again = ended(rolled_back(landed(995)));
    assert!(
        matches!(again.state(), State::Confirmed { fill: Some(fill), .. } if fill.amount_out.get() == 995)
    );
    let reverted = ended(rolled_back(reverted()));
    assert_eq!((reverted.status(), reverted.next_step()), (Status::Failed, Step::End));
    let gone = ended(Event::RolledBack { observation: Observation::Expired });
    assert_eq!(gone.state().failure().map(|failure| failure.code), Some(failure::Code::TransactionExpired));
    assert!(gone.clone().apply(&Event::RolledBack { observation: Observation::Expired }).is_err());
}

#[test]
fn events_keep_their_json_form() {
    let json = |event: &Event| serde_json::to_string(event).unwrap();
    assert_eq!(json(&Event::RoutingStarted { attempt: 2 }), r#"{"kind":"routing_started","attempt":2}"#);
    assert_eq!(
        json(&Event::AttemptFailed { failure: failure(failure::Code::NoRoute), retry_in_ms: 1000 }),
        r#"{"kind":"attempt_failed","failure":{"code":"no_route","message":"because"},"retry_in_ms":1000}"#
    );
    assert_eq!(
        json(&landed(995)),
        r#"{"kind":"observed","observation":{"outcome":"landed","fill":{"amount_in":100000000000,"amount_out":995,"network_fee":5000,"slot":6}}}"#
    );
    let tipped = Fill { tip: Atoms::new(7), ..fill(995) };
    assert_eq!(
        json(&Event::Observed { observation: Observation::Landed { fill: Some(tipped) } }),
        r#"{"kind":"observed","observation":{"outcome":"landed","fill":{"amount_in":100000000000,"amount_out":995,"network_fee":5000,"tip":7,"slot":6}}}"#
    );
    assert_eq!(
        json(&Event::Observed { observation: Observation::Expired }),
        r#"{"kind":"observed","observation":{"outcome":"expired"}}"#
    );
    let accepted = json(&Event::Accepted { account: account(), intent: intent(Some(2000)) });
    assert!(
        accepted.starts_with(
            r#"{"kind":"accepted","account":"desk","intent":{"token_in":{"symbol":"SOL","mint":"So111"#
        ),
        "{accepted}"
    );
    assert!(
        accepted.contains(r#""amount_in":100000000000,"max_slippage":10000000,"anchor":{"quote_id""#),
        "{accepted}"
    );
    let Event::Accepted { account: owner, .. } =
        serde_json::from_str(&accepted.replace(r#""account":"desk","#, "")).unwrap()
    else {
        panic!()
    };
    assert_eq!(owner, AccountId::operator(), "orders of before there were accounts are the operator's");
    let old = r#"{"kind":"transaction_signed","transaction":{"signature":"#;
    let old =
        format!(r#"{old}"{}","bytes":"AQID","last_valid_block_height":150}}}}"#, Signature::new([1; 64]));
    let Event::TransactionSigned { transaction } = serde_json::from_str(&old).unwrap() else { panic!() };
    assert_eq!(transaction.blockhash_slot, None, "events of before there was one stay readable");
    assert_eq!(transaction.marker, None, "and those of before there were markers");
    assert_eq!(json(&settled(true)), r#"{"kind":"settled","landed":true,"evidence":"seen in an explorer"}"#);
    assert!(json(&signed()).contains(r#""marker":{"address":"#), "{}", json(&signed()));
    assert_eq!(
        json(&Event::RolledBack { observation: Observation::Expired }),
        r#"{"kind":"rolled_back","observation":{"outcome":"expired"}}"#
    );
    for event in [
        signed(),
        found(),
        reverted(),
        Event::RouteChosen { quote: quote(5) },
        Event::Accepted { account: account(), intent: intent(None) },
    ] {
        assert_eq!(serde_json::from_str::<Event>(&json(&event)).unwrap(), event);
    }
}

#[test]
fn an_intent_that_breaks_its_rules_cannot_be_read_either() {
    let json = serde_json::to_string(&intent(None)).unwrap().replace("100000000000", "0");
    assert!(serde_json::from_str::<Intent>(&json).unwrap_err().to_string().contains("greater than zero"));
}

proptest! {
    /// Whatever is tried, in whatever order: the events that were let happen obey the rules.
    #[test]
    fn no_sequence_of_events_breaks_the_rules(events in proptest::collection::vec(any_event(), 0..60)) {
        let mut order = Order::accepted(id(), account(), intent(None));
        let mut floor = None;
        for event in events {
            let before = order.clone();
            match order.apply(&event) {
                Err(_) => prop_assert_eq!(&order, &before, "a refused event changes nothing"),
                Ok(()) => {
                    let rolled_back = matches!(event, Event::RolledBack { .. });
                    prop_assert!(
                        !before.status().is_terminal()
                            || (before.status() == Status::Confirmed && rolled_back),
                        "nothing follows the end but that the chain takes a landing back"
                    );
                    prop_assert_eq!(order.seq(), before.seq() + 1);
                    prop_assert!(order.attempt() == before.attempt() || order.attempt() == before.attempt() + 1);
                    if let State::Submitted { .. } = before.state() {
                        let evidence = matches!(event, Event::Observed { .. } | Event::Settled { .. });
                        prop_assert!(evidence, "only the chain, or an operator's evidence, moves a submitted order");
                    }
                    prop_assert_eq!(order.status().is_terminal(), order.next_step() == Step::End);
                }
            }
            if floor.is_none() { floor = order.min_out(); }
            prop_assert_eq!(order.min_out(), floor, "the floor is fixed once");
        }
    }
}
