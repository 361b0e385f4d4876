//! Keeps the book as fresh as the cluster.
//!
//! A subscription says *that* an account changed; what it changed to is always read together with the
//! pool's other accounts in one call, because notifications of one swap arrive one by one and a pool
//! between two of them never existed. Polling is the backstop for what no notification told.

mod discover;
mod plan;
mod reading;
mod search;
mod state;
mod tip;
mod verdict;

use crate::book::Book;
use crate::configuration::Named;
use crate::formats::Formats;
use crate::metrics;
use chain::pubsub::{self, Notice};
use chain::{AllowedFormats, Client, Commitment, Snapshot};
use discover::{discover, interval_of};
use futures_util::stream::{FuturesUnordered, StreamExt};
use order_core::Mint;
use plan::{PLANNED_MAX, Plan, Pools};
use service::CancellationToken;
pub(crate) use state::Limits;
use state::{Asked, Following, Question};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use verdict::Doubt;

/// A quote should be of the state that the next transaction meets. A fork that is dropped shows as a change,
/// or at the latest when polled.
const COMMITMENT: Commitment = Commitment::Processed;

/// How often everything is read though nothing seems to have changed.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// A node that takes longer is passed over: the next one may still answer before the state is too old.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the nodes that are compared with the first one to answer are waited for.
const WITNESS_PATIENCE: Duration = Duration::from_millis(300);

/// The pause after a search for pools that failed.
const DISCOVERY_RETRY: Duration = Duration::from_secs(1);

/// The interval between two reads of the formats of transactions: lookup tables grow while the router runs.
const FORMATS_INTERVAL: Duration = Duration::from_secs(10);

/// Follows the pools of one cluster and publishes the book.
pub(crate) struct Follower {
    pub(crate) client: Client,
    /// Where nodes tell of changes, the preferred one first.
    pub(crate) websocket_urls: Vec<String>,
    /// Which pools.
    pub(crate) pools: Named,
    /// Whose pairs' pools are looked for where none is named.
    pub(crate) tokens: Vec<Mint>,
    /// Which formats transactions may have.
    pub(crate) allowed: AllowedFormats,
    /// Transactions pay a tip.
    pub(crate) tipped: bool,
    /// The formats as they were last read; the plainest at first.
    pub(crate) formats: watch::Sender<Arc<Formats>>,
    pub(crate) limits: Limits,
    pub(crate) books: watch::Sender<Book>,
}

impl Follower {
    /// Follows until the process is asked to stop.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            () = self.follow() => {}
            () = self.follow_formats() => {}
        }
    }

    /// Reads the formats of transactions again and again.
    async fn follow_formats(&self) {
        let mut failing = Failing::default();
        loop {
            match self.client.formats(&self.allowed).await {
                Ok(formats) => {
                    failing.succeeded("reading the formats of transactions");
                    self.formats.send_replace(Arc::new(Formats::new(formats)));
                }
                Err(error) => failing.failed("reading the formats of transactions", &error),
            }
            tokio::time::sleep(FORMATS_INTERVAL).await;
        }
    }

    async fn follow(&self) {
        let mut pools = self.discover().await;
        let mut planned_max = PLANNED_MAX;
        loop {
            let plan = Plan::new(pools, planned_max);
            tracing::info!(pools = plan.pools.len(), groups = plan.groups.len(), "following");
            pools = match Box::pin(self.follow_plan(&plan)).await {
                Replan::Others(others) => others,
                Replan::Smaller => {
                    planned_max /= 2;
                    plan.pools
                }
            };
        }
    }

    /// Looks for pools until there are some.
    async fn discover(&self) -> Pools {
        let mut failing = Failing::default();
        loop {
            match discover(&self.client, &self.pools, &self.tokens).await {
                Ok(pools) => return pools,
                Err(error) => failing.failed("looking for pools", &error),
            }
            tokio::time::sleep(DISCOVERY_RETRY).await;
        }
    }

    /// Looks for pools from time to time until there are others than planned.
    async fn discover_others(&self, plan: &Plan) -> Pools {
        let mut failing = Failing::default();
        loop {
            tokio::time::sleep(interval_of(&self.pools)).await;
            match discover(&self.client, &self.pools, &self.tokens).await {
                Ok(pools) if plan.covers(&pools) => failing.succeeded("looking for pools"),
                Ok(pools) => return pools,
                Err(error) => failing.failed("looking for pools", &error),
            }
        }
    }

    /// Follows the planned pools until they must be planned anew.
    async fn follow_plan(&self, plan: &Plan) -> Replan {
        let watched = plan.watched.keys().copied().collect();
        let mut notices = pin!(pubsub::follow(self.websocket_urls.clone(), watched, COMMITMENT));
        let mut others = pin!(self.discover_others(plan));
        let mut following = Following::new(plan.clone(), self.limits, Instant::now());
        let mut reads = FuturesUnordered::new();
        let mut poll = interval(POLL_INTERVAL.min(self.limits.max_age / 2));
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut failing, mut unsubscribed) = (Failing::default(), Failing::default());
        loop {
            while let Some(question) = following.start(Instant::now()) {
                reads.push(self.read(question));
            }
            let wake = following.wake();
            tokio::select! {
                biased;
                Some(read) = reads.next() => {
                    self.finish(&mut following, &read, &mut failing);
                    if following.is_overfull() {
                        return Replan::Smaller;
                    }
                    self.publish(&following);
                }
                Some(notice) = notices.next() => {
                    if notify(&mut following, notice, &mut unsubscribed) {
                        self.publish(&following);
                    }
                }
                () = at(wake) => {}
                _ = poll.tick() => following.look(Instant::now()),
                pools = &mut others => return Replan::Others(pools),
            }
        }
    }

    fn publish(&self, following: &Following) {
        if let Some(book) = following.book() {
            let book = book.clone().with_tips(self.tipped);
            self.books.send_replace(book.with_formats(self.formats.borrow().clone()));
        }
    }

    fn read(&self, question: Question) -> impl Future<Output = Read> + use<'_> {
        let asked = Instant::now();
        async move {
            let Question { group, keys, of } = question;
            let answers = match of {
                Asked::Each => {
                    self.client.accounts_of_each(&keys, COMMITMENT, READ_TIMEOUT, WITNESS_PATIENCE).await
                }
                Asked::One { min_slot } => {
                    let read = self.client.accounts_since(&keys, COMMITMENT, min_slot, READ_TIMEOUT);
                    read.await.map(|answer| vec![answer])
                }
            };
            Read { group, asked, answers }
        }
    }

    fn finish(&self, following: &mut Following, read: &Read, failing: &mut Failing) {
        let now = Instant::now();
        let outcome = match &read.answers {
            Err(error) if error.is_behind() => {
                following.behind(read.group, now);
                "behind"
            }
            Err(error) => {
                failing.failed("reading pools", error);
                following.failed(read.group, now);
                "failed"
            }
            Ok(answers) => match following.read(read.group, answers, [read.asked, now], service::now()) {
                Err(doubt @ Doubt::Behind { .. }) => doubt.name(),
                Err(doubt) => {
                    failing.failed("reading pools", &doubt);
                    doubt.name()
                }
                Ok(node) => {
                    failing.succeeded("reading pools");
                    self.client.prefer(node);
                    "applied"
                }
            },
        };
        metrics::read(outcome);
    }
}

/// Why pools are planned anew.
enum Replan {
    /// There are others.
    Others(Pools),
    /// Some need more accounts together than one call gives.
    Smaller,
}

/// A call that came to its end.
struct Read {
    group: usize,
    asked: Instant,
    /// Each with its node's number.
    answers: Result<Vec<(usize, Snapshot)>, chain::Error>,
}

/// True if the book tells more than before: a change is only wanted to be read by now.
fn notify(following: &mut Following, notice: Notice, unsubscribed: &mut Failing) -> bool {
    let now = Instant::now();
    match notice {
        Notice::Connected => {
            unsubscribed.succeeded("subscribing to pools");
            following.connected(now);
            false
        }
        Notice::Account { slot, address, account: _ } => {
            following.changed(&address, slot, now);
            false
        }
        Notice::Slot { slot } => {
            following.slot(slot, now);
            true
        }
        Notice::Lost { reason } => {
            unsubscribed.failed("subscribing to pools", &reason);
            following.lost();
            false
        }
    }
}

/// Waits for a moment; for ever if there is none.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Logs when something begins to fail and when it works again, not each time between.
#[derive(Debug, Default)]
struct Failing(bool);

impl Failing {
    fn failed(&mut self, what: &str, error: &impl std::fmt::Display) {
        if !std::mem::replace(&mut self.0, true) {
            tracing::warn!("{what}: {error}; trying again until it works");
        }
    }

    fn succeeded(&mut self, what: &str) {
        if std::mem::replace(&mut self.0, false) {
            tracing::info!("{what} works again");
        }
    }
}
