use super::*;
use crate::SweepError;
use futures_util::future::join_all;
use std::collections::HashSet;

const NEVER: Duration = Duration::from_secs(3_600);

async fn swept(journal: &Journal, grace: Duration) -> Vec<order::Id> {
    journal.undispatched(100, grace).await.unwrap().into_iter().map(|dispatch| dispatch.id).collect()
}

#[tokio::test]
async fn a_new_order_is_left_to_its_gateway_for_the_grace_and_then_found_once() {
    let (_database, journal) = journal().await;
    let id = accepted(&journal).await;
    assert_eq!(swept(&journal, NEVER).await, []);
    let found = journal.undispatched(100, Duration::ZERO).await.unwrap();
    assert_eq!((found.len(), found[0].id, found[0].fence.0), (1, id, 0));
    assert_eq!(found[0].traceparent.as_deref(), Some(TRACEPARENT));
    assert_eq!(swept(&journal, NEVER).await, []);
    // Nobody has claimed it: the queue may have lost it.
    assert_eq!(swept(&journal, Duration::ZERO).await, [id]);
}

#[tokio::test]
async fn a_dispatched_order_is_marked_in_the_background() {
    let (database, journal) = journal().await;
    let mut witness = database.witness().await;
    let id = accepted(&journal).await;
    accepted(&journal).await;
    journal.dispatched(id);
    let marked = "SELECT count(*) FROM orders WHERE dispatched_at IS NOT NULL";
    until("the order is marked", async || number(&mut witness, marked).await == 1).await;
}

#[tokio::test]
async fn what_is_owned_ended_or_not_due_is_not_swept() {
    let (_database, journal) = journal().await;
    let owned = claimed(&journal).await;
    let mut ended = claimed(&journal).await;
    append_all(&journal, &mut ended, [routing(1), failed()]).await;
    let mut later = claimed(&journal).await;
    append_all(&journal, &mut later, [routing(1), retry(3_600_000)]).await;
    assert_eq!(swept(&journal, Duration::ZERO).await, []);
    journal.release(owned).await.unwrap();
}

#[tokio::test]
async fn what_became_free_is_swept_at_once_and_once() {
    let (_database, journal) = journal().await;
    let expired = accepted(&journal).await;
    journal.claim(expired, Duration::ZERO).await.unwrap().unwrap();
    let released = claimed(&journal).await;
    let released_id = released.order().id();
    journal.release(released).await.unwrap();
    let mut due = claimed(&journal).await;
    append_all(&journal, &mut due, [routing(1), retry(0)]).await;
    assert_eq!(swept(&journal, NEVER).await, [expired, released_id, due.order().id()]);
    assert_eq!(swept(&journal, NEVER).await, []);
    // Claimed from the queue, and lost again.
    journal.claim(expired, Duration::ZERO).await.unwrap().unwrap();
    assert_eq!(swept(&journal, NEVER).await, [expired]);
}

#[tokio::test]
async fn a_submitted_order_whose_owner_died_is_swept() {
    let (_database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route(), signed()]).await;
    let id = claim.order().id();
    assert_eq!(journal.renew(&[(id, claim.fence())], Duration::ZERO).await.unwrap(), [id]);
    assert_eq!(swept(&journal, NEVER).await, [id]);
}

#[tokio::test]
async fn the_oldest_come_first_and_each_goes_to_one_sweeper() {
    let (database, one) = journal().await;
    let other = database.journal().await;
    let mut ids = Vec::new();
    for _ in 0..30 {
        ids.push(accepted(&one).await);
    }
    ids.sort();
    let first = one.undispatched(10, Duration::ZERO).await.unwrap();
    assert_eq!(first.iter().map(|dispatch| dispatch.id).collect::<Vec<_>>(), ids[..10]);
    // A claim of the rest makes each of them free just once.
    for id in &ids[10..] {
        one.claim(*id, Duration::ZERO).await.unwrap().unwrap();
    }
    let sweeps =
        join_all((0..8).map(|number| if number % 2 == 0 { &one } else { &other }.undispatched(5, NEVER)));
    let swept: Vec<order::Id> =
        sweeps.await.into_iter().flat_map(Result::unwrap).map(|dispatch| dispatch.id).collect();
    let distinct: HashSet<order::Id> = swept.iter().copied().collect();
    assert_eq!(distinct.len(), swept.len());
    assert!(distinct.iter().all(|id| ids[10..].contains(id)));
}

/// The stream takes one message: of two orders one is published, and the other must not wait for the
/// grace that its mark would give it.
#[tokio::test]
async fn an_order_whose_publication_failed_is_found_by_the_next_sweep() {
    let (_database, journal) = journal().await;
    let (name, queue) = super::queue::queue().await;
    let jetstream = super::queue::jetstream().await;
    let mut config = jetstream.get_stream(&name).await.unwrap().cached_info().config.clone();
    config.max_messages = 1;
    jetstream.update_stream(&config).await.unwrap();
    for _ in 0..2 {
        let claim = claimed(&journal).await;
        journal.release(claim).await.unwrap();
    }
    assert!(matches!(journal.sweep(&queue, 100, NEVER).await, Err(SweepError::Queue(_))));
    // What stands on the queue is not found again, what does not is.
    let first = super::queue::next(&queue, 1).await.remove(0);
    let published = first.order_id.unwrap();
    first.acknowledge().await.unwrap();
    until("there is room", async || super::queue::messages_left(&name).await == 0).await;
    assert_eq!(journal.sweep(&queue, 100, NEVER).await.unwrap(), 1);
    let second = super::queue::next(&queue, 1).await.remove(0);
    assert_ne!(second.order_id, Some(published));
    assert_eq!(journal.sweep(&queue, 100, NEVER).await.unwrap(), 0);
}

#[tokio::test]
async fn without_a_queue_a_sweep_marks_nothing() {
    let (_database, journal) = journal().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let queue = crate::Queue::connect(&format!("nats://{closed}")).await.unwrap();
    let id = accepted(&journal).await;
    assert!(matches!(journal.sweep(&queue, 100, Duration::ZERO).await, Err(SweepError::Queue(_))));
    assert_eq!(swept(&journal, Duration::ZERO).await, [id]);
}
