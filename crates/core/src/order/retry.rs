/// How often an attempt that swapped nothing is made again, and after which pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all; at least 1.
    pub attempts: u32,
    /// The pause after the first attempt, in milliseconds; it doubles with each further one.
    pub pause_ms: u64,
}

/// No pause is longer, whatever the policy: a moment further away than this was written by a clock
/// that has been set back since.
const MAX_PAUSE_MS: u64 = 60_000;

/// More doublings than any pause has.
const MAX_DOUBLINGS: u32 = 16;

impl RetryPolicy {
    /// The pause after `attempt` failed, in milliseconds: exponential, with up to a quarter of
    /// itself added from `jitter` so that orders that failed together do not return together.
    pub(super) fn pause_ms(&self, attempt: u32, jitter: u64) -> u64 {
        let doublings = attempt.saturating_sub(1).min(MAX_DOUBLINGS);
        let pause = self.pause_ms.saturating_mul(1u64 << doublings);
        let spread = (pause >> 2).saturating_add(1);
        pause.saturating_add(jitter.checked_rem(spread).unwrap_or(0)).min(MAX_PAUSE_MS)
    }
}

impl Default for RetryPolicy {
    /// Three attempts, with pauses of about one and two seconds.
    fn default() -> Self {
        Self { attempts: 3, pause_ms: 1_000 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_spread_by_a_quarter() {
        let policy = RetryPolicy::default();
        assert_eq!(
            (policy.pause_ms(1, 0), policy.pause_ms(1, 250), policy.pause_ms(1, 251)),
            (1_000, 1_250, 1_000)
        );
        assert_eq!(policy.pause_ms(2, 0), 2_000);
        assert_eq!(policy.pause_ms(u32::MAX, u64::MAX), MAX_PAUSE_MS);
    }
}
