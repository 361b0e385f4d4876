//! How many simulations on each pool did what our maths says, and how many did not.

use order_core::PoolAddress;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Simulations of longer ago do not count.
const WINDOW: Duration = Duration::from_mins(10);

/// Pools that are counted; far more than routes ever name.
const POOLS_MAX: usize = 10_000;

/// The simulations of this process, by pool.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<HashMap<PoolAddress, Counts>>);

/// Two halves of the window: the older one is dropped as a whole.
#[derive(Debug)]
struct Counts {
    since: Instant,
    now: Seen,
    before: Seen,
}

#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    well: u64,
    bad: u64,
}

impl Tally {
    /// Counts a simulation that did on these pools what our maths says.
    pub(crate) fn well(&self, pools: impl Iterator<Item = PoolAddress>) {
        self.count(pools, |seen| seen.well = seen.well.saturating_add(1));
    }

    /// Counts one that did not, and answers whether that is the rule on one of these pools.
    pub(crate) fn bad(&self, pools: impl Iterator<Item = PoolAddress> + Clone) -> bool {
        self.count(pools.clone(), |seen| seen.bad = seen.bad.saturating_add(1));
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counted = pools.filter_map(|pool| counts.get(&pool));
        counted.any(|counts| {
            let well = counts.now.well.saturating_add(counts.before.well);
            counts.now.bad.saturating_add(counts.before.bad) >= well
        })
    }

    fn count(&self, pools: impl Iterator<Item = PoolAddress>, count: impl Fn(&mut Seen)) {
        let now = Instant::now();
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for pool in pools {
            if counts.len() >= POOLS_MAX && !counts.contains_key(&pool) {
                counts.retain(|_, counts| now.duration_since(counts.since) < WINDOW);
            }
            let new = || Counts { since: now, now: Seen::default(), before: Seen::default() };
            let pool = counts.entry(pool).or_insert_with(new);
            let age = now.duration_since(pool.since);
            if age >= WINDOW / 2 {
                let before = if age < WINDOW { pool.now } else { Seen::default() };
                *pool = Counts { since: now, now: Seen::default(), before };
            }
            count(&mut pool.now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_most_orders_meet_is_the_rule_for_a_while() {
        let (tally, pool) = (Tally::default(), PoolAddress::new([1; 32]));
        let one = || std::iter::once(pool);
        assert!(tally.bad(one()));
        tally.well(one());
        assert!(tally.bad(one()));
        for _ in 0..3 {
            tally.well(one());
        }
        assert!(!tally.bad(one()), "3 of 7");
        assert!(tally.bad(std::iter::once(PoolAddress::new([2; 32]))), "each pool by itself");
        tokio::time::advance(WINDOW / 2).await;
        assert!(tally.bad(one()), "4 of 8");
        tokio::time::advance(WINDOW).await;
        for _ in 0..2 {
            tally.well(one());
        }
        assert!(!tally.bad(one()), "1 of 3");
    }
}
