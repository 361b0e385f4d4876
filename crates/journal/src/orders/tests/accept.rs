use crate::testing::*;
use crate::{Accepted, Error};
use futures_util::future::join_all;
use std::collections::HashSet;

#[tokio::test]
async fn an_accepted_order_is_durable_with_its_first_event() {
    let (database, journal) = journal().await;
    let acceptance = acceptance();
    assert_eq!(journal.orders.accept(acceptance.clone()).await.unwrap(), Accepted::New);
    let row: (String, i64, i64, i64, String, String, Option<String>) = sqlx::query_as(
        "SELECT status, seq, attempt, fence, amount_in::text, token_in, traceparent FROM orders",
    )
    .fetch_one(&mut database.witness().await)
    .await
    .unwrap();
    let mint = token("SOL").mint.to_string();
    let traceparent = Some(TRACEPARENT.to_owned());
    assert_eq!(row, ("pending".to_owned(), 1, 0, 0, u64::MAX.to_string(), mint, traceparent));
    let history = journal.history.read(acceptance.id, 0).await.unwrap().unwrap();
    assert_eq!((history.len(), history[0].seq, history[0].attempt), (1, 1, 0));
    assert_eq!(history[0].event, Event::Accepted { account: account("tester"), intent: acceptance.intent });
}

#[tokio::test]
async fn a_key_names_one_order_of_one_owner() {
    let (_database, journal) = journal().await;
    let first = with_key("key", 1);
    let id = first.id;
    assert_eq!(journal.orders.accept(first.clone()).await.unwrap(), Accepted::New);
    assert_eq!(journal.orders.accept(with_key("key", 1)).await.unwrap(), Accepted::Replayed { id });
    assert_eq!(journal.orders.accept(with_key("key", 2)).await.unwrap(), Accepted::Conflict { id });
    assert_eq!(journal.orders.accept(with_key("other", 1)).await.unwrap(), Accepted::New);
    let other_owner = Acceptance { account: account("other"), ..with_key("key", 1) };
    assert_eq!(journal.orders.accept(other_owner).await.unwrap(), Accepted::New);
    // The very same acceptance again is what a try after a lost answer sends.
    assert_eq!(journal.orders.accept(first).await.unwrap(), Accepted::New);
    assert_eq!(journal.reports.backlog().await.unwrap(), 3);
}

#[tokio::test]
async fn without_a_key_every_request_is_an_order() {
    let (_database, journal) = journal().await;
    accepted(&journal).await;
    accepted(&journal).await;
    assert_eq!(journal.reports.backlog().await.unwrap(), 2);
}

#[tokio::test]
async fn fifty_concurrent_requests_with_one_key_are_one_order() {
    let (database, one) = journal().await;
    let other = database.journal().await;
    let requests = (0..50).map(|number| {
        let journal = if number % 2 == 0 { &one } else { &other };
        let acceptance = with_key("key", 1);
        async move { (acceptance.id, journal.orders.accept(acceptance).await.unwrap()) }
    });
    let answers = join_all(requests).await;
    let new: Vec<_> = answers.iter().filter(|(_, accepted)| *accepted == Accepted::New).collect();
    assert_eq!(new.len(), 1);
    let id = new[0].0;
    for (asked, answer) in &answers {
        assert!(*asked == id || *answer == Accepted::Replayed { id }, "{answer:?}");
    }
    assert_eq!(one.reports.backlog().await.unwrap(), 1);
}

/// Holds the first of `acceptances` in the database until all others wait behind it.
async fn accept_in_one_group(
    database: &Database,
    journal: &Journal,
    acceptances: Vec<Acceptance>,
) -> Vec<Result<Accepted, Error>> {
    let mut witness = database.witness().await;
    let mut blocker = database.witness().await;
    blocker.execute("BEGIN; LOCK TABLE orders IN EXCLUSIVE MODE").await.unwrap();
    let mut acceptances = acceptances.into_iter();
    let first = tokio::spawn({
        let (journal, acceptance) = (journal.clone(), acceptances.next().unwrap());
        async move { journal.orders.accept(acceptance).await }
    });
    until_blocked(&mut witness).await;
    // Polled once each, in this task, before the lock is let go.
    let rest = join_all(acceptances.map(|acceptance| journal.orders.accept(acceptance)));
    let unlock = async { blocker.execute("COMMIT").await.unwrap() };
    let (rest, _) = tokio::join!(rest, unlock);
    std::iter::once(first.await.unwrap()).chain(rest).collect()
}

#[tokio::test]
async fn what_accumulates_is_written_in_one_transaction() {
    let (database, journal) = journal().await;
    let answers = accept_in_one_group(&database, &journal, (0..40).map(|_| acceptance()).collect()).await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Accepted::New))));
    let transactions = "SELECT count(DISTINCT xmin::text) FROM orders";
    assert_eq!(number(&mut database.witness().await, transactions).await, 2);
}

#[tokio::test]
async fn one_bad_item_does_not_fail_the_others() {
    let (database, journal) = journal().await;
    let bad = [
        with_key(&"k".repeat(256), 1),
        with_key("", 1),
        with_key("\0", 1),
        Acceptance { traceparent: Some("\0".to_owned()), ..acceptance() },
        Acceptance { traceparent: Some("t".repeat(256)), ..acceptance() },
    ];
    let bad_ids: HashSet<order::Id> = bad.iter().map(|acceptance| acceptance.id).collect();
    let mut all: Vec<Acceptance> = (0..15).map(|_| acceptance()).collect();
    for acceptance in bad {
        all.insert(all.len() / 2, acceptance);
    }
    let ids: Vec<order::Id> = all.iter().map(|acceptance| acceptance.id).collect();
    let answers = accept_in_one_group(&database, &journal, all).await;
    for (id, answer) in ids.into_iter().zip(answers) {
        match answer {
            Ok(accepted) => assert!(accepted == Accepted::New && !bad_ids.contains(&id)),
            Err(error) => {
                assert!(matches!(error, Error::Refused { .. }) && bad_ids.contains(&id), "{error}");
            }
        }
    }
    assert_eq!(journal.reports.backlog().await.unwrap(), 15);
}

#[tokio::test]
async fn a_refusal_names_the_rule() {
    let (_database, journal) = journal().await;
    let error = journal.orders.accept(with_key("", 1)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the journal refused to accept an order: an idempotency key has 1 to 255 bytes"
    );
}
