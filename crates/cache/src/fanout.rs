//! Events from whoever records them to every process that shows them.

use super::{COMMAND_TIMEOUT, Cache, Error};
use deadpool_redis::redis;
use futures_util::StreamExt as _;
use order_core::order::{Id, Recorded};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::broadcast;

/// Notices that a receiver may lag behind before it misses some and must read the journal again:
/// about a second of a busy system.
pub(crate) const BUFFER: usize = 4096;

/// How often the subscription shows that it is alive; a connection can die without a word.
const PROBE_EVERY: Duration = Duration::from_secs(2);

/// The pause before a lost subscription is made again.
const RECONNECT_AFTER: Duration = Duration::from_millis(500);

/// The events of orders that a process hears.
#[derive(Debug, Clone)]
pub enum Notice {
    /// An order's new event.
    Recorded {
        /// The order.
        id: Id,
        /// The event; shared, because every socket of the process gets it.
        recorded: Arc<Recorded>,
    },
    /// Events may have been missed: read the journal again.
    Lost,
}

#[derive(Serialize, Deserialize)]
struct Message<R> {
    id: Id,
    recorded: R,
}

impl Cache {
    /// Tells every process of a new event. Best effort: who misses it reads the journal.
    pub async fn publish(&self, id: Id, recorded: &Recorded) {
        let body = match serde_json::to_string(&Message { id, recorded }) {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(order.id = %id, %error, "could not write an event as JSON");
                return;
            }
        };
        let mut command = redis::cmd("PUBLISH");
        command.arg(self.key("events")).arg(body);
        if let Err(error) = self.command::<redis::Value>(&command).await {
            tracing::debug!(order.id = %id, %error, "an event was not fanned out");
            crate::metrics::publish_failed();
        }
    }

    /// The events from now on, as far as [`Cache::follow`] hears them.
    pub fn updates(&self) -> broadcast::Receiver<Notice> {
        self.shared.notices.subscribe()
    }

    /// True if events are being heard now. If not, poll the journal.
    pub fn is_following(&self) -> bool {
        self.shared.following.load(Ordering::Acquire)
    }

    /// Hears events for the whole process, for ever: one subscription, made again when it is lost.
    pub async fn follow(&self) {
        loop {
            if let Err(error) = self.subscription().await {
                tracing::debug!(%error, "the subscription to events ended");
            }
            crate::metrics::following(false);
            if self.shared.following.swap(false, Ordering::AcqRel) {
                tracing::warn!("events are not heard from Redis; the journal is polled instead");
            }
            self.notify(Notice::Lost);
            tokio::time::sleep(RECONNECT_AFTER).await;
        }
    }

    async fn subscription(&self) -> Result<(), Error> {
        let subscribing = async {
            let mut connection = self.shared.client.get_async_pubsub().await.map_err(Error::from_driver)?;
            connection.subscribe(self.key("events")).await.map_err(Error::from_driver)?;
            Ok::<_, Error>(connection.split())
        };
        let (mut sink, mut messages) = within(subscribing).await??;
        crate::metrics::following(true);
        if !self.shared.following.swap(true, Ordering::AcqRel) {
            tracing::info!("events are heard from Redis");
        }
        // What was recorded before the subscription stood was not heard.
        self.notify(Notice::Lost);
        let mut probes = tokio::time::interval(PROBE_EVERY);
        loop {
            tokio::select! {
                biased;
                message = messages.next() => match message {
                    Some(message) => self.heard(message.get_payload_bytes()),
                    None => return Err(Error::Unreachable("the connection was closed".to_owned())),
                },
                _ = probes.tick() => {
                    within(sink.ping::<redis::Value>()).await?.map_err(Error::from_driver)?;
                }
            }
        }
    }

    fn heard(&self, payload: &[u8]) {
        match serde_json::from_slice::<Message<Recorded>>(payload) {
            Ok(Message { id, recorded }) => {
                self.notify(Notice::Recorded { id, recorded: Arc::new(recorded) });
            }
            Err(error) => {
                tracing::warn!(%error, "heard an event that cannot be read; the journal is read instead");
                self.notify(Notice::Lost);
            }
        }
    }

    fn notify(&self, notice: Notice) {
        // Nobody listening is no error.
        let _ = self.shared.notices.send(notice);
    }
}

/// A probe waits longer than a command: losing the subscription costs a read of every open order.
async fn within<T>(future: impl Future<Output = T>) -> Result<T, Error> {
    tokio::time::timeout(COMMAND_TIMEOUT.saturating_mul(5), future)
        .await
        .map_err(|_| Error::Unreachable("no answer in time".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use order_core::Timestamp;
    use order_core::order::Event;

    fn recorded(seq: u64) -> Recorded {
        let event = Event::RoutingStarted { attempt: 1 };
        Recorded { seq, attempt: 1, event, at: Timestamp::UNIX_EPOCH }
    }

    async fn next(updates: &mut broadcast::Receiver<Notice>) -> Notice {
        tokio::time::timeout(Duration::from_secs(10), updates.recv()).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn what_one_process_publishes_another_hears_in_order() {
        let publisher = testing::cache();
        let follower = testing::sharing(&publisher);
        let mut updates = follower.updates();
        let following = tokio::spawn({
            let follower = follower.clone();
            async move { follower.follow().await }
        });
        assert!(matches!(next(&mut updates).await, Notice::Lost), "a new subscription asks for a re-read");
        assert!(follower.is_following());
        let id = Id(uuid::Uuid::now_v7());
        for seq in 2..5 {
            publisher.publish(id, &recorded(seq)).await;
        }
        for seq in 2..5 {
            match next(&mut updates).await {
                Notice::Recorded { id: heard, recorded: event } => {
                    assert_eq!((heard, &*event), (id, &recorded(seq)));
                }
                Notice::Lost => panic!("nothing was lost"),
            }
        }
        following.abort();
    }

    #[tokio::test]
    async fn without_redis_followers_are_told_to_read_the_journal() {
        let cache = testing::without_redis();
        let mut updates = cache.updates();
        let following = tokio::spawn({
            let cache = cache.clone();
            async move { cache.follow().await }
        });
        assert!(matches!(next(&mut updates).await, Notice::Lost));
        assert!(!cache.is_following());
        cache.publish(Id(uuid::Uuid::nil()), &recorded(1)).await;
        following.abort();
    }

    #[test]
    fn an_event_keeps_its_wire_form() {
        let message = Message { id: Id(uuid::Uuid::nil()), recorded: recorded(2) };
        assert_eq!(
            serde_json::to_string(&message).unwrap(),
            r#"{"id":"00000000-0000-0000-0000-000000000000","recorded":{"seq":2,"attempt":1,"event":{"kind":"routing_started","attempt":1},"at":"1970-01-01T00:00:00Z"}}"#
        );
    }
}
