use crate::Error;
use crate::testing::*;
use futures_util::future::join_all;
use order_core::Order;
use order_core::order::{Recorded, Status};

#[tokio::test]
async fn an_order_goes_all_the_way() {
    let (database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    let id = claim.order().id();
    let mut told: Vec<Recorded> = journal.history.read(id, 0).await.unwrap().unwrap();
    for event in [routing(1), route(), signed(), landed()] {
        told.push(append(&journal, &mut claim, event).await.unwrap());
    }
    assert_eq!(told.iter().map(|recorded| recorded.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(journal.history.read(id, 0).await.unwrap().unwrap(), told);
    assert_eq!(&Order::replay(id, &told).unwrap(), claim.order());
    assert_eq!(claim.order().status(), Status::Confirmed);
    let row: (String, i64, i64, String, String, bool, bool) = sqlx::query_as(
        "SELECT status, seq, attempt, quoted_out::text, executed_out::text, lease_until IS NULL,
           ended_at = updated_at FROM orders",
    )
    .fetch_one(&mut database.witness().await)
    .await
    .unwrap();
    let out = (u64::MAX - 1).to_string();
    assert_eq!(row, ("confirmed".to_owned(), 5, 1, out.clone(), out, true, true));
}

#[tokio::test]
async fn a_transaction_is_recorded_with_its_event_and_closed_with_the_observation() {
    let (database, journal) = journal().await;
    let mut witness = database.witness().await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route(), signed()]).await;
    let open: (String, i64, String) =
        sqlx::query_as("SELECT state, attempt, last_valid_block_height::text FROM transactions")
            .fetch_one(&mut witness)
            .await
            .unwrap();
    assert_eq!(open, ("open".to_owned(), 1, u64::MAX.to_string()));
    let expired = Event::Observed { observation: Observation::Expired };
    append_all(&journal, &mut claim, [expired, retry(0)]).await;
    let mut claim = journal.orders.claim(claim.order().id(), LONG).await.unwrap().unwrap();
    let reverted = Observation::Reverted { failure: no_route(), network_fee: Atoms::new(5000), slot: 6 };
    let reverted = Event::Observed { observation: reverted };
    append_all(&journal, &mut claim, [routing(2), route(), signed(), reverted, failed()]).await;
    let states: Vec<(String, i64)> =
        sqlx::query_as("SELECT state, attempt FROM transactions ORDER BY attempt")
            .fetch_all(&mut witness)
            .await
            .unwrap();
    assert_eq!(states, [("expired".to_owned(), 1), ("reverted".to_owned(), 2)]);
}

#[tokio::test]
async fn an_illegal_event_writes_nothing_and_the_claim_holds() {
    let (_database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    let error = append(&journal, &mut claim, landed()).await.unwrap_err();
    assert!(matches!(error, Unrecorded::Illegal { .. }));
    let recorded = append(&journal, &mut claim, routing(1)).await.unwrap();
    assert_eq!((recorded.seq, recorded.attempt), (2, 1));
}

#[tokio::test]
async fn a_fenced_owner_writes_nothing() {
    let (_database, journal) = journal().await;
    let id = accepted(&journal).await;
    let mut old = journal.orders.claim(id, Duration::ZERO).await.unwrap().unwrap();
    let mut new = journal.orders.claim(id, LONG).await.unwrap().unwrap();
    assert!(new.fence() > old.fence());
    assert!(matches!(append(&journal, &mut old, routing(1)).await, Err(Unrecorded::Fenced)));
    assert_eq!(old.order().seq(), 1);
    append(&journal, &mut new, routing(1)).await.unwrap();
    assert!(matches!(append(&journal, &mut old, routing(1)).await, Err(Unrecorded::Fenced)));
    assert_eq!(journal.history.read(id, 0).await.unwrap().unwrap().len(), 2);
}

#[tokio::test]
async fn the_same_append_again_finds_the_first() {
    let (_database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1)]).await;
    let mut again = copy(&claim);
    let mut otherwise = copy(&claim);
    let first = append(&journal, &mut claim, route()).await.unwrap();
    assert_eq!(append(&journal, &mut again, route()).await.unwrap(), first);
    assert_eq!(again.order(), claim.order());
    // The number is taken, by something else, though nobody else has the order.
    let taken = append(&journal, &mut otherwise, failed()).await;
    assert!(matches!(taken, Err(Unrecorded::Stopped { .. })), "{taken:?}");
    assert_eq!(journal.history.read(claim.order().id(), 0).await.unwrap().unwrap().len(), 3);
}

#[tokio::test]
async fn a_failed_attempt_gives_the_claim_up_even_when_its_answer_is_lost() {
    let (_database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    let id = claim.order().id();
    append_all(&journal, &mut claim, [routing(1)]).await;
    let mut again = copy(&claim);
    let recorded = append(&journal, &mut claim, retry(0)).await.unwrap();
    assert_eq!(append(&journal, &mut again, retry(0)).await.unwrap(), recorded);
    assert!(matches!(append(&journal, &mut claim, routing(2)).await, Err(Unrecorded::Fenced)));
    assert_eq!(journal.orders.renew(&[(id, claim.fence())], LONG).await.unwrap(), []);
    let next = journal.orders.claim(id, LONG).await.unwrap().unwrap();
    assert_eq!((next.order().seq(), next.order().attempt()), (3, 1));
}

#[tokio::test]
async fn a_spoiled_group_fails_only_what_spoils_it() {
    let (database, journal) = journal().await;
    let mut claims = Vec::new();
    for _ in 0..8 {
        claims.push(claimed(&journal).await);
    }
    for claim in &mut claims {
        append_all(&journal, claim, [routing(1), route()]).await;
    }
    // One signature twice, and one number twice with different events.
    let signature = signed();
    let mut events: Vec<Event> = (0..8).map(|_| signed()).collect();
    events[2] = signature.clone();
    events[5] = signature;
    claims.push(copy(&claims[0]));
    events.push(failed());
    let mut blocker = database.witness().await;
    let mut witness = database.witness().await;
    let mut first = claimed(&journal).await;
    blocker.execute("BEGIN; LOCK TABLE order_events IN EXCLUSIVE MODE").await.unwrap();
    let first = tokio::spawn({
        let journal = journal.clone();
        async move { append(&journal, &mut first, routing(1)).await }
    });
    until_blocked(&mut witness).await;
    let rest = join_all(claims.iter_mut().zip(events).map(|(claim, event)| append(&journal, claim, event)));
    let unlock = async { blocker.execute("COMMIT").await.unwrap() };
    let (results, _) = tokio::join!(rest, unlock);
    first.await.unwrap().unwrap();
    let recorded: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(recorded, [true, true, true, true, true, false, true, true, false]);
    let Err(Unrecorded::Journal { error: Error::Refused { rule, .. }, .. }) = &results[5] else {
        panic!("{results:?}")
    };
    assert_eq!(rule, "a signature belongs to one transaction");
    assert!(matches!(results[8], Err(Unrecorded::Stopped { .. })));
    assert_eq!(number(&mut witness, "SELECT count(*) FROM transactions WHERE state = 'open'").await, 7);
}

/// An owner that was paused and the one that took its order over may be in the same process.
#[tokio::test]
async fn a_fenced_owner_in_the_group_of_the_new_one_is_told_so() {
    let (database, journal) = journal().await;
    let id = accepted(&journal).await;
    let mut old = journal.orders.claim(id, Duration::ZERO).await.unwrap().unwrap();
    append_all(&journal, &mut old, [routing(1), route()]).await;
    let mut new = journal.orders.claim(id, LONG).await.unwrap().unwrap();
    let (mut blocker, mut witness) = (database.witness().await, database.witness().await);
    let mut first = claimed(&journal).await;
    blocker.execute("BEGIN; LOCK TABLE order_events IN EXCLUSIVE MODE").await.unwrap();
    let first = tokio::spawn({
        let journal = journal.clone();
        async move { append(&journal, &mut first, routing(1)).await }
    });
    until_blocked(&mut witness).await;
    let group =
        async { tokio::join!(append(&journal, &mut old, signed()), append(&journal, &mut new, failed())) };
    let unlock = async { blocker.execute("COMMIT").await.unwrap() };
    let ((fenced, recorded), _) = tokio::join!(group, unlock);
    first.await.unwrap().unwrap();
    assert!(matches!(fenced, Err(Unrecorded::Fenced)), "{fenced:?}");
    assert_eq!(old.order().seq(), 3);
    assert_eq!(journal.history.read(id, 3).await.unwrap().unwrap(), [recorded.unwrap()]);
}

#[tokio::test]
async fn a_cancelled_append_leaves_a_claim_that_is_refused() {
    let (_database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    let id = claim.order().id();
    {
        let append = append(&journal, &mut claim, routing(1));
        futures_util::pin_mut!(append);
        assert!(futures_util::poll!(&mut append).is_pending());
        // Recorded, but this claim never learns of it.
        until("the event is recorded", async || {
            journal.history.read(id, 1).await.unwrap().unwrap().len() == 1
        })
        .await;
    }
    assert_eq!(claim.order().seq(), 1);
    journal.orders.release(claim).await.unwrap();
    let mut next = journal.orders.claim(id, LONG).await.unwrap().unwrap();
    append_all(&journal, &mut next, [route()]).await;
    assert_eq!(next.order().seq(), 3);
}

/// PostgreSQL takes no NUL, neither as text nor in JSON.
#[tokio::test]
async fn hostile_text_of_a_node_is_recorded() {
    let (_database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1)]).await;
    let failure = Failure::new(failure::Code::SimulationFailed, "Program log: \0\u{1b}[2J\u{202e} '; --");
    let recorded = append(&journal, &mut claim, Event::Failed { failure }).await.unwrap();
    assert_eq!(journal.history.read(claim.order().id(), 2).await.unwrap().unwrap(), [recorded]);
}
