use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// The longest times of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// For the first request to arrive, and for the head of each further one from its first byte on.
    pub head: Duration,
    /// Without an exchange, after the first one.
    pub idle: Duration,
    /// Of one exchange.
    pub exchange: Duration,
}

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
    /// The moment of the first byte that came since the last exchange.
    heard_at: Option<Instant>,
    /// True if bytes between two exchanges need not be a request: HTTP/2 has frames that are none.
    framed: bool,
}

impl Default for Activity {
    fn default() -> Self {
        let state = State {
            running: BTreeMap::new(),
            last: 0,
            idle_since: Instant::now(),
            heard_at: None,
            framed: false,
        };
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
        state.heard_at = None;
        drop(state);
        Exchange { activity: Arc::clone(self), number }
    }

    /// The moment since which nothing has run; None while something does.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        let state = self.lock();
        let idle = state.running.is_empty() && !self.blocked.load(Ordering::Acquire);
        idle.then_some(state.idle_since)
    }

    /// Notes that bytes came.
    pub(crate) fn heard(&self) {
        let mut state = self.lock();
        if state.running.is_empty() && state.heard_at.is_none() {
            state.heard_at = Some(Instant::now());
        }
    }

    /// Notes that bytes between two exchanges need not be a request.
    pub fn set_framed(&self) {
        self.lock().framed = true;
    }

    /// Waits until the connection has used up one of its times.
    pub async fn overdue(&self, times: &Times) {
        loop {
            let now = Instant::now();
            let deadline = self.deadline(now, times);
            if deadline <= now {
                return;
            }
            // A head may begin before, or an exchange end.
            sleep_until(deadline.min(now + times.head)).await;
        }
    }

    fn deadline(&self, now: Instant, times: &Times) -> Instant {
        let state = self.lock();
        match (state.running.values().min(), state.heard_at) {
            (Some(started), _) => *started + times.exchange,
            // The stream itself gives up a reader that takes too long.
            (None, _) if self.blocked.load(Ordering::Acquire) => now + times.head,
            (None, _) if state.last == 0 => state.idle_since + times.head,
            (None, Some(heard_at)) if !state.framed => heard_at + times.head,
            (None, _) => state.idle_since + times.idle,
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

    const TIMES: Times = Times {
        head: Duration::from_secs(10),
        idle: Duration::from_secs(100),
        exchange: Duration::from_secs(60),
    };

    /// The seconds until the connection is overdue.
    async fn patience(activity: &Activity) -> u64 {
        let started = Instant::now();
        activity.overdue(&TIMES).await;
        started.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_request_has_the_time_of_a_head() {
        let activity = Activity::default();
        activity.heard();
        assert_eq!(patience(&activity).await, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_further_head_has_its_time_from_its_first_byte() {
        let activity = Arc::new(Activity::default());
        drop(activity.begin());
        let heard = async {
            for _ in 0..9 {
                tokio::time::sleep(Duration::from_secs(7)).await;
                activity.heard();
            }
        };
        let (seconds, ()) = tokio::join!(patience(&activity), heard);
        assert!((17..=27).contains(&seconds), "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn frames_between_two_exchanges_are_no_head() {
        let activity = Arc::new(Activity::default());
        activity.set_framed();
        drop(activity.begin());
        activity.heard();
        assert_eq!(patience(&activity).await, 100);
    }

    #[tokio::test(start_paused = true)]
    async fn idle_time_counts_from_the_last_exchange() {
        let activity = Arc::new(Activity::default());
        let exchange = activity.begin();
        assert_eq!(activity.idle_since(), None);
        let ending = async {
            tokio::time::sleep(Duration::from_secs(7)).await;
            drop(exchange);
        };
        let ((), seconds) = tokio::join!(ending, patience(&activity));
        assert!((107..=117).contains(&seconds), "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_exchange_without_an_end_is_overdue() {
        let activity = Arc::new(Activity::default());
        let _exchange = activity.begin();
        assert_eq!(patience(&activity).await, 60);
    }
}
