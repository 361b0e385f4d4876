//! An order moves when it ends. Whoever waited for its row finds that it has ended, and writes nothing.

use crate::testing::*;
use crate::{Cancellation, Error, SettleError, Spending};
use order_core::UsdMicros;
use order_core::order::Status;

/// Ends an order, as an executor does, in a transaction that is still open.
const END: &str = "
UPDATE ONLY orders SET status = 'failed', seq = seq + 1, ended_at = now(), lease_until = NULL WHERE ended_at IS NULL";

/// Outcome of a call that waited until the order had ended.
async fn waits_for_the_end<T: Send + 'static>(
    database: &Database,
    call: impl Future<Output = T> + Send + 'static,
) -> T {
    let (mut ending, mut witness) = (database.witness().await, database.witness().await);
    ending.execute("BEGIN").await.unwrap();
    ending.execute(END).await.unwrap();
    let call = tokio::spawn(call);
    until_waiting(&mut witness).await;
    ending.execute("COMMIT").await.unwrap();
    let outcome = call.await.unwrap();
    assert_eq!(number(&mut witness, "SELECT count(*) FROM ONLY orders").await, 0);
    assert_eq!(number(&mut witness, "SELECT count(*) FROM ended_orders WHERE status = 'failed'").await, 1);
    outcome
}

async fn rows(database: &Database, sql: &'static str) -> i64 {
    number(&mut database.witness().await, sql).await
}

#[tokio::test]
async fn a_signature_that_waited_for_the_end_is_not_recorded() {
    let (database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route()]).await;
    let late =
        waits_for_the_end(&database, Box::pin(async move { append(&journal, &mut claim, signed()).await }))
            .await;
    assert!(matches!(late, Err(Unrecorded::Fenced)), "{late:?}");
    assert_eq!(rows(&database, "SELECT count(*) FROM transactions").await, 0);
    assert_eq!(rows(&database, "SELECT count(*) FROM order_events").await, 3);
}

#[tokio::test]
async fn a_landing_that_waited_for_the_end_is_not_recorded() {
    let (database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route(), signed()]).await;
    let late =
        waits_for_the_end(&database, Box::pin(async move { append(&journal, &mut claim, landed()).await }))
            .await;
    assert!(matches!(late, Err(Unrecorded::Fenced)), "{late:?}");
    assert_eq!(rows(&database, "SELECT count(*) FROM transactions WHERE state = 'open'").await, 1);
    assert_eq!(rows(&database, "SELECT count(*) FROM order_events").await, 4);
}

#[tokio::test]
async fn a_cancel_that_waited_for_the_end_comes_too_late() {
    let (database, journal) = journal().await;
    let id = accepted(&journal).await;
    let late =
        waits_for_the_end(&database, async move { journal.orders.cancel(&account("tester"), id).await })
            .await;
    assert_eq!(late.unwrap(), Some(Cancellation::TooLate(Status::Failed)));
    assert_eq!(rows(&database, "SELECT count(*) FROM order_events").await, 1);
}

#[tokio::test]
async fn a_settlement_that_waited_for_the_end_settles_nothing() {
    let (database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route(), signed()]).await;
    let id = claim.order().id();
    let late =
        waits_for_the_end(&database, async move { journal.orders.settle(id, true, "two explorers").await })
            .await;
    assert!(matches!(late, Err(SettleError::NotSubmitted)), "{late:?}");
    assert_eq!(rows(&database, "SELECT count(*) FROM order_events").await, 4);
}

#[tokio::test]
async fn a_lease_that_waited_for_the_end_is_not_renewed() {
    let (database, journal) = journal().await;
    let claim = claimed(&journal).await;
    let renewing = async move { journal.orders.renew(&[(claim.order().id(), claim.fence())], LONG).await };
    assert_eq!(waits_for_the_end(&database, renewing).await.unwrap(), []);
}

#[tokio::test]
async fn an_order_that_is_ending_is_neither_claimed_nor_ended_again() {
    let (database, journal) = journal().await;
    let id = accepted(&journal).await;
    let (mut ending, mut witness) = (database.witness().await, database.witness().await);
    witness.execute("UPDATE orders SET expires_at = now()").await.unwrap();
    ending.execute("BEGIN").await.unwrap();
    ending.execute(END).await.unwrap();
    assert!(journal.orders.claim(id, LONG).await.unwrap().is_none());
    assert_eq!(journal.orders.end_expired(10).await.unwrap(), []);
    ending.execute("COMMIT").await.unwrap();
    assert!(journal.orders.claim(id, LONG).await.unwrap().is_none());
    assert_eq!(journal.orders.end_expired(10).await.unwrap(), []);
}

/// After an order has moved, its rules are as they were.
#[tokio::test]
async fn an_order_that_has_moved_takes_nothing_more() {
    let (database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    let id = claim.order().id();
    append_all(&journal, &mut claim, [routing(1), route()]).await;
    let mut late = copy(&claim);
    append_all(&journal, &mut claim, [signed(), landed()]).await;
    assert!(matches!(append(&journal, &mut late, signed()).await, Err(Unrecorded::Fenced)));
    assert!(matches!(append(&journal, &mut late, failed()).await, Err(Unrecorded::Fenced)));
    assert!(journal.orders.claim(id, LONG).await.unwrap().is_none());
    assert_eq!(
        journal.orders.cancel(&account("tester"), id).await.unwrap(),
        Some(Cancellation::TooLate(Status::Confirmed))
    );
    assert!(matches!(journal.orders.settle(id, false, "none").await, Err(SettleError::NotSubmitted)));
    let same_id = journal.orders.accept(Acceptance { id, ..acceptance() }).await.unwrap();
    assert_eq!(same_id, crate::Accepted::New, "the very acceptance, made again");
    assert_eq!(rows(&database, "SELECT count(*) FROM orders").await, 1);
    assert_eq!(rows(&database, "SELECT count(*) FROM order_events").await, 5);
    assert_eq!(rows(&database, "SELECT count(*) FROM transactions").await, 1);
    // What is counted for it, and what it met, may be recorded late; of an unknown order, never.
    let (value, limit) = (UsdMicros::new(1), UsdMicros::new(10));
    assert_eq!(
        journal.trading.spend(id, &account("tester"), value, Some(limit)).await.unwrap(),
        Spending::Counted
    );
    let unknown =
        journal.trading.spend(order::Id(Uuid::now_v7()), &account("tester"), value, Some(limit)).await;
    assert!(matches!(unknown, Err(Error::Refused { .. })), "{unknown:?}");
}

/// As a landing that the cluster drops.
#[tokio::test]
async fn an_end_that_is_corrected_stays_in_its_month_and_is_counted_anew() {
    let (database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route(), signed(), landed()]).await;
    let counted = async || {
        let stats = journal.reports.queue_stats().await.unwrap();
        (stats.completed, stats.failed)
    };
    assert_eq!(counted().await, (1, 0));
    let mut witness = database.witness().await;
    assert!(journal.landings.roll_back(claim.order().id(), Observation::Expired).await.unwrap().is_some());
    assert_eq!(counted().await, (0, 1));
    assert_eq!(number(&mut witness, "SELECT count(*) FROM orders").await, 1);
    assert_eq!(
        number(&mut witness, "SELECT count(*) FROM month_before.ended_orders WHERE status = 'failed'").await,
        1
    );
    until("both are counted", async || {
        journal.upkeep.tend().await.unwrap();
        number(&mut witness, "SELECT count(*) FROM ended_uncounted").await == 0
    })
    .await;
    assert_eq!(counted().await, (0, 1));
}

/// Whatever the rows of many orders do at once, each is in one place.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn orders_that_end_all_at_once_are_each_in_one_place() {
    const ORDERS: usize = 60;
    let (database, journal) = journal().await;
    let work = (0..ORDERS).map(|number| {
        let journal = journal.clone();
        tokio::spawn(async move {
            let mut claim = claimed(&journal).await;
            let id = claim.order().id();
            let cancelling = tokio::spawn({
                let journal = journal.clone();
                async move {
                    tokio::time::sleep(Duration::from_millis(u64::try_from(number).unwrap() / 2)).await;
                    journal.orders.cancel(&account("tester"), id).await.unwrap()
                }
            });
            for event in [routing(1), route(), signed(), landed()] {
                match append(&journal, &mut claim, event).await {
                    Ok(_) => {}
                    Err(Unrecorded::Fenced) => break,
                    Err(error) => panic!("{error}"),
                }
            }
            cancelling.await.unwrap().unwrap();
        })
    });
    futures_util::future::join_all(work).await.into_iter().for_each(Result::unwrap);
    assert_eq!(rows(&database, "SELECT count(*) FROM orders").await, 60);
    assert_eq!(rows(&database, "SELECT count(*) FROM ended_orders").await, 60);
    let wrong = "SELECT count(*) FROM ended_orders WHERE seq <> (SELECT max(seq) FROM order_events WHERE order_id = id)
        OR seq <> (SELECT count(*) FROM order_events WHERE order_id = id)
        OR (status = 'confirmed') <> EXISTS (SELECT FROM transactions WHERE order_id = id)";
    assert_eq!(rows(&database, wrong).await, 0);
    let stats = journal.reports.queue_stats().await.unwrap();
    assert_eq!(stats.completed + stats.failed, 60);
}
