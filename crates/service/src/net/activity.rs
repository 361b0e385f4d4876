use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// The exchanges of one connection: those that run, and since when there is none. An exchange is a request and
/// its answer, until the last byte of the answer is handed over.
#[derive(Debug)]
pub struct Activity {
    state: Mutex<State>,
    /// True while the other side takes no bytes.
    blocked: AtomicBool,
    evicted: CancellationToken,
}

#[derive(Debug)]
struct State {
    running: BTreeMap<u64, Instant>,
    last: u64,
    idle_since: Instant,
}

impl Default for Activity {
    fn default() -> Self {
        let state = State { running: BTreeMap::new(), last: 0, idle_since: Instant::now() };
        Self { state: Mutex::new(state), blocked: AtomicBool::new(false), evicted: CancellationToken::new() }
    }
}

impl Activity {
    /// Begins an exchange. It ends when the guard is dropped.
    pub fn begin(self: &Arc<Self>) -> Exchange {
        let mut state = self.lock();
        state.last = state.last.wrapping_add(1);
        let number = state.last;
        state.running.insert(number, Instant::now());
        drop(state);
        Exchange { activity: Arc::clone(self), number }
    }

    /// The moment since which nothing has run; None while something does.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        let state = self.lock();
        let idle = state.running.is_empty() && !self.blocked.load(Ordering::Acquire);
        idle.then_some(state.idle_since)
    }

    /// Waits until nothing has run for `idle`, or one exchange has run for `exchange`.
    pub async fn overdue(&self, idle: Duration, exchange: Duration) {
        loop {
            let now = Instant::now();
            let deadline = {
                let state = self.lock();
                match state.running.values().min() {
                    Some(started) => *started + exchange,
                    // The stream itself gives up a reader that takes too long.
                    None if self.blocked.load(Ordering::Acquire) => now + idle,
                    None => state.idle_since + idle,
                }
            };
            if deadline <= now {
                return;
            }
            // An exchange may end before, and the idle time begin.
            sleep_until(deadline.min(now + idle)).await;
        }
    }

    /// Ends the connection in favour of another.
    pub(crate) fn evict(&self) {
        self.evicted.cancel();
    }

    /// Waits until the connection is to end in favour of another.
    pub async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// Cancelled when the connection is to end in favour of another.
    pub(crate) fn eviction(&self) -> CancellationToken {
        self.evicted.clone()
    }

    pub(crate) fn set_blocked(&self, blocked: bool) {
        if self.blocked.swap(blocked, Ordering::AcqRel) && !blocked {
            self.lock().idle_since = Instant::now();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running exchange. Dropping it ends it.
#[derive(Debug)]
pub struct Exchange {
    activity: Arc<Activity>,
    number: u64,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut state = self.activity.lock();
        state.running.remove(&self.number);
        state.idle_since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(10);
    const EXCHANGE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn idle_time_counts_from_the_last_exchange() {
        let (activity, started) = (Arc::new(Activity::default()), Instant::now());
        let exchange = activity.begin();
        assert_eq!(activity.idle_since(), None);
        let ending = async {
            tokio::time::sleep(Duration::from_secs(7)).await;
            drop(exchange);
        };
        tokio::join!(ending, activity.overdue(IDLE, EXCHANGE));
        let elapsed = started.elapsed().as_secs();
        assert!((17..=27).contains(&elapsed), "{elapsed}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_exchange_without_an_end_is_overdue() {
        let (activity, started) = (Arc::new(Activity::default()), Instant::now());
        let _exchange = activity.begin();
        activity.overdue(IDLE, EXCHANGE).await;
        assert_eq!(started.elapsed().as_secs(), EXCHANGE.as_secs());
    }
}
