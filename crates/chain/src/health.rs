//! How well a node answers: its latency, and a circuit breaker.

use std::time::Duration;
use tokio::time::Instant;

/// Failures in a row after which a node is left alone for a while.
const FAILURES_MAX: u32 = 3;
/// The first pause of a node that fails; each further failure doubles it.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
/// The longest pause of a node that fails.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// The longest pause that a node may ask for with `Retry-After`.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
/// A probe that takes longer has failed; then there may be another one.
const PROBE_WITHIN: Duration = Duration::from_secs(5);
/// How much an answer counts in the average latency: one part of so many.
const LATENCY_WEIGHT: u32 = 8;

/// Health of one node.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// Moving average; None before the first answer.
    latency: Option<Duration>,
    failures: u32,
    /// Not to be asked before this time, where another node can be.
    rests_until: Option<Instant>,
}

/// State of a node's circuit breaker. The order says which nodes are asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// Its pause is over: one call tries it, and asks the next if it is slow.
    Probed,
    /// It answers.
    Well,
    /// It rests; it is asked only if nobody else answers.
    Rests,
}

impl Health {
    /// Counts an answer that took so long. An error that the node gives on purpose is an answer.
    pub(crate) fn answered(&mut self, took: Duration) {
        let average = self.latency.map_or(took, |latency| {
            latency.saturating_sub(latency / LATENCY_WEIGHT).saturating_add(took / LATENCY_WEIGHT)
        });
        *self = Self { latency: Some(average), ..Self::default() };
    }

    /// Counts a call without an answer, and the pause that the node asked for.
    pub(crate) fn failed(&mut self, now: Instant, retry_after: Option<Duration>) {
        self.failures = self.failures.saturating_add(1);
        let doublings = self.failures.saturating_sub(FAILURES_MAX).min(10);
        let pause = PAUSE_FIRST.saturating_mul(1 << doublings).min(PAUSE_MAX);
        let pause = match retry_after {
            Some(asked) => Some(asked.min(RETRY_AFTER_MAX)),
            None => (self.failures >= FAILURES_MAX).then_some(pause),
        };
        if let Some(pause) = pause {
            self.rests_until = self.rests_until.max(Some(now + pause));
        }
    }

    /// State of the breaker now. A probe is handed out once: until it is decided the node rests.
    pub(crate) fn state(&mut self, now: Instant) -> State {
        match self.rests_until {
            None => State::Well,
            Some(until) if now < until => State::Rests,
            Some(_) => {
                self.rests_until = Some(now + PROBE_WITHIN);
                State::Probed
            }
        }
    }

    /// How long answers take on average; zero before the first.
    pub(crate) fn latency(&self) -> Duration {
        self.latency.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_node_that_fails_again_and_again_rests_and_is_probed_once() {
        let (mut health, now) = (Health::default(), Instant::now());
        for _ in 1..FAILURES_MAX {
            health.failed(now, None);
            assert_eq!(health.state(now), State::Well);
        }
        health.failed(now, None);
        assert_eq!(health.state(now), State::Rests);
        let later = now + PAUSE_FIRST;
        assert_eq!((health.state(later), health.state(later)), (State::Probed, State::Rests));
        health.failed(later, None);
        assert_eq!(health.state(later + PROBE_WITHIN), State::Probed);
        health.answered(Duration::from_millis(8));
        assert_eq!((health.state(later), health.latency()), (State::Well, Duration::from_millis(8)));
        health.answered(Duration::from_millis(16));
        assert_eq!(health.latency(), Duration::from_millis(9));
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_gets_the_pause_that_it_asks_for_within_bounds() {
        for (asked, granted) in [(2, 2), (3_600, RETRY_AFTER_MAX.as_secs())] {
            let (mut health, now) = (Health::default(), Instant::now());
            health.failed(now, Some(Duration::from_secs(asked)));
            assert_eq!(
                health.state(now + Duration::from_secs(granted) - Duration::from_millis(1)),
                State::Rests
            );
            assert_eq!(health.state(now + Duration::from_secs(granted)), State::Probed);
        }
    }
}
