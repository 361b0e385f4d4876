use super::*;
use crate::{Ended, Error, Filter, QueueStats};
use order_core::Dex;
use order_core::order::Status;

#[tokio::test]
async fn a_history_begins_after_the_number_asked_for() {
    let (_database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route()]).await;
    let id = claim.order().id();
    let numbers = async |after| -> Option<Vec<u64>> {
        let history = journal.history(id, after).await.unwrap();
        history.map(|history| history.iter().map(|recorded| recorded.seq).collect())
    };
    assert_eq!(numbers(0).await, Some(vec![1, 2, 3]));
    assert_eq!(numbers(2).await, Some(vec![3]));
    assert_eq!(numbers(3).await, Some(vec![]));
    assert_eq!(numbers(u64::MAX).await, Some(vec![]));
    assert_eq!(journal.history(order::Id(Uuid::now_v7()), 0).await.unwrap(), None);
}

/// Grouped or not, each reader gets its own order from its own number on.
#[tokio::test]
async fn many_readers_at_once_share_a_connection() {
    let database = Database::migrated().await;
    let journal = Journal::connect(&database.url, 2).await.unwrap();
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), failed()]).await;
    let (long, short, unknown) = (claim.order().id(), accepted(&journal).await, order::Id(Uuid::now_v7()));
    let asked = [(long, 0, Some(vec![1, 2, 3])), (long, 2, Some(vec![3])), (short, 0, Some(vec![1]))];
    let asked = asked.into_iter().chain([(short, 1, Some(vec![])), (unknown, 0, None)]);
    let reads = asked.cycle().take(2_000).map(async |(id, after, expected)| {
        let history = journal.history(id, after).await.unwrap();
        let seqs = history.map(|history| history.iter().map(|recorded| recorded.seq).collect::<Vec<_>>());
        assert_eq!(seqs, expected);
    });
    futures_util::future::join_all(reads).await;
}

#[tokio::test]
async fn many_histories_come_each_after_its_own_number() {
    let (_database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route()]).await;
    let (long, short, unknown) = (claim.order().id(), accepted(&journal).await, order::Id(Uuid::now_v7()));
    let histories = journal.histories(&[(long, 1), (short, 1), (unknown, 0)]).await.unwrap();
    assert_eq!(histories.len(), 1);
    assert_eq!(histories[&long], journal.history(long, 1).await.unwrap().unwrap());
    assert_eq!(journal.histories(&[]).await.unwrap().len(), 0);
}

async fn listed(journal: &Journal, filter: Filter) -> Vec<order::Id> {
    journal.list(&filter, None, 100).await.unwrap().into_iter().map(|listed| listed.id).collect()
}

#[tokio::test]
async fn a_list_is_newest_first_page_by_page_with_whole_histories() {
    let (_database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route()]).await;
    let mut ids = vec![claim.order().id()];
    for _ in 0..4 {
        ids.push(accepted(&journal).await);
    }
    ids.sort();
    ids.reverse();
    let first = journal.list(&Filter::default(), None, 2).await.unwrap();
    assert_eq!(first.iter().map(|listed| listed.id).collect::<Vec<_>>(), ids[..2]);
    let rest = journal.list(&Filter::default(), Some(ids[1]), 100).await.unwrap();
    assert_eq!(rest.iter().map(|listed| listed.id).collect::<Vec<_>>(), ids[2..]);
    let id = claim.order().id();
    let history = journal.history(id, 0).await.unwrap().unwrap();
    assert!(rest.iter().any(|listed| listed.id == id && listed.history.as_ref().unwrap() == &history));
}

#[tokio::test]
async fn a_list_is_restricted_by_each_filter() {
    let (_database, journal) = journal().await;
    let other_pair = Acceptance { intent: intent_of(token("USDT"), token("BONK"), 5), ..acceptance() };
    let usdt = other_pair.id;
    journal.accept(other_pair).await.unwrap();
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route()]).await;
    let sol = claim.order().id();
    let created_at = claim.created_at();
    let filter = Filter::default();
    assert_eq!(listed(&journal, filter.clone()).await, [sol, usdt]);
    for (filter, expected) in [
        (Filter { status: Some(Status::Building), ..filter.clone() }, sol),
        (Filter { status: Some(Status::Pending), ..filter.clone() }, usdt),
        (Filter { dex: Some(Dex::Raydium), ..filter.clone() }, sol),
        (Filter { token_in: Some(token("SOL").mint), ..filter.clone() }, sol),
        (Filter { token_out: Some(token("BONK").mint), ..filter.clone() }, usdt),
        (Filter { from: Some(created_at), ..filter.clone() }, sol),
        (Filter { to: Some(created_at), ..filter.clone() }, usdt),
    ] {
        assert_eq!(listed(&journal, filter.clone()).await, [expected], "{filter:?}");
    }
    assert_eq!(listed(&journal, Filter { dex: Some(Dex::Meteora), ..filter }).await, []);
}

#[tokio::test]
async fn the_queue_counts_each_order_once() {
    let (_database, journal) = journal().await;
    assert_eq!(journal.queue_stats().await.unwrap(), QueueStats::default());
    accepted(&journal).await;
    // A lost owner: nobody works on it, and nothing may have been sent.
    journal.claim(accepted(&journal).await, Duration::ZERO).await.unwrap().unwrap();
    let _active = claimed(&journal).await;
    let mut orphaned = claimed(&journal).await;
    append_all(&journal, &mut orphaned, [routing(1), route(), signed()]).await;
    journal.release(orphaned).await.unwrap();
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
    let stats = journal.queue_stats().await.unwrap();
    let expected = QueueStats {
        waiting: 3,
        active: 2,
        completed: 1,
        failed: 2,
        delayed: 1,
        oldest_waiting_seconds: stats.oldest_waiting_seconds,
    };
    assert_eq!(stats, expected);
    assert_eq!(journal.backlog().await.unwrap(), stats.waiting + stats.active + stats.delayed);
}

#[tokio::test]
async fn an_event_of_a_later_version_hides_no_other_order() {
    let (database, journal) = journal().await;
    let (before, strange, after) =
        (accepted(&journal).await, accepted(&journal).await, accepted(&journal).await);
    sqlx::query(
        "INSERT INTO order_events (order_id, seq, attempt, fence, body, at)
         VALUES ($1, 2, 1, 9, '{\"kind\": \"of a later version\"}', now()), ($1, 3, 1, 9, '{\"kind\": \"failed\"}', now())",
    )
    .bind(strange.0)
    .execute(&mut database.witness().await)
    .await
    .unwrap();
    let listed = journal.list(&Filter::default(), None, 3).await.unwrap();
    let readable: Vec<_> = listed.iter().map(|listed| (listed.id, listed.history.is_ok())).collect();
    assert_eq!(readable, [(after, true), (strange, false), (before, true)]);
    assert!(matches!(&listed[1].history, Err(Error::Corrupt { id, .. }) if *id == strange));
    let histories = journal.histories(&[(before, 0), (strange, 1), (after, 0)]).await.unwrap();
    assert_eq!((histories[&before].len(), histories.get(&strange), histories[&after].len()), (1, None, 1));
}

#[tokio::test]
async fn the_age_of_the_oldest_waiting_order_is_the_databases() {
    let (database, journal) = journal().await;
    accepted(&journal).await;
    let mut witness = database.witness().await;
    witness.execute("UPDATE orders SET created_at = now() - interval '90.5 seconds'").await.unwrap();
    assert_eq!(journal.queue_stats().await.unwrap().oldest_waiting_seconds, 90);
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
    let ended = journal.ended(10).await.unwrap();
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
    assert_eq!(journal.ended(1).await.unwrap(), [expected]);
}

#[tokio::test]
async fn the_latest_route_counts_for_lists_and_statistics() {
    let (_database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    let id = claim.order().id();
    append_all(&journal, &mut claim, [routing(1), route(), retry(0)]).await;
    let mut claim = journal.claim(id, LONG).await.unwrap().unwrap();
    assert_eq!(listed(&journal, Filter { dex: Some(Dex::Raydium), ..Filter::default() }).await, [id]);
    let route = quote(Venue::MeteoraDammV2, Atoms::new(u64::MAX), u64::MAX);
    let route = Event::RouteChosen { quote: route };
    append_all(&journal, &mut claim, [routing(2), route, failed()]).await;
    let ended = journal.ended(10).await.unwrap();
    assert_eq!((ended[0].dex, ended[0].quoted_out), (Some(Dex::Meteora), Some(Atoms::new(u64::MAX))));
}
