use order_core::{Failure, failure};
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// The pause before something that did not answer is asked again, within the same attempt.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// The time by which an attempt must have signed something. It ends with the signature: what may have been
/// sent is not given up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    allowed: Duration,
}

impl Deadline {
    /// A deadline `allowed` from now.
    pub(crate) fn after(allowed: Duration) -> Self {
        Self { at: Instant::now() + allowed, allowed }
    }

    /// Gives all of the time again: another attempt begins.
    pub(crate) fn restart(&mut self) {
        *self = Self::after(self.allowed);
    }

    /// The time that is left.
    pub(crate) fn remaining(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// Does `work` as long as there is time. What does not answer is asked again: a router or node
    /// that restarts costs the attempt some time, not the attempt.
    pub(crate) async fn spend<T, F, Fut>(&self, mut work: F) -> Result<T, Failure>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, Failure>>,
    {
        loop {
            match timeout_at(self.at, work()).await {
                Ok(Err(failure)) if may_return(failure.code) && self.remaining() > ASK_AGAIN_AFTER => {
                    tracing::warn!(%failure, "asking again");
                    sleep(ASK_AGAIN_AFTER).await;
                }
                Ok(outcome) => return outcome,
                Err(_) => return Err(self.missed()),
            }
        }
    }

    fn missed(&self) -> Failure {
        Failure::new(
            failure::Code::AttemptTimedOut,
            format!("nothing was signed within {} s", self.allowed.as_secs()),
        )
    }
}

/// True if the same question may get an answer a moment later.
const fn may_return(code: failure::Code) -> bool {
    match code {
        failure::Code::RouterUnavailable
        | failure::Code::ClusterUnavailable
        | failure::Code::SignerUnavailable => true,
        failure::Code::NoRoute
        | failure::Code::SlippageExceeded
        | failure::Code::PriceImpactTooHigh
        | failure::Code::InsufficientFunds
        | failure::Code::FundsReserved
        | failure::Code::AttemptTimedOut
        | failure::Code::Interrupted
        | failure::Code::SimulationFailed
        | failure::Code::TransactionReverted
        | failure::Code::TransactionExpired
        | failure::Code::MarkerInUse
        | failure::Code::WalletChanged
        | failure::Code::Halted
        | failure::Code::LimitExceeded
        | failure::Code::Unsupported => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const ALLOWED: Duration = Duration::from_secs(30);

    fn failed<T>(code: failure::Code) -> Result<T, Failure> {
        Err(Failure::new(code, "as told"))
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_hangs_is_timed_out() {
        let started = Instant::now();
        let outcome: Result<(), _> = Deadline::after(ALLOWED).spend(std::future::pending).await;
        let failure = outcome.unwrap_err();
        assert_eq!(failure.code, failure::Code::AttemptTimedOut);
        assert_eq!(failure.message, "nothing was signed within 30 s");
        assert_eq!(started.elapsed(), ALLOWED);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_back_in_time_is_waited_for() {
        let asked = Cell::new(0);
        let outcome = Deadline::after(ALLOWED)
            .spend(async || {
                asked.set(asked.get() + 1);
                if asked.get() < 5 { failed(failure::Code::RouterUnavailable) } else { Ok(asked.get()) }
            })
            .await;
        assert_eq!(outcome, Ok(5));
    }

    #[tokio::test(start_paused = true)]
    async fn what_stays_away_is_named_rather_than_the_time() {
        let started = Instant::now();
        let outcome: Result<(), _> =
            Deadline::after(ALLOWED).spend(async || failed(failure::Code::ClusterUnavailable)).await;
        assert_eq!(outcome.unwrap_err().code, failure::Code::ClusterUnavailable);
        assert!(started.elapsed() <= ALLOWED && started.elapsed() > ALLOWED - 2 * ASK_AGAIN_AFTER);
    }

    #[tokio::test(start_paused = true)]
    async fn a_no_is_taken_at_once() {
        for code in failure::Code::ALL.into_iter().filter(|code| !may_return(*code)) {
            let started = Instant::now();
            let outcome: Result<(), _> = Deadline::after(ALLOWED).spend(async || failed(code)).await;
            assert_eq!((outcome.unwrap_err().code, started.elapsed()), (code, Duration::ZERO));
        }
    }
}
