use crate::testing::*;
use crate::{Drift, Error, PoolRefusal};
use futures_util::future::join_all;
use order_core::quote::Exclusions;
use std::collections::BTreeSet;

const CPMM: Venue = Venue::RaydiumCpmm;
const DLMM: Venue = Venue::MeteoraDlmm;

/// The observation of an order on pools of these venues.
fn drift(order_id: order::Id, venues: &[Venue]) -> Drift {
    let pools = venues.iter().zip(1..).map(|(venue, n)| (*venue, PoolAddress::new([n; 32])));
    let expected = Some((Atoms::new(u64::MAX), Atoms::new(150)));
    Drift { order_id, pools: pools.collect(), expected, simulated: None, counts: true }
}

async fn avoided(journal: &Journal, id: order::Id) -> BTreeSet<Venue> {
    journal.trading.exclusions(id).await.unwrap().venues
}

async fn disabled(journal: &Journal) -> Vec<Venue> {
    journal.trading.stops().await.unwrap().venues.into_iter().map(|stopped| stopped.venue).collect()
}

#[tokio::test]
async fn a_venue_is_disabled_for_every_process_until_it_is_enabled() {
    let (database, journal) = journal().await;
    let other = database.journal().await;
    assert!(!journal.trading.enable_venue(CPMM).await.unwrap());
    assert!(journal.trading.disable_venue(CPMM, "it was upgraded").await.unwrap());
    journal.trading.halt("all of it").await.unwrap();
    let stops = other.trading.stops().await.unwrap();
    assert_eq!(stops.halt.unwrap().reason, "all of it");
    assert_eq!((stops.venues[0].venue, stops.venues[0].reason.as_str()), (CPMM, "it was upgraded"));
    // The first reason stands.
    assert!(!other.trading.disable_venue(CPMM, "again").await.unwrap());
    assert_eq!(journal.trading.stops().await.unwrap().venues, stops.venues);
    assert!(other.trading.enable_venue(CPMM).await.unwrap());
    assert_eq!(disabled(&journal).await, []);
    for reason in [String::new(), "x".repeat(1001)] {
        let refused = journal.trading.disable_venue(CPMM, &reason).await.unwrap_err();
        assert!(matches!(refused, Error::Refused { .. }), "{refused}");
    }
}

#[tokio::test]
async fn the_third_order_that_meets_drift_disables_the_venue_once() {
    let (database, journal) = journal().await;
    let [first, second, third, fourth] = [(); 4].map(|()| accepted(&journal));
    let (first, second, third, fourth) = (first.await, second.await, third.await, fourth.await);
    for (order_id, venues) in [(first, &[CPMM, DLMM][..]), (first, &[CPMM]), (second, &[CPMM])] {
        assert_eq!(journal.trading.observe_drift(&drift(order_id, venues)).await.unwrap(), []);
        assert_eq!(journal.trading.observe_drift(&drift(order_id, venues)).await.unwrap(), []);
    }
    assert_eq!(disabled(&journal).await, []);
    assert_eq!(avoided(&journal, first).await, BTreeSet::from([CPMM, DLMM]));
    assert_eq!(avoided(&journal, third).await, BTreeSet::new());
    assert_eq!(journal.trading.observe_drift(&drift(third, &[CPMM])).await.unwrap(), [CPMM]);
    assert_eq!(journal.trading.observe_drift(&drift(fourth, &[CPMM])).await.unwrap(), []);
    assert_eq!(disabled(&journal).await, [CPMM]);
    assert_eq!(avoided(&journal, accepted(&journal).await).await, BTreeSet::from([CPMM]));
    let kept = "SELECT count(*) FROM drift_observations WHERE expected_in = 18446744073709551615
        AND expected_out = 150 AND simulated_in IS NULL AND at IS NOT NULL";
    assert_eq!(number(&mut database.witness().await, kept).await, 5);
}

#[tokio::test]
async fn what_was_met_before_the_venue_was_enabled_or_long_ago_does_not_count() {
    let (database, journal) = journal().await;
    for expected in [&[][..], &[], &[CPMM]] {
        let id = accepted(&journal).await;
        assert_eq!(journal.trading.observe_drift(&drift(id, &[CPMM])).await.unwrap(), expected);
    }
    assert!(journal.trading.enable_venue(CPMM).await.unwrap());
    for _ in 0..2 {
        let id = accepted(&journal).await;
        assert_eq!(journal.trading.observe_drift(&drift(id, &[CPMM])).await.unwrap(), []);
    }
    let mut witness = database.witness().await;
    let passes = "UPDATE drift_observations SET at = at - interval '10 minutes';
        UPDATE venue_disablings SET at = at - interval '1 hour', enabled_at = enabled_at - interval '1 hour'";
    witness.execute(passes).await.unwrap();
    for expected in [&[][..], &[], &[CPMM]] {
        let id = accepted(&journal).await;
        assert_eq!(journal.trading.observe_drift(&drift(id, &[CPMM])).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn only_an_order_can_meet_drift() {
    let (_database, journal) = journal().await;
    let refused =
        journal.trading.observe_drift(&drift(order::Id(Uuid::now_v7()), &[CPMM])).await.unwrap_err();
    assert!(matches!(refused, Error::Refused { .. }), "{refused}");
}

/// None of them sees what the others have not committed: whoever comes last must count all.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn executors_that_meet_drift_at_once_disable_the_venue_once_together() {
    let (database, one) = journal().await;
    let other = database.journal().await;
    let ids = join_all((0..3).map(|_| accepted(&one))).await;
    let mut held = database.witness().await;
    let mut held = held.begin().await.unwrap();
    held.execute("LOCK TABLE drift_observations IN SHARE ROW EXCLUSIVE MODE").await.unwrap();
    let journals = [one.clone(), other, one.clone()];
    let observing = ids.into_iter().zip(journals).map(|(id, journal)| {
        tokio::spawn(async move { journal.trading.observe_drift(&drift(id, &[CPMM, DLMM])).await.unwrap() })
    });
    let observing: Vec<_> = observing.collect();
    let mut witness = database.witness().await;
    const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("all wait", async || number(&mut witness, WAITING).await == 3).await;
    held.rollback().await.unwrap();
    let mut made = Vec::new();
    for observed in observing {
        made.extend(observed.await.unwrap());
    }
    made.sort_unstable();
    assert_eq!(made, [CPMM, DLMM]);
    assert_eq!(disabled(&one).await, [DLMM, CPMM], "by name");
}

#[tokio::test]
async fn a_refused_order_leaves_the_venue_out_and_others_the_pool_when_it_keeps_refusing() {
    let (database, journal) = journal().await;
    let pool = (CPMM, PoolAddress::new([1; 32]));
    let refuse = async |order_id, counts| {
        let refusal = PoolRefusal { order_id, pools: vec![pool], counts };
        journal.trading.observe_refusal(&refusal).await.unwrap();
        journal.trading.observe_refusal(&refusal).await.unwrap();
    };
    let other = accepted(&journal).await;
    for n in 0..5 {
        let id = accepted(&journal).await;
        // Two of them on a pool that most orders trade on.
        refuse(id, n >= 2).await;
        assert_eq!(avoided(&journal, id).await, BTreeSet::from([CPMM]));
        let pools = if n < 4 { BTreeSet::new() } else { BTreeSet::from([pool.1]) };
        let others = Exclusions { venues: BTreeSet::new(), pools };
        assert_eq!(journal.trading.exclusions(other).await.unwrap(), others, "{n}");
    }
    assert_eq!(disabled(&journal).await, []);
    database
        .witness()
        .await
        .execute("UPDATE pool_refusals SET at = at - interval '2 minutes'")
        .await
        .unwrap();
    assert!(journal.trading.exclusions(other).await.unwrap().is_empty());
}

#[tokio::test]
async fn drift_on_a_pool_that_most_orders_trade_on_disables_nothing() {
    let (_database, journal) = journal().await;
    for _ in 0..5 {
        let id = accepted(&journal).await;
        let drift = Drift { counts: false, ..drift(id, &[CPMM]) };
        assert_eq!(journal.trading.observe_drift(&drift).await.unwrap(), []);
        assert_eq!(avoided(&journal, id).await, BTreeSet::from([CPMM]));
    }
    assert_eq!(disabled(&journal).await, []);
}
