//! Distributes order events to the subscribers in this process.
//!
//! A subscriber subscribes first and then reads the database; every later event comes through its queue.
//! Events arrive from Redis as they happen. Events that Redis loses are found by polling the database, with
//! one query for all watched orders.

use cache::{Cache, Notice};
use journal::History;
use order_core::order::{Id, Recorded};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::MissedTickBehavior;

/// Queue length of a subscriber, in events. An order has about a dozen; a subscriber that is further behind
/// does not read, and is dropped.
const QUEUE: usize = 64;

/// Interval of the database polls while Redis is down.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// While Redis is up, poll only every Nth tick, to catch events whose publish was lost.
const POLLS_SKIPPED: u32 = 5;

/// Orders per query.
const ORDERS_PER_QUERY: usize = 500;

/// The subscriptions of this process.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    watched: Mutex<Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    orders: HashMap<Id, Vec<Subscriber>>,
    last_number: u64,
}

#[derive(Debug)]
struct Subscriber {
    number: u64,
    queue: mpsc::Sender<Arc<Recorded>>,
    known: Arc<AtomicU64>,
}

/// Receiving half of a subscription. Dropping it unsubscribes.
#[derive(Debug)]
pub(crate) struct Subscription {
    hub: Arc<Hub>,
    id: Id,
    number: u64,
    queue: mpsc::Receiver<Arc<Recorded>>,
    known: Arc<AtomicU64>,
}

impl Subscription {
    /// The next event. If its number leaves a gap, read the database. None if the subscriber was too slow and
    /// was dropped.
    pub(crate) async fn next(&mut self) -> Option<Arc<Recorded>> {
        self.queue.recv().await
    }

    /// Records that all events up to `seq` were read from the database, so they are not sent again.
    pub(crate) fn read_up_to(&self, seq: u64) {
        self.known.fetch_max(seq, Ordering::AcqRel);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut watched = self.hub.lock();
        if let Some(subscribers) = watched.orders.get_mut(&self.id) {
            subscribers.retain(|subscriber| subscriber.number != self.number);
            if subscribers.is_empty() {
                watched.orders.remove(&self.id);
            }
        }
    }
}

impl Hub {
    /// Subscribes to an order. Read the database after this call, not before.
    pub(crate) fn subscribe(self: &Arc<Self>, id: Id) -> Subscription {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let known = Arc::new(AtomicU64::new(0));
        let mut watched = self.lock();
        watched.last_number = watched.last_number.wrapping_add(1);
        let number = watched.last_number;
        let subscriber = Subscriber { number, queue: sender, known: Arc::clone(&known) };
        watched.orders.entry(id).or_default().push(subscriber);
        drop(watched);
        Subscription { hub: Arc::clone(self), id, number, queue: receiver, known }
    }

    /// Distributes events until the process ends.
    pub(crate) async fn run(&self, history: &History, cache: &Cache) {
        let mut updates = cache.updates();
        let mut due = tokio::time::interval(POLL_EVERY);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut skipped = 0;
        loop {
            let poll = tokio::select! {
                biased;
                _ = due.tick() => {
                    skipped += 1;
                    !cache.is_following() || skipped >= POLLS_SKIPPED
                }
                notice = updates.recv() => match notice {
                    Ok(Notice::Recorded { id, recorded }) => {
                        self.distribute(id, &recorded);
                        false
                    }
                    // While Redis is down, the next tick polls anyway.
                    Ok(Notice::Lost) => cache.is_following(),
                    Err(RecvError::Lagged(_)) => true,
                    Err(RecvError::Closed) => return,
                },
            };
            if poll {
                skipped = 0;
                self.poll(history).await;
            }
        }
    }

    async fn poll(&self, history: &History) {
        let wanted = self.wanted();
        for some in wanted.chunks(ORDERS_PER_QUERY) {
            match history.read_many(some).await {
                Ok(histories) => {
                    for (id, history) in histories {
                        for recorded in history {
                            self.distribute(id, &Arc::new(recorded));
                        }
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "database unavailable: watched orders were not polled");
                    return;
                }
            }
        }
    }

    /// Each watched order, with the last event that all its subscribers have.
    fn wanted(&self) -> Vec<(Id, u64)> {
        let known = |subscribers: &Vec<Subscriber>| {
            subscribers.iter().map(|subscriber| subscriber.known.load(Ordering::Acquire)).min().unwrap_or(0)
        };
        self.lock().orders.iter().map(|(id, subscribers)| (*id, known(subscribers))).collect()
    }

    /// Queues an event for each subscriber of the order that does not have it.
    fn distribute(&self, id: Id, recorded: &Arc<Recorded>) {
        let mut watched = self.lock();
        let Some(subscribers) = watched.orders.get_mut(&id) else { return };
        subscribers.retain(|subscriber| {
            if recorded.seq <= subscriber.known.load(Ordering::Acquire) {
                return true;
            }
            match subscriber.queue.try_send(Arc::clone(recorded)) {
                Ok(()) => {
                    subscriber.known.fetch_max(recorded.seq, Ordering::AcqRel);
                    true
                }
                // Dropping the sender ends the queue, which the subscriber sees.
                Err(TrySendError::Full(_) | TrySendError::Closed(_)) => false,
            }
        });
        if subscribers.is_empty() {
            watched.orders.remove(&id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::example;

    #[tokio::test]
    async fn each_subscriber_gets_each_unread_event_once() {
        let hub = Arc::new(Hub::default());
        let history: Vec<Arc<Recorded>> = example::confirmed().into_iter().map(Arc::new).collect();
        let (mut first, mut second) = (hub.subscribe(example::id()), hub.subscribe(example::id()));
        first.read_up_to(2);
        second.read_up_to(3);
        assert_eq!(hub.wanted(), [(example::id(), 2)]);
        for recorded in history.iter().chain(&history) {
            hub.distribute(example::id(), recorded);
        }
        hub.distribute(Id(uuid::Uuid::nil()), &history[0]);
        for seq in 3..=5 {
            assert_eq!(first.next().await.unwrap().seq, seq);
        }
        for seq in 4..=5 {
            assert_eq!(second.next().await.unwrap().seq, seq);
        }
        assert!(first.queue.try_recv().is_err() && second.queue.try_recv().is_err());
        assert_eq!(hub.wanted(), [(example::id(), 5)]);
        drop((first, second));
        assert!(hub.lock().orders.is_empty());
    }

    #[tokio::test]
    async fn slow_subscriber_is_dropped_after_its_queued_events() {
        let hub = Arc::new(Hub::default());
        let mut subscription = hub.subscribe(example::id());
        for seq in 1..=u64::try_from(QUEUE).unwrap() + 1 {
            let recorded = Recorded { seq, ..example::confirmed()[0].clone() };
            hub.distribute(example::id(), &Arc::new(recorded));
        }
        for _ in 0..QUEUE {
            assert!(subscription.next().await.is_some());
        }
        assert!(subscription.next().await.is_none());
        assert!(hub.wanted().is_empty());
    }
}
