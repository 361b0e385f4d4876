//! An append says whether the claim holds after it. The database, asked by the same claim, must agree.

use crate::testing::*;
use order_core::order::State;

/// The event that shows a kind of event, or an outcome of one, in this table.
struct Case {
    name: &'static str,
    /// The events before it, on the same claim.
    before: Vec<Event>,
    event: Event,
    /// An event that may follow it in the order's new state; None if none may.
    next: Option<Event>,
}

fn case(name: &'static str, before: &[Event], event: Event, next: Option<Event>) -> Case {
    Case { name, before: before.to_vec(), event, next }
}

fn observed(observation: Observation) -> Event {
    Event::Observed { observation }
}

/// Each kind of event that a claim can append, with each outcome that ends the claim or does not.
fn cases() -> Vec<Case> {
    let building = [routing(1), route()];
    // Each call signs a transaction of its own.
    let submitted = || [routing(1), route(), signed()];
    let Event::TransactionSigned { transaction } = signed() else { unreachable!() };
    let settled = |landed| Event::Settled { landed, evidence: "two explorers".to_owned() };
    let reverted = Observation::Reverted { failure: no_route(), network_fee: Atoms::new(5000), slot: 6 };
    vec![
        case("routing_started", &[], routing(1), Some(route())),
        case("route_chosen", &building[..1], route(), Some(signed())),
        case("transaction_signed", &building, signed(), Some(landed())),
        case("transaction_found", &building, Event::TransactionFound { transaction }, Some(landed())),
        case("observed: landed", &submitted(), landed(), None),
        case(
            "observed: landed, amounts unknown",
            &submitted(),
            observed(Observation::Landed { fill: None }),
            None,
        ),
        case("observed: reverted", &submitted(), observed(reverted), Some(retry(0))),
        case("observed: expired", &submitted(), observed(Observation::Expired), Some(retry(0))),
        case("settled: landed", &submitted(), settled(true), None),
        case("settled: not landed", &submitted(), settled(false), None),
        case("attempt_failed: routing", &building[..1], retry(0), Some(routing(2))),
        case("attempt_failed: building", &building, retry(60_000), Some(routing(2))),
        case("failed", &building, failed(), None),
        case("cancelled", &[], Event::Cancelled, None),
        case("cancelled: building", &building, Event::Cancelled, None),
        case("expired", &building[..1], Event::Expired, None),
    ]
}

/// The kinds of the cases above and those that no claim appends.
#[test]
fn every_kind_of_event_has_its_case() {
    let shown = |kind: &str| cases().iter().any(|case| case.event.kind() == kind);
    for event in &cases() {
        // A new kind of event fails to compile here: give it a case, or say why no claim appends it.
        let has_case = match event.event {
            Event::RoutingStarted { .. }
            | Event::RouteChosen { .. }
            | Event::TransactionSigned { .. }
            | Event::TransactionFound { .. }
            | Event::Observed { .. }
            | Event::Settled { .. }
            | Event::AttemptFailed { .. }
            | Event::Failed { .. }
            | Event::Cancelled
            | Event::Expired => true,
            // The first event comes with the order, and a correction after its end: neither has a claim.
            Event::Accepted { .. } | Event::RolledBack { .. } => false,
        };
        assert!(has_case, "{}", event.name);
    }
    let kinds = [
        "routing_started",
        "route_chosen",
        "transaction_signed",
        "transaction_found",
        "observed",
        "settled",
        "attempt_failed",
        "failed",
        "cancelled",
        "expired",
    ];
    assert_eq!(kinds.into_iter().find(|kind| !shown(kind)), None);
}

#[tokio::test]
async fn an_append_and_the_database_agree_on_whether_the_claim_holds() {
    let (_database, journal) = journal().await;
    for Case { name, before, event, next } in cases() {
        let mut claim = claimed(&journal).await;
        let id = claim.order().id();
        append_all(&journal, &mut claim, before).await;
        let (mut after, held) = match journal.orders.append(copy(&claim), event).await.unwrap() {
            Appended::Held { claim, .. } => (claim, true),
            Appended::Ended { order, created_at, .. } => {
                assert_eq!(created_at, claim.created_at(), "{name}");
                (Claim { order, ..claim }, false)
            }
        };
        let renewed = journal.orders.renew(&[(id, after.fence())], LONG).await.unwrap();
        assert_eq!(!renewed.is_empty(), held, "{name}: the lease is renewed");
        let over = after.order().status().is_terminal();
        assert_eq!(next.is_none(), over, "{name}: an order that has ended takes no event");
        if let Some(next) = next {
            let recorded = append(&journal, &mut after, next).await;
            assert_eq!(recorded.is_ok(), held, "{name}: another event is recorded: {recorded:?}");
            assert!(held || matches!(recorded, Err(Unrecorded::Fenced)), "{name}: {recorded:?}");
        }
        let waits = matches!(after.order().state(), State::Pending { retry: Some(_) });
        assert!(held || over || waits, "{name}: the claim ended, and the order goes on without one");
    }
}

#[tokio::test]
async fn what_no_claim_appends_leaves_the_claim_as_it_was() {
    let (_database, journal) = journal().await;
    let accepted = Event::Accepted { account: account("tester"), intent: intent() };
    let rolled_back = Event::RolledBack { observation: Observation::Expired };
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route(), signed()]).await;
    for event in [accepted, rolled_back] {
        let kind = event.kind();
        match journal.orders.append(claim, event).await {
            Err(Unrecorded::Illegal { claim: held, .. }) => claim = *held,
            other => panic!("{kind}: {other:?}"),
        }
        assert_eq!(
            journal.orders.renew(&[(claim.order().id(), claim.fence())], LONG).await.unwrap().len(),
            1
        );
    }
    append_all(&journal, &mut claim, [landed()]).await;
}

/// The claim that comes back with a refused signature is good for a release, and for an event that is none.
#[tokio::test]
async fn a_claim_that_was_stopped_still_holds() {
    let (_database, journal) = journal().await;
    let (mut fails, mut released) = (claimed(&journal).await, claimed(&journal).await);
    for claim in [&mut fails, &mut released] {
        append_all(&journal, claim, [routing(1), route()]).await;
    }
    journal.trading.halt("the market is on fire").await.unwrap();
    let mut stopped = Vec::new();
    for claim in [fails, released] {
        match journal.orders.append(claim, signed()).await {
            Err(Unrecorded::Stopped { claim }) => stopped.push(*claim),
            other => panic!("{other:?}"),
        }
    }
    let [mut fails, released] = <[Claim; 2]>::try_from(stopped).unwrap();
    append_all(&journal, &mut fails, [failed()]).await;
    let id = released.order().id();
    journal.orders.release(released).await.unwrap();
    assert!(journal.orders.claim(id, LONG).await.unwrap().is_some());
}
