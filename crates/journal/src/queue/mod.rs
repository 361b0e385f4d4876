//! The queue of orders to look at, in JetStream. A message only rings: it says no more than that an order may be due.

mod credentials;
mod parked;

pub use parked::{Parked, ParkedMessages, ReplayError};

use self::credentials::Credentials;
use crate::database::metrics;
use async_nats::connection::State;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::context::{ContextBuilder, PublishErrorKind};
use async_nats::jetstream::stream::{DiscardPolicy, RetentionPolicy, Stream};
use async_nats::jetstream::{self, Message};
use async_nats::{Client, ConnectOptions, Event, HeaderMap, ServerAddr};
use futures_util::StreamExt as _;
use order_core::order;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

/// The stream, and the first word of its subjects.
const STREAM: &str = "ORDERS";
/// All executors share it: each message goes to one of them.
const CONSUMER: &str = "executor";

/// Twenty times the backlog that the gateway accepts. Past it publishing fails, and executors find the orders all the same.
const MESSAGES_MAX: i64 = 200_000;
/// Older messages are dropped: a server that was killed keeps messages that it takes for acknowledged, and
/// gives them to nobody. They would fill the stream in the end. The queue only rings, so no order is lost.
const MESSAGE_AGE_MAX: Duration = Duration::from_secs(60 * 60);
/// A message is an id and a trace context.
const MESSAGE_BYTES_MAX: i32 = 8 * 1024;
/// One message for each order: whoever rings again while it is there adds nothing.
const MESSAGES_PER_ORDER: i64 = 1;
/// The server's error code where a message of the order is there already.
const THERE_ALREADY: &str = "maximum messages per subject exceeded";
/// A message that nobody acknowledged comes again after this. It is acknowledged as soon as it is heard;
/// who takes longer is dead or paused.
const ACKNOWLEDGE_WITHIN: Duration = Duration::from_secs(5);
/// Messages with the executors at one moment; they ask for no more than they have room for.
const UNACKNOWLEDGED_MAX: i64 = 10_000;
/// How long the server may take to answer a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
/// A dead connection is noticed after two of these.
const PING_INTERVAL: Duration = Duration::from_secs(5);

/// The server's subject for answers.
const INBOX: &str = "_INBOX";

/// The header with the trace of the request that placed the order.
const TRACEPARENT: &str = "traceparent";

/// Why the queue did not do what it was asked. Nothing is lost by it: [`crate::Orders::due`] finds every order.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// No connection at the moment; it is being re-established in the background.
    #[error("the queue is not connected")]
    Disconnected,
    /// The server refused, or did not answer in time: the message may or may not be on the queue.
    #[error("the queue could not {doing}: {reason}")]
    Failed {
        /// The work that failed.
        doing: &'static str,
        /// The error of the server or its client.
        reason: String,
    },
}

fn failed<E: Display>(doing: &'static str) -> impl Fn(E) -> QueueError {
    move |error| QueueError::Failed { doing, reason: error.to_string() }
}

/// A handle on the queue of orders to execute. Clones share one connection.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    context: jetstream::Context,
    stream: Arc<str>,
    upkeep: Upkeep,
    /// None until it is first needed, and again after a failure.
    consumer: Arc<Mutex<Option<PullConsumer>>>,
}

/// Who makes the stream, where it is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Upkeep {
    /// This process.
    Own,
    /// Another: this one may only publish.
    Others,
}

/// A message that came from the queue. It comes again unless it is acknowledged or parked.
#[derive(Debug)]
pub struct Delivery {
    /// The order that it names; None if it names none.
    pub order_id: Option<order::Id>,
    /// The W3C trace context of the request that placed it.
    pub traceparent: Option<String>,
    message: Message,
}

impl Queue {
    /// Connects, now or as soon as the server can be reached, and makes the stream when it is first needed.
    ///
    /// # Errors
    /// The URL is not one.
    pub async fn connect(url: &str) -> Result<Self, QueueError> {
        Self::open(url, STREAM).await
    }

    /// As [`Queue::connect`], for a process that only publishes: the stream is made by those that take orders off.
    ///
    /// # Errors
    /// The URL is not one.
    pub async fn connect_publisher(url: &str) -> Result<Self, QueueError> {
        Ok(Self { upkeep: Upkeep::Others, ..Self::open(url, STREAM).await? })
    }

    /// Connects to a queue of another name.
    pub(crate) async fn open(url: &str, stream: &str) -> Result<Self, QueueError> {
        metrics::describe();
        let address: ServerAddr = url.parse().map_err(failed("connect"))?;
        let mut options = ConnectOptions::new()
            .name("journal")
            .retry_on_initial_connect()
            .ping_interval(PING_INTERVAL)
            .connection_timeout(REQUEST_TIMEOUT)
            .request_timeout(Some(REQUEST_TIMEOUT))
            .event_callback(|event| async move { log(&event) });
        if let Some(Credentials { user, password }) = Credentials::of(&address) {
            // Answers to a user are under a subject that only this user may hear.
            options =
                options.custom_inbox_prefix(format!("{INBOX}.{user}")).user_and_password(user, password);
        }
        let client = options.connect(address).await.map_err(failed("connect"))?;
        let context = ContextBuilder::new().timeout(REQUEST_TIMEOUT).build(client.clone());
        let upkeep = Upkeep::Own;
        Ok(Self { client, context, stream: stream.into(), upkeep, consumer: Arc::default() })
    }

    /// Rings for an order that can be claimed, and waits until the server has the message, or says that
    /// one for the order is there already.
    ///
    /// # Errors
    /// It may or may not be on the queue; the executors find the order without it.
    pub async fn publish(&self, id: order::Id, traceparent: Option<&str>) -> Result<(), QueueError> {
        const DOING: &str = "publish an order";
        self.require_connection()?;
        let mut headers = HeaderMap::new();
        if let Some(traceparent) = traceparent {
            headers.insert(TRACEPARENT, traceparent);
        }
        let mut result = self.put(id, headers.clone()).await;
        let missing =
            |error: &jetstream::context::PublishError| error.kind() == PublishErrorKind::StreamNotFound;
        if self.upkeep == Upkeep::Own && result.as_ref().is_err_and(missing) {
            self.make_stream().await?;
            result = self.put(id, headers).await;
        }
        let result = match result {
            Err(error) if error.to_string().contains(THERE_ALREADY) => Ok(()),
            result => result.map_err(failed(DOING)),
        };
        metrics::published(result.is_ok());
        result
    }

    /// Puts a parked message back, under a subject of its own: that which it had may hold another by now.
    ///
    /// # Errors
    /// It may or may not be on the queue.
    pub(crate) async fn put_back(&self, parked: &Parked) -> Result<(), QueueError> {
        const DOING: &str = "put a message back";
        self.require_connection()?;
        self.make_stream().await?;
        let mut headers = HeaderMap::new();
        if let Some(traceparent) = &parked.traceparent {
            headers.insert(TRACEPARENT, traceparent.as_str());
        }
        let since = parked.first_at.timestamp_micros();
        let subject = format!("{}.execute.parked-{}-{since}", self.stream, parked.id);
        let payload = parked.payload.clone();
        let sent = self.context.publish_with_headers(subject, headers, payload.into()).await;
        sent.map_err(failed(DOING))?.await.map(drop).map_err(failed(DOING))
    }

    /// Checks that the server answers and has the stream, which is made if it has not, unless that is others' work.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), QueueError> {
        self.require_connection()?;
        match self.upkeep {
            Upkeep::Own => {
                let stream = self.make_stream().await?;
                metrics::queued(stream.cached_info().state.messages);
                Ok(())
            }
            Upkeep::Others => {
                self.context.get_stream(&*self.stream).await.map(drop).map_err(failed("find its stream"))
            }
        }
    }

    /// The next orders, up to `max`: those that are there now, or else the first that comes within
    /// `expires`; empty if none does. Don't drop the future before it is done: an order that is just
    /// then on its way comes again only after some seconds.
    ///
    /// # Errors
    /// The queue is out of reach. Wait a moment and call again; stream and consumer are made anew.
    pub async fn next(&self, max: usize, expires: Duration) -> Result<Vec<Delivery>, QueueError> {
        if max == 0 {
            return Ok(Vec::new());
        }
        self.require_connection()?;
        let consumer = self.consumer().await?;
        let deliveries = pull_now_or_later(&consumer, max, expires).await;
        if deliveries.is_err() {
            *self.consumer.lock().await = None;
        }
        deliveries
    }

    fn require_connection(&self) -> Result<(), QueueError> {
        // What is published while disconnected would be sent minutes later, unknown to the caller.
        match self.client.connection_state() {
            State::Connected => Ok(()),
            State::Pending | State::Disconnected => Err(QueueError::Disconnected),
        }
    }

    async fn put(&self, id: order::Id, headers: HeaderMap) -> Result<(), jetstream::context::PublishError> {
        let subject = format!("{}.execute.{id}", self.stream);
        let acknowledged = self.context.publish_with_headers(subject, headers, id.to_string().into()).await?;
        acknowledged.await.map(drop)
    }

    async fn make_stream(&self) -> Result<Stream, QueueError> {
        const DOING: &str = "make its stream";
        let config = jetstream::stream::Config {
            name: self.stream.to_string(),
            subjects: vec![format!("{}.execute.*", self.stream)],
            retention: RetentionPolicy::WorkQueue,
            // Old messages are orders that wait: never drop them for new ones.
            discard: DiscardPolicy::New,
            max_messages: MESSAGES_MAX,
            max_messages_per_subject: MESSAGES_PER_ORDER,
            discard_new_per_subject: true,
            max_age: MESSAGE_AGE_MAX,
            max_message_size: MESSAGE_BYTES_MAX,
            ..Default::default()
        };
        let mut stream = self.context.get_or_create_stream(&config).await.map_err(failed(DOING))?;
        // One that an earlier version has made takes any number.
        if !stream.cached_info().config.discard_new_per_subject {
            self.context.update_stream(&config).await.map_err(failed(DOING))?;
            stream = self.context.get_stream(&*self.stream).await.map_err(failed(DOING))?;
        }
        Ok(stream)
    }

    async fn consumer(&self) -> Result<PullConsumer, QueueError> {
        let mut shared = self.consumer.lock().await;
        if let Some(consumer) = shared.as_ref() {
            return Ok(consumer.clone());
        }
        let config = pull::Config {
            durable_name: Some(CONSUMER.to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACKNOWLEDGE_WITHIN,
            // Attempts are counted in the journal; the queue never gives an order up.
            max_deliver: -1,
            max_ack_pending: UNACKNOWLEDGED_MAX,
            ..Default::default()
        };
        let stream = self.make_stream().await?;
        let consumer =
            stream.get_or_create_consumer(CONSUMER, config).await.map_err(failed("make its consumer"))?;
        Ok(shared.insert(consumer).clone())
    }
}

impl Delivery {
    fn read(message: Message) -> Self {
        metrics::delivered();
        let text = std::str::from_utf8(&message.payload).ok();
        let headers = message.headers.as_ref();
        let traceparent = headers.and_then(|headers| headers.get(TRACEPARENT)).map(ToString::to_string);
        Self { order_id: text.and_then(|text| text.parse().ok()), traceparent, message }
    }

    /// The message itself.
    pub(crate) fn message(&self) -> &Message {
        &self.message
    }

    /// Tells the queue that the message need not come again: whoever was rung looks for what is due.
    ///
    /// # Errors
    /// It may come again; nothing may then be due.
    pub async fn acknowledge(&self) -> Result<(), QueueError> {
        self.message.ack().await.map_err(failed("acknowledge an order"))
    }
}

const PULLING: &str = "fetch orders";

/// No request is ever left behind that asks for more than was waited for, so no message goes to
/// somebody who has stopped listening.
async fn pull_now_or_later(
    consumer: &PullConsumer,
    max: usize,
    expires: Duration,
) -> Result<Vec<Delivery>, QueueError> {
    let there = consumer.fetch().max_messages(max).messages().await.map_err(failed(PULLING))?;
    let deliveries = collect(there, Instant::now() + REQUEST_TIMEOUT).await?;
    if !deliveries.is_empty() {
        return Ok(deliveries);
    }
    let first =
        consumer.batch().max_messages(1).expires(expires).messages().await.map_err(failed(PULLING))?;
    collect(first, Instant::now() + expires + REQUEST_TIMEOUT).await
}

/// Takes a pull's messages until the server ends it. A failure after the first message waits for
/// the next pull: what has come must not be dropped.
async fn collect(mut batch: pull::Batch, deadline: Instant) -> Result<Vec<Delivery>, QueueError> {
    let mut deliveries = Vec::new();
    loop {
        let reason = match timeout_at(deadline, batch.next()).await {
            Ok(Some(Ok(message))) => {
                deliveries.push(Delivery::read(message));
                continue;
            }
            Ok(None) => return Ok(deliveries),
            Ok(Some(Err(error))) => error.to_string(),
            Err(_) => "the server did not answer in time".to_owned(),
        };
        if !deliveries.is_empty() {
            return Ok(deliveries);
        }
        return Err(QueueError::Failed { doing: PULLING, reason });
    }
}

fn log(event: &Event) {
    match event {
        Event::Connected => tracing::info!("connected to the queue"),
        Event::Disconnected | Event::ServerError(_) | Event::ClientError(_) | Event::SlowConsumer(_) => {
            tracing::warn!(%event, "the connection to the queue has a problem");
        }
        Event::LameDuckMode | Event::Draining | Event::Closed => {
            tracing::info!(%event, "the connection to the queue is ending");
        }
    }
}

#[cfg(test)]
mod tests;
