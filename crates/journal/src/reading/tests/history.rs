use crate::testing::*;

#[tokio::test]
async fn a_history_begins_after_the_number_asked_for() {
    let (_database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route()]).await;
    let id = claim.order().id();
    let numbers = async |after| -> Option<Vec<u64>> {
        let history = journal.history.read(id, after).await.unwrap();
        history.map(|history| history.iter().map(|recorded| recorded.seq).collect())
    };
    assert_eq!(numbers(0).await, Some(vec![1, 2, 3]));
    assert_eq!(numbers(2).await, Some(vec![3]));
    assert_eq!(numbers(3).await, Some(vec![]));
    assert_eq!(numbers(u64::MAX).await, Some(vec![]));
    assert_eq!(journal.history.read(order::Id(Uuid::now_v7()), 0).await.unwrap(), None);
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
        let history = journal.history.read(id, after).await.unwrap();
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
    let histories = journal.history.read_many(&[(long, 1), (short, 1), (unknown, 0)]).await.unwrap();
    assert_eq!(histories.len(), 1);
    assert_eq!(histories[&long], journal.history.read(long, 1).await.unwrap().unwrap());
    assert_eq!(journal.history.read_many(&[]).await.unwrap().len(), 0);
}

#[tokio::test]
async fn the_standing_of_an_open_order_says_who_may_go_on_with_it() {
    let (_database, journal) = journal().await;
    let standing = async |id| journal.history.standing(id).await.unwrap();
    assert_eq!(standing(order::Id(Uuid::now_v7())).await, None, "there is no such order");
    let waiting = standing(accepted(&journal).await).await.unwrap();
    assert_eq!(
        (waiting.leased_until, waiting.due_at, waiting.cancelled, waiting.parked),
        (None, None, false, false)
    );
    let mut claim = claimed(&journal).await;
    let id = claim.order().id();
    let held = standing(id).await.unwrap();
    assert!(held.leased_until.unwrap() > held.now);
    append_all(&journal, &mut claim, [routing(1), failed()]).await;
    assert_eq!(standing(id).await, None, "it has ended");
}
