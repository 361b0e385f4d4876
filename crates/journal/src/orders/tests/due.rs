use crate::Claimed;
use crate::testing::*;
use futures_util::future::join_all;
use order_core::{AccountAddress, AccountPolicy};
use std::collections::HashSet;
use std::num::NonZeroU32;

async fn due(journal: &Journal) -> Vec<order::Id> {
    journal.orders.due(100, &[], &[], &[]).await.unwrap()
}

async fn accepted_of(journal: &Journal, owner: &str) -> order::Id {
    let acceptance = Acceptance { account: account(owner), ..acceptance() };
    let id = acceptance.id;
    journal.orders.accept(acceptance).await.unwrap();
    id
}

#[tokio::test]
async fn what_is_owned_ended_or_not_due_is_left_alone_and_the_rest_is_oldest_first() {
    let (_database, journal) = journal().await;
    let new = accepted(&journal).await;
    let lost = accepted(&journal).await;
    journal.orders.claim(lost, Duration::ZERO).await.unwrap().unwrap();
    let owned = claimed(&journal).await;
    let mut ended = claimed(&journal).await;
    append_all(&journal, &mut ended, [routing(1), failed()]).await;
    let mut later = claimed(&journal).await;
    append_all(&journal, &mut later, [routing(1), retry(60_000)]).await;
    let mut retried = claimed(&journal).await;
    append_all(&journal, &mut retried, [routing(1), retry(0)]).await;
    let mut submitted = claimed(&journal).await;
    append_all(&journal, &mut submitted, [routing(1), route(), signed()]).await;
    let submitted = submitted.order().id();
    assert_eq!(due(&journal).await, [new, lost, retried.order().id()]);
    let owned_id = owned.order().id();
    journal.orders.release(owned).await.unwrap();
    sqlx::query("UPDATE orders SET lease_until = now() WHERE status = 'submitted'")
        .execute(&journal.pool)
        .await
        .unwrap();
    assert_eq!(due(&journal).await, [new, lost, owned_id, retried.order().id(), submitted]);
    assert_eq!(journal.orders.due(2, &[], &[], &[new]).await.unwrap(), [lost, owned_id]);
}

/// An owner with many orders waiting or in work takes nothing from one with a single order.
#[tokio::test]
async fn owners_are_served_in_turn() {
    let (_database, journal) = journal().await;
    let mut greedy = Vec::new();
    for _ in 0..20 {
        greedy.push(accepted_of(&journal, "greedy").await);
    }
    let modest = accepted_of(&journal, "modest").await;
    let third = [accepted_of(&journal, "third").await, accepted_of(&journal, "third").await];
    assert_eq!(journal.orders.due(4, &[], &[], &[]).await.unwrap(), [greedy[0], modest, third[0], greedy[1]]);
    let busy = [(account("greedy"), 9), (account("nobody"), 3)];
    assert_eq!(
        journal.orders.due(4, &busy, &[], &[]).await.unwrap(),
        [modest, third[0], third[1], greedy[0]]
    );
    assert_eq!(journal.orders.due(100, &busy, &[], &[]).await.unwrap().len(), 23);
}

#[tokio::test]
async fn each_order_goes_to_one_claimer_and_none_waits_for_another() {
    let (database, one) = journal().await;
    let other = database.journal().await;
    for _ in 0..30 {
        accepted(&one).await;
    }
    let claims = join_all((0..8).map(async |number| {
        let journal = if number % 2 == 0 { &one } else { &other };
        let candidates = due(journal).await;
        journal.orders.claim_some(&candidates, 3, LONG).await.unwrap()
    }));
    let claimed: Vec<order::Id> = claims
        .await
        .into_iter()
        .flatten()
        .map(|claimed| match claimed {
            Claimed::Order(claim) => claim.order().id(),
            Claimed::Unreadable { .. } => panic!("{claimed:?}"),
        })
        .collect();
    let distinct: HashSet<order::Id> = claimed.iter().copied().collect();
    assert_eq!((claimed.len(), distinct.len()), (24, 24));
}

#[tokio::test]
async fn an_order_that_this_version_cannot_read_is_given_back() {
    let (_database, journal) = journal().await;
    let id = accepted(&journal).await;
    let event = "INSERT INTO order_events (order_id, seq, attempt, fence, body, at)
         SELECT id, 2, 1, 0, '{\"kind\": \"of a later version\"}', now() FROM orders";
    sqlx::query(event).execute(&journal.pool).await.unwrap();
    let claimed = journal.orders.claim_some(&[id], 1, LONG).await.unwrap();
    assert!(matches!(&claimed[..], [Claimed::Unreadable { id: unreadable, .. }] if *unreadable == id));
    assert_eq!(due(&journal).await, [id]);
    assert_eq!(journal.orders.due(100, &[], &[], &[id]).await.unwrap(), []);
}

/// The database's clock is set back by an hour: what was written before it lies in the future now.
#[tokio::test]
async fn a_clock_that_is_set_back_holds_no_order_up() {
    let (_database, journal) = journal().await;
    let leased = claimed(&journal).await.order().id();
    let mut paused = claimed(&journal).await;
    append_all(&journal, &mut paused, [routing(1), retry(2_000)]).await;
    assert_eq!(due(&journal).await, []);
    let set_back = "UPDATE orders SET created_at = created_at + interval '1 hour',
        lease_until = lease_until + interval '1 hour', next_attempt_at = next_attempt_at + interval '1 hour'";
    sqlx::query(set_back).execute(&journal.pool).await.unwrap();
    assert_eq!(due(&journal).await, [leased, paused.order().id()]);
    assert_eq!(journal.orders.claim_some(&due(&journal).await, 10, LONG).await.unwrap().len(), 2);
    assert_eq!(due(&journal).await, []);
}

/// Each executor takes the orders that its wallets sign, and follows those of any wallet that were sent.
#[tokio::test]
async fn an_order_waits_for_an_executor_that_has_its_accounts_wallet() {
    let (_database, journal) = journal().await;
    let [mine, other] = [7, 8].map(|fill| AccountAddress::new([fill; 32]));
    journal.accounts.create(&account("desk")).await.unwrap();
    let policy = AccountPolicy { wallet: Some(other), ..AccountPolicy::default() };
    journal.accounts.set_policy(&account("desk"), &policy).await.unwrap();
    let [bound, free] = [accepted_of(&journal, "desk").await, accepted_of(&journal, "tester").await];
    assert_eq!(journal.orders.due(10, &[], &[mine], &[]).await.unwrap(), [free]);
    assert_eq!(journal.orders.due(10, &[], &[mine, other], &[]).await.unwrap(), [bound, free]);
    let mut sent = journal.orders.claim(bound, Duration::ZERO).await.unwrap().unwrap();
    append_all(&journal, &mut sent, [routing(1), route(), signed()]).await;
    assert_eq!(journal.orders.due(10, &[], &[mine], &[]).await.unwrap(), [bound, free]);
}

#[tokio::test]
async fn an_account_has_no_more_orders_in_work_than_it_may() {
    let (_database, journal) = journal().await;
    journal.accounts.create(&account("desk")).await.unwrap();
    let policy = AccountPolicy { max_working: NonZeroU32::new(2), ..AccountPolicy::default() };
    journal.accounts.set_policy(&account("desk"), &policy).await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(accepted_of(&journal, "desk").await);
    }
    let free = accepted_of(&journal, "tester").await;
    assert_eq!(due(&journal).await, [ids[0], free, ids[1]]);
    let mut first = journal.orders.claim(ids[0], LONG).await.unwrap().unwrap();
    assert_eq!(due(&journal).await, [ids[1], free]);
    let second = journal.orders.claim(ids[1], LONG).await.unwrap().unwrap();
    assert_eq!(due(&journal).await, [free]);
    append_all(&journal, &mut first, [routing(1), route(), signed()]).await;
    assert_eq!(due(&journal).await, [ids[2], free], "one that waits for the chain is in work no more");
    journal.orders.release(second).await.unwrap();
    assert_eq!(due(&journal).await, [ids[1], free, ids[2]]);
}
