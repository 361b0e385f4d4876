//! Keeps the book as fresh as the cluster.
//!
//! A subscription says *that* an account changed; what it changed to is always read together with the
//! pool's other accounts in one call, because notifications of one swap arrive one by one and a pool
//! between two of them never existed. Polling is the backstop for what no notification told.

mod discover;
mod plan;
mod state;

use crate::book::Book;
use crate::metrics;
use chain::pubsub::{self, Notice};
use chain::{Client, Commitment, Snapshot};
use discover::discover;
use futures_util::stream::{FuturesUnordered, StreamExt};
use order_core::PoolAddress;
use plan::{Plan, Pools};
use service::CancellationToken;
use state::{Following, Outcome};
use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

/// What is quoted should be what the next transaction meets. A fork that is dropped shows as a change,
/// or at the latest when polled.
const COMMITMENT: Commitment = Commitment::Processed;

/// How often everything is read though nothing seems to have changed.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// How often new pools are looked for.
const DISCOVERY_INTERVAL: Duration = Duration::from_secs(60);

/// The pause after a search for pools that failed.
const DISCOVERY_RETRY: Duration = Duration::from_secs(1);

/// Follows the pools of one cluster and publishes the book.
pub(crate) struct Follower {
    pub(crate) client: Client,
    pub(crate) websocket_url: String,
    /// Which pools; every one that is found if empty.
    pub(crate) pools: Vec<PoolAddress>,
    pub(crate) max_age: Duration,
    pub(crate) books: watch::Sender<Book>,
}

impl Follower {
    /// Follows until the process is asked to stop.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            () = self.follow() => {}
        }
    }

    async fn follow(&self) {
        let mut pools = self.discover().await;
        loop {
            let plan = Plan::new(pools);
            tracing::info!(pools = plan.pools.len(), groups = plan.groups.len(), "following");
            pools = Box::pin(self.follow_plan(plan)).await;
        }
    }

    /// Looks for pools until there are some.
    async fn discover(&self) -> Pools {
        let mut failing = Failing::default();
        loop {
            match discover(&self.client, &self.pools).await {
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
            tokio::time::sleep(DISCOVERY_INTERVAL).await;
            match discover(&self.client, &self.pools).await {
                Ok(pools) if plan.covers(&pools) => failing.succeeded("looking for pools"),
                Ok(pools) => return pools,
                Err(error) => failing.failed("looking for pools", &error),
            }
        }
    }

    /// Follows the planned pools until there are others.
    async fn follow_plan(&self, plan: Plan) -> Pools {
        let watched = plan.watched.keys().copied().collect();
        let mut notices = pin!(pubsub::follow(self.websocket_url.clone(), watched, COMMITMENT));
        let mut others = pin!(self.discover_others(&plan));
        let mut following = Following::new(plan.clone(), Instant::now());
        let mut reads = FuturesUnordered::new();
        let mut poll = interval(POLL_INTERVAL.min(self.max_age / 2));
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut failing, mut unsubscribed) = (Failing::default(), Failing::default());
        loop {
            while let Some((group, keys)) = following.start(Instant::now()) {
                reads.push(self.read(group, keys));
            }
            let wake = following.wake();
            tokio::select! {
                biased;
                Some(read) = reads.next() => {
                    finish(&mut following, read, &mut failing);
                    self.publish(&following);
                }
                Some(notice) = notices.next() => {
                    if notify(&mut following, notice, &mut unsubscribed) {
                        self.publish(&following);
                    }
                }
                () = at(wake) => {}
                _ = poll.tick() => following.look(Instant::now()),
                pools = &mut others => return pools,
            }
        }
    }

    fn publish(&self, following: &Following) {
        if let Some(book) = following.book() {
            self.books.send_replace(book.clone());
        }
    }

    fn read(&self, group: usize, keys: Vec<order_core::Pubkey>) -> impl Future<Output = Read> + use<'_> {
        let asked = Instant::now();
        async move { Read { group, asked, answer: self.client.accounts(&keys, COMMITMENT).await } }
    }
}

/// A call that came to its end.
struct Read {
    group: usize,
    asked: Instant,
    answer: Result<Snapshot, chain::Error>,
}

fn finish(following: &mut Following, read: Read, failing: &mut Failing) {
    let now = Instant::now();
    match read.answer {
        Ok(snapshot) => {
            failing.succeeded("reading pools");
            match following.read(read.group, &snapshot, read.asked, now) {
                Outcome::Applied => metrics::read("applied"),
                Outcome::Behind => metrics::read("behind"),
            }
        }
        Err(error) => {
            metrics::read("failed");
            failing.failed("reading pools", &error);
            following.failed(read.group, now);
        }
    }
}

/// Whether the book tells more than before: a change is only wanted to be read by now.
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
