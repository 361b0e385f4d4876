use super::rings::{jetstream, messages_left, next, queue};
use crate::testing::*;
use crate::{Delivery, Queue};

async fn send(name: &str, payload: &'static str) {
    let subject = format!("{name}.execute.{}", payload.len());
    jetstream().await.publish(subject, payload.into()).await.unwrap().await.unwrap();
}

async fn delivered(queue: &Queue) -> Delivery {
    next(queue, 1).await.remove(0)
}

#[tokio::test]
async fn a_message_that_names_no_order_is_parked_once_and_holds_nobody_up() {
    let (_database, journal) = journal().await;
    let (name, queue) = queue().await;
    for rubbish in ["no uuid", "", "no uuid"] {
        send(&name, rubbish).await;
        let delivery = delivered(&queue).await;
        assert_eq!(delivery.order_id, None);
        journal.parked.park(delivery, "it names no order").await.unwrap();
    }
    until("the queue is empty", async || messages_left(&name).await == 0).await;
    let parked = journal.parked.list().await.unwrap();
    let seen: Vec<_> = parked.iter().map(|parked| (parked.payload.as_slice(), parked.times)).collect();
    assert_eq!(seen, [(b"no uuid".as_slice(), 2), (b"", 1)]);
    assert_eq!(parked[0].reason, "it names no order");
    assert!(parked[0].last_at > parked[0].first_at);
    assert_eq!(journal.parked.count().await.unwrap(), 2);
    assert!(journal.parked.discard(parked[0].id).await.unwrap());
    assert!(!journal.parked.discard(parked[0].id).await.unwrap());
    assert_eq!(journal.parked.list().await.unwrap(), parked[1..]);
}

#[tokio::test]
async fn a_parked_order_is_left_alone_until_it_is_replayed() {
    let (_database, journal) = journal().await;
    let (name, queue) = queue().await;
    let id = accepted(&journal).await;
    queue.publish(id, Some(TRACEPARENT)).await.unwrap();
    journal.parked.park(delivered(&queue).await, "a test").await.unwrap();
    assert_eq!(journal.orders.due(100, &[], &[], &[]).await.unwrap(), []);
    let parked = journal.parked.list().await.unwrap().remove(0);
    // An accepted order must end.
    assert!(!journal.parked.discard(parked.id).await.unwrap());
    journal.parked.replay(&queue, &parked).await.unwrap();
    assert_eq!(journal.parked.count().await.unwrap(), 0);
    let again = delivered(&queue).await;
    assert_eq!((again.order_id, again.traceparent.as_deref()), (Some(id), Some(TRACEPARENT)));
    again.acknowledge().await.unwrap();
    until("the queue is empty", async || messages_left(&name).await == 0).await;
    assert_eq!(journal.orders.due(100, &[], &[], &[]).await.unwrap(), [id]);
}

#[tokio::test]
async fn what_stands_for_no_open_order_may_be_discarded() {
    let (_database, journal) = journal().await;
    let (_name, queue) = queue().await;
    let mut ended = claimed(&journal).await;
    append_all(&journal, &mut ended, [routing(1), failed()]).await;
    let unknown = order::Id(Uuid::now_v7());
    let ids = [ended.order().id(), unknown];
    assert_eq!(journal.orders.known(&ids).await.unwrap().into_iter().collect::<Vec<_>>(), [ids[0]]);
    for id in [ended.order().id(), unknown] {
        queue.publish(id, None).await.unwrap();
        journal.parked.park(delivered(&queue).await, "a test").await.unwrap();
        let parked = journal.parked.list().await.unwrap().remove(0);
        assert!(journal.parked.discard(parked.id).await.unwrap());
    }
}

#[tokio::test]
async fn what_is_parked_is_bounded_and_the_oldest_stay() {
    let (database, journal) = journal().await;
    let (name, queue) = queue().await;
    let fill = "INSERT INTO parked_messages (subject, payload, reason)
        SELECT 'x', int4send(number), 'a test' FROM generate_series(1, 10000) AS number";
    database.witness().await.execute(fill).await.unwrap();
    send(&name, "one more").await;
    journal.parked.park(delivered(&queue).await, "it names no order").await.unwrap();
    until("the queue is empty", async || messages_left(&name).await == 0).await;
    assert_eq!(journal.parked.count().await.unwrap(), 10_000);
    let rest = "SELECT count(*) FROM parked_messages WHERE subject <> 'x'";
    assert_eq!(number(&mut database.witness().await, rest).await, 0);
}
