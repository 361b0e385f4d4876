use crate::testing::*;
use crate::{Ended, QueueStats};
use order_core::Dex;
use order_core::order::Status;

#[tokio::test]
async fn the_queue_counts_each_order_once() {
    let (_database, journal) = journal().await;
    assert_eq!(journal.reports.queue_stats().await.unwrap(), QueueStats::default());
    accepted(&journal).await;
    // A lost owner: nobody works on it, and nothing may have been sent.
    journal.orders.claim(accepted(&journal).await, Duration::ZERO).await.unwrap().unwrap();
    let _active = claimed(&journal).await;
    let mut orphaned = claimed(&journal).await;
    append_all(&journal, &mut orphaned, [routing(1), route(), signed()]).await;
    journal.orders.release(orphaned).await.unwrap();
    let mut delayed = claimed(&journal).await;
    append_all(&journal, &mut delayed, [routing(1), retry(3_600_000)]).await;
    let mut due = claimed(&journal).await;
    append_all(&journal, &mut due, [routing(1), retry(0)]).await;
    let mut completed = claimed(&journal).await;
    append_all(&journal, &mut completed, [routing(1), route(), signed(), landed()]).await;
    for _ in 0..2 {
        let mut claim = claimed(&journal).await;
        append_all(&journal, &mut claim, [routing(1), failed()]).await;
    }
    let stats = journal.reports.queue_stats().await.unwrap();
    let expected = QueueStats {
        waiting: 3,
        active: 2,
        completed: 1,
        failed: 2,
        delayed: 1,
        oldest_waiting_seconds: stats.oldest_waiting_seconds,
    };
    assert_eq!(stats, expected);
    assert_eq!(journal.reports.backlog().await.unwrap(), stats.waiting + stats.active + stats.delayed);
}

#[tokio::test]
async fn the_age_of_the_oldest_waiting_order_is_the_databases() {
    let (database, journal) = journal().await;
    accepted(&journal).await;
    let mut witness = database.witness().await;
    witness.execute("UPDATE orders SET created_at = now() - interval '90.5 seconds'").await.unwrap();
    assert_eq!(journal.reports.queue_stats().await.unwrap().oldest_waiting_seconds, 90);
}

#[tokio::test]
async fn what_ended_is_told_latest_first() {
    let (_database, journal) = journal().await;
    accepted(&journal).await;
    let mut unrouted = claimed(&journal).await;
    append_all(&journal, &mut unrouted, [routing(1), failed()]).await;
    let mut confirmed = claimed(&journal).await;
    append_all(&journal, &mut confirmed, [routing(1), route(), signed()]).await;
    let at = append(&journal, &mut confirmed, landed()).await.unwrap().at;
    let ended = journal.reports.ended(&account("tester"), 10).await.unwrap();
    assert_eq!(ended.len(), 2);
    let out = Some(Atoms::new(u64::MAX - 1));
    let expected = Ended {
        status: Status::Confirmed,
        dex: Some(Dex::Raydium),
        token_in: token("SOL"),
        amount_in: Atoms::new(u64::MAX),
        quoted_out: out,
        executed_out: out,
        at,
    };
    assert_eq!(ended[0], expected);
    assert_eq!((ended[1].status, ended[1].dex, ended[1].quoted_out), (Status::Failed, None, None));
    assert_eq!(journal.reports.ended(&account("tester"), 1).await.unwrap(), [expected]);
}

#[tokio::test]
async fn open_orders_are_counted_by_their_status_with_the_age_of_the_oldest() {
    let (_database, journal) = journal().await;
    assert_eq!(journal.reports.open_orders().await.unwrap(), []);
    let before = journal.reports.clock().await.unwrap();
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1)]).await;
    accepted(&journal).await;
    accepted(&journal).await;
    let mut open = journal.reports.open_orders().await.unwrap();
    open.sort_by_key(|open| open.count);
    let counts: Vec<_> = open.iter().map(|open| (open.status.name(), open.count)).collect();
    assert_eq!(counts, [("routing", 1), ("pending", 2)]);
    let most = journal.reports.clock().await.unwrap().signed_duration_since(before).to_std().unwrap();
    assert!(open.iter().all(|open| open.oldest <= most), "{open:?} within {most:?}");
}
