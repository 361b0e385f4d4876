use crate::queue::credentials::Credentials;
use crate::testing::*;
use crate::{Delivery, Queue, QueueError};
use async_nats::jetstream::consumer::{AckPolicy, pull};
use futures_util::StreamExt as _;
use std::collections::HashSet;
use tokio::time::Instant;

const EXPIRES: Duration = Duration::from_secs(5);

pub(super) async fn queue() -> (String, Queue) {
    let name = format!("TEST_{}", Uuid::now_v7().simple());
    let queue = Queue::open(&required("TEST_NATS_URL"), &name).await.unwrap();
    until("the queue is connected", async || queue.ping().await.is_ok()).await;
    (name, queue)
}

pub(super) async fn jetstream() -> async_nats::jetstream::Context {
    let address: async_nats::ServerAddr = required("TEST_NATS_URL").parse().unwrap();
    let Credentials { user, password } = Credentials::of(&address).unwrap();
    let options = async_nats::ConnectOptions::with_user_and_password(user, password);
    async_nats::jetstream::new(options.connect(address).await.unwrap())
}

fn id() -> order::Id {
    order::Id(Uuid::now_v7())
}

pub(super) async fn next(queue: &Queue, max: usize) -> Vec<Delivery> {
    queue.next(max, EXPIRES).await.unwrap()
}

pub(super) async fn messages_left(name: &str) -> u64 {
    jetstream().await.get_stream(name).await.unwrap().cached_info().state.messages
}

#[tokio::test]
async fn a_published_order_is_delivered_and_gone_once_acknowledged() {
    let (name, queue) = queue().await;
    let id = id();
    queue.publish(id, Some(TRACEPARENT)).await.unwrap();
    let mut deliveries = next(&queue, 10).await;
    assert_eq!(deliveries.len(), 1);
    let delivery = deliveries.remove(0);
    assert_eq!((delivery.order_id, delivery.traceparent.as_deref()), (Some(id), Some(TRACEPARENT)));
    delivery.acknowledge().await.unwrap();
    until("the message is gone", async || messages_left(&name).await == 0).await;
    assert!(queue.next(1, Duration::from_millis(50)).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_stream_never_drops_new_messages_for_old_ones_and_no_message_stays_for_ever() {
    let (name, _queue) = queue().await;
    let stream = jetstream().await.get_stream(&name).await.unwrap();
    let config = &stream.cached_info().config;
    assert_eq!(config.discard, async_nats::jetstream::stream::DiscardPolicy::New);
    assert_eq!(config.max_age, Duration::from_secs(3_600));
}

#[tokio::test]
async fn a_message_is_an_id_with_its_trace() {
    let (name, queue) = queue().await;
    let id: order::Id = "018f4e2a-0000-7000-8000-000000000001".parse().unwrap();
    queue.publish(id, Some(TRACEPARENT)).await.unwrap();
    let stream = jetstream().await.get_stream(&name).await.unwrap();
    let message = stream.get_raw_message(1).await.unwrap();
    assert_eq!(message.subject.as_str(), format!("{name}.execute.{id}"));
    assert_eq!(message.payload, "018f4e2a-0000-7000-8000-000000000001");
    let header = |name: &str| message.headers.get(name).unwrap().to_string();
    assert_eq!(header("traceparent"), TRACEPARENT);
}

/// However often it is rung for, delivered and not acknowledged yet or not.
#[tokio::test]
async fn an_order_is_on_the_queue_once() {
    let (name, queue) = queue().await;
    let id = id();
    for _ in 0..3 {
        queue.publish(id, None).await.unwrap();
        assert_eq!(messages_left(&name).await, 1);
    }
    let delivery = next(&queue, 10).await.remove(0);
    queue.publish(id, None).await.unwrap();
    assert_eq!(messages_left(&name).await, 1);
    delivery.acknowledge().await.unwrap();
    until("the message is gone", async || messages_left(&name).await == 0).await;
    queue.publish(id, None).await.unwrap();
    assert_eq!(messages_left(&name).await, 1);
}

/// The stream of a version that put all orders on one subject, any number of times.
#[tokio::test]
async fn a_stream_of_an_earlier_version_is_changed() {
    let name = format!("TEST_{}", Uuid::now_v7().simple());
    let jetstream = jetstream().await;
    let config = async_nats::jetstream::stream::Config {
        name: name.clone(),
        subjects: vec![format!("{name}.execute.*")],
        retention: async_nats::jetstream::stream::RetentionPolicy::WorkQueue,
        discard: async_nats::jetstream::stream::DiscardPolicy::New,
        duplicate_window: Duration::from_secs(20),
        max_messages: 200_000,
        max_age: Duration::from_secs(3_600),
        ..Default::default()
    };
    jetstream.create_stream(config).await.unwrap();
    for _ in 0..5 {
        let message = Uuid::now_v7().to_string();
        jetstream.publish(format!("{name}.execute.market"), message.into()).await.unwrap().await.unwrap();
    }
    let queue = Queue::open(&required("TEST_NATS_URL"), &name).await.unwrap();
    until("the queue is connected", async || queue.ping().await.is_ok()).await;
    let id = id();
    queue.publish(id, None).await.unwrap();
    queue.publish(id, None).await.unwrap();
    let mut rung = Vec::new();
    for delivery in next(&queue, 100).await {
        rung.push(delivery.order_id.unwrap());
    }
    assert_eq!(rung.iter().filter(|rung| **rung == id).count(), 1, "{rung:?}");
}

#[tokio::test]
async fn next_gives_what_is_there_and_no_more_than_asked_for() {
    let (_name, queue) = queue().await;
    for _ in 0..5 {
        queue.publish(id(), None).await.unwrap();
    }
    assert!(next(&queue, 0).await.is_empty());
    assert_eq!(next(&queue, 3).await.len(), 3);
    assert_eq!(next(&queue, 100).await.len(), 2);
}

#[tokio::test]
async fn an_order_that_was_not_acknowledged_comes_again() {
    let (name, queue) = queue().await;
    // The consumer is there already, with less patience than ours.
    let config = pull::Config {
        durable_name: Some("executor".to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: Duration::from_millis(100),
        ..Default::default()
    };
    jetstream().await.get_stream(&name).await.unwrap().create_consumer(config).await.unwrap();
    let id = id();
    queue.publish(id, None).await.unwrap();
    drop(next(&queue, 1).await);
    let again = next(&queue, 1).await;
    assert_eq!(again[0].order_id, Some(id));
}

#[tokio::test]
async fn a_wiped_stream_is_made_anew() {
    let (name, queue) = queue().await;
    queue.publish(id(), None).await.unwrap();
    assert_eq!(next(&queue, 1).await.len(), 1);
    jetstream().await.delete_stream(&name).await.unwrap();
    let id = id();
    queue.publish(id, None).await.unwrap();
    let mut delivered = Vec::new();
    until("the order is delivered", async || {
        delivered = queue.next(1, EXPIRES).await.unwrap_or_default();
        !delivered.is_empty()
    })
    .await;
    assert_eq!(delivered[0].order_id, Some(id));
    jetstream().await.delete_stream(&name).await.unwrap();
    assert!(queue.next(1, EXPIRES).await.is_err());
    assert!(queue.next(1, Duration::from_millis(50)).await.unwrap().is_empty());
}

/// The client's other ways of pulling lose a request now and then, and stall until it expires.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn single_orders_are_never_held_up() {
    let (_name, queue) = queue().await;
    let publisher = queue.clone();
    for _ in 0..300 {
        let id = id();
        let started = Instant::now();
        // One is waited for while it is published, as when an executor is idle.
        let (published, delivered) = tokio::join!(publisher.publish(id, None), next(&queue, 4));
        published.unwrap();
        let delivery = delivered.into_iter().next().unwrap();
        assert_eq!(delivery.order_id, Some(id));
        delivery.acknowledge().await.unwrap();
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn executors_share_the_queue_and_each_order_goes_to_one() {
    let (_name, queue) = queue().await;
    let mut ids = HashSet::new();
    for _ in 0..200 {
        let id = id();
        queue.publish(id, None).await.unwrap();
        ids.insert(id);
    }
    let (send, receive) = tokio::sync::mpsc::unbounded_channel();
    let executors: Vec<_> = (1..=4)
        .map(|permits| {
            let (queue, send) = (queue.clone(), send.clone());
            tokio::spawn(async move {
                loop {
                    for delivery in next(&queue, permits).await {
                        send.send(delivery.order_id.unwrap()).unwrap();
                        delivery.acknowledge().await.unwrap();
                    }
                }
            })
        })
        .collect();
    let received = tokio_stream(receive).take(200).collect::<Vec<_>>();
    let received = tokio::time::timeout(Duration::from_secs(20), received).await.unwrap();
    executors.iter().for_each(tokio::task::JoinHandle::abort);
    assert_eq!(received.into_iter().collect::<HashSet<_>>(), ids);
}

fn tokio_stream<T>(
    mut receive: tokio::sync::mpsc::UnboundedReceiver<T>,
) -> impl futures_util::Stream<Item = T> {
    futures_util::stream::poll_fn(move |context| receive.poll_recv(context))
}

#[tokio::test]
async fn without_a_server_every_call_says_so_at_once() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let queue = Queue::connect(&format!("nats://{closed}")).await.unwrap();
    let started = Instant::now();
    assert!(matches!(queue.publish(id(), None).await, Err(QueueError::Disconnected)));
    assert!(matches!(queue.next(1, EXPIRES).await, Err(QueueError::Disconnected)));
    assert!(matches!(queue.ping().await, Err(QueueError::Disconnected)));
    assert!(started.elapsed() < Duration::from_secs(1));
}
