use crate::Error;
use crate::testing::*;
use futures_util::future::join_all;

#[tokio::test]
async fn of_many_claimers_one_wins() {
    let (database, one) = journal().await;
    let other = database.journal().await;
    let id = accepted(&one).await;
    let claims =
        join_all((0..40).map(|number| if number % 2 == 0 { &one } else { &other }.orders.claim(id, LONG)))
            .await;
    let won: Vec<Claim> = claims.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(won.len(), 1);
    assert_eq!(won[0].traceparent(), Some(TRACEPARENT));
    assert_eq!(won[0].order().seq(), 1);
}

#[tokio::test]
async fn what_is_not_there_not_due_or_over_cannot_be_claimed() {
    let (_database, journal) = journal().await;
    assert!(journal.orders.claim(order::Id(Uuid::now_v7()), LONG).await.unwrap().is_none());
    let mut claim = claimed(&journal).await;
    let id = claim.order().id();
    assert!(journal.orders.claim(id, LONG).await.unwrap().is_none());
    append_all(&journal, &mut claim, [routing(1), retry(60_000)]).await;
    assert!(journal.orders.claim(id, LONG).await.unwrap().is_none());
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), failed()]).await;
    assert!(journal.orders.claim(claim.order().id(), LONG).await.unwrap().is_none());
}

#[tokio::test]
async fn a_retry_is_claimed_once_it_is_due() {
    let (_database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), retry(100)]).await;
    let id = claim.order().id();
    assert!(journal.orders.claim(id, LONG).await.unwrap().is_none());
    until("the retry is due", async || journal.orders.claim(id, LONG).await.unwrap().is_some()).await;
}

#[tokio::test]
async fn an_expired_lease_is_taken_over_with_everything_recorded() {
    let (_database, journal) = journal().await;
    let id = accepted(&journal).await;
    let mut dead = journal.orders.claim(id, Duration::ZERO).await.unwrap().unwrap();
    append_all(&journal, &mut dead, [routing(1), route(), signed()]).await;
    let mut claim = journal.orders.claim(id, LONG).await.unwrap().unwrap();
    assert_eq!(claim.order(), dead.order());
    assert!(matches!(append(&journal, &mut dead, landed()).await, Err(Unrecorded::Fenced)));
    append_all(&journal, &mut claim, [landed()]).await;
}

#[tokio::test]
async fn a_lease_is_renewed_until_somebody_else_has_claimed() {
    let (_database, journal) = journal().await;
    let id = accepted(&journal).await;
    let first = journal.orders.claim(id, Duration::ZERO).await.unwrap().unwrap();
    let unknown = order::Id(Uuid::now_v7());
    let held = [(id, first.fence()), (unknown, first.fence())];
    assert_eq!(journal.orders.renew(&held, LONG).await.unwrap(), [id]);
    assert!(journal.orders.claim(id, LONG).await.unwrap().is_none());
    assert_eq!(journal.orders.renew(&held, Duration::ZERO).await.unwrap(), [id]);
    let second = journal.orders.claim(id, LONG).await.unwrap().unwrap();
    assert_eq!(journal.orders.renew(&held, LONG).await.unwrap(), []);
    assert_eq!(journal.orders.renew(&[(id, second.fence())], LONG).await.unwrap(), [id]);
    assert_eq!(journal.orders.renew(&[], LONG).await.unwrap(), []);
}

#[tokio::test]
async fn a_released_order_is_free_at_once_and_a_stale_release_does_nothing() {
    let (_database, journal) = journal().await;
    let first = claimed(&journal).await;
    let id = first.order().id();
    let mut stale = copy(&first);
    journal.orders.release(first).await.unwrap();
    assert!(matches!(append(&journal, &mut stale, routing(1)).await, Err(Unrecorded::Fenced)));
    let mut second = journal.orders.claim(id, LONG).await.unwrap().unwrap();
    journal.orders.release(stale).await.unwrap();
    assert!(journal.orders.claim(id, LONG).await.unwrap().is_none());
    append_all(&journal, &mut second, [routing(1)]).await;
}

#[tokio::test]
async fn events_of_a_later_version_are_left_alone() {
    let (database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1)]).await;
    let id = claim.order().id();
    journal.orders.release(claim).await.unwrap();
    sqlx::query(
        "INSERT INTO order_events (order_id, seq, attempt, fence, body, at)
         VALUES ($1, 3, 1, 9, '{\"kind\": \"of a later version\"}', now())",
    )
    .bind(id.0)
    .execute(&mut database.witness().await)
    .await
    .unwrap();
    let error = journal.orders.claim(id, Duration::ZERO).await.unwrap_err();
    assert!(matches!(&error, Error::Corrupt { id: corrupt, .. } if *corrupt == id), "{error}");
    assert!(error.to_string().contains("of a later version"), "{error}");
}
