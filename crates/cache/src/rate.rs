//! Rate limits: one token bucket for each subject, shared by all gateways through Redis.
//!
//! Each process also has buckets of its own, which are never fuller than the shared ones were when it saw them
//! last. A subject whose bucket is empty here is refused without Redis. While Redis is away, or busy, the bucket
//! here decides.

use super::{Cache, Error};
use deadpool_redis::redis;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A request costs this many units, and a bucket gains one unit a millisecond for each request that
/// is allowed a minute: integers only.
const UNITS: u64 = 60_000;

/// Most buckets in a process. When there are more, those that have the most left go.
const MAX_LOCAL_BUCKETS: usize = 10_000;

/// Takes a request's units out of a bucket, in one step, by Redis's own clock.
/// Answers whether there were enough, and what is left.
const TAKE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local gain, cost = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = gain * cost
local bucket = redis.call('HMGET', KEYS[1], 'units', 'at')
local units = full
if bucket[1] then
  units = math.min(full, tonumber(bucket[1]) + math.max(0, now - tonumber(bucket[2])) * gain)
end
local allowed = 0
if units >= cost then
  allowed = 1
  units = units - cost
end
redis.call('HSET', KEYS[1], 'units', string.format('%.0f', units), 'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], cost)
return {allowed, string.format('%.0f', units)}
";

/// The decision on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// True if this request is within the limit.
    pub allowed: bool,
    /// How many further requests would be, now.
    pub remaining: u64,
    /// In how many seconds, rounded up, another request is allowed; 0 if one is now.
    pub retry_after_seconds: u64,
    /// In how many seconds, rounded up, the whole limit is there again.
    pub reset_seconds: u64,
}

impl Cache {
    /// Counts a request of `subject`, an address or an account, which may make `per_minute` of them: at once,
    /// or spread.
    pub async fn allow(&self, subject: &str, per_minute: u32) -> Decision {
        let buckets = &self.shared.buckets;
        let here = buckets.take(subject, per_minute, Instant::now());
        if !here.allowed {
            return here;
        }
        match self.take(subject, per_minute).await {
            Ok((allowed, units)) => {
                buckets.lower(subject, units, per_minute, Instant::now());
                decision(allowed, units, per_minute)
            }
            Err(error) => {
                tracing::debug!(%error, "requests are counted in this process alone");
                here
            }
        }
    }

    /// As [`Cache::allow`], counted in this process alone.
    pub fn allow_here(&self, subject: &str, per_minute: u32) -> Decision {
        self.shared.buckets.take(subject, per_minute, Instant::now())
    }

    async fn take(&self, subject: &str, per_minute: u32) -> Result<(bool, u64), Error> {
        let mut command = redis::cmd("EVAL");
        command.arg(TAKE).arg(1).arg(self.key(&format!("rate:{subject}"))).arg(per_minute).arg(UNITS);
        let (allowed, units): (u8, String) = self.shared.limits.command(&command).await?;
        let units = units.parse().map_err(|_| Error::Refused(format!("`{units}` for a rate limit")))?;
        Ok((allowed == 1, units))
    }
}

fn decision(allowed: bool, units: u64, per_minute: u32) -> Decision {
    let per_second = u64::from(per_minute).saturating_mul(1000).max(1);
    let full = u64::from(per_minute).saturating_mul(UNITS);
    Decision {
        allowed,
        remaining: units / UNITS,
        retry_after_seconds: UNITS.saturating_sub(units).div_ceil(per_second),
        reset_seconds: full.saturating_sub(units).div_ceil(per_second),
    }
}

/// The buckets of one process, by subject.
#[derive(Default)]
pub(crate) struct Buckets(Mutex<HashMap<String, Bucket>>);

struct Bucket {
    units: u64,
    per_minute: u32,
    at: Instant,
}

impl Bucket {
    fn full(per_minute: u32, now: Instant) -> Self {
        Self { units: u64::from(per_minute).saturating_mul(UNITS), per_minute, at: now }
    }

    /// The units at `now`.
    fn units_at(&self, now: Instant) -> u64 {
        let elapsed_ms =
            u64::try_from(now.saturating_duration_since(self.at).as_millis()).unwrap_or(u64::MAX);
        let gain = elapsed_ms.saturating_mul(u64::from(self.per_minute));
        self.units.saturating_add(gain).min(u64::from(self.per_minute).saturating_mul(UNITS))
    }

    fn refill(&mut self, per_minute: u32, now: Instant) {
        // Parts of a millisecond are kept for the next time.
        let elapsed = now.saturating_duration_since(self.at);
        let rest = Duration::from_nanos(u64::from(elapsed.subsec_nanos() % 1_000_000));
        self.units = self.units_at(now);
        self.per_minute = per_minute;
        self.at = now.checked_sub(rest).unwrap_or(now);
    }

    /// Units missing to a full bucket.
    fn missing(&self, now: Instant) -> u64 {
        u64::from(self.per_minute).saturating_mul(UNITS).saturating_sub(self.units_at(now))
    }
}

impl Buckets {
    /// Takes over what Redis has left, unless less is left here.
    fn lower(&self, subject: &str, units: u64, per_minute: u32, now: Instant) {
        self.with(subject, per_minute, now, |bucket| bucket.units = bucket.units.min(units));
    }

    fn take(&self, subject: &str, per_minute: u32, now: Instant) -> Decision {
        self.with(subject, per_minute, now, |bucket| {
            let allowed = bucket.units >= UNITS;
            if allowed {
                bucket.units = bucket.units.saturating_sub(UNITS);
            }
            decision(allowed, bucket.units, per_minute)
        })
    }

    /// Changes the subject's bucket as it is now. A new one is full.
    fn with<T>(
        &self,
        subject: &str,
        per_minute: u32,
        now: Instant,
        change: impl FnOnce(&mut Bucket) -> T,
    ) -> T {
        let mut buckets = self.lock();
        if buckets.len() >= MAX_LOCAL_BUCKETS && !buckets.contains_key(subject) {
            make_room(&mut buckets, now);
        }
        let bucket = buckets.entry(subject.to_owned()).or_insert_with(|| Bucket::full(per_minute, now));
        bucket.refill(per_minute, now);
        change(bucket)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Bucket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes half of the buckets: those that miss the least. Who has used up the limit is remembered longest.
fn make_room(buckets: &mut HashMap<String, Bucket>, now: Instant) {
    let mut missing: Vec<u64> = buckets.values().map(|bucket| bucket.missing(now)).collect();
    let half = missing.len() / 2;
    let (_, median, _) = missing.select_nth_unstable(half);
    let median = *median;
    let mut surplus = half;
    buckets.retain(|_, bucket| {
        let goes = surplus > 0 && bucket.missing(now) <= median;
        surplus = surplus.saturating_sub(usize::from(goes));
        !goes
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn all_gateways_share_one_bucket_a_client() {
        let cache = testing::cache();
        let mut remaining = Vec::new();
        for _ in 0..3 {
            let decision = cache.allow("one", 3).await;
            assert!(decision.allowed);
            remaining.push(decision.remaining);
        }
        assert_eq!(remaining, [2, 1, 0]);
        let refused = cache.allow("one", 3).await;
        assert!(!refused.allowed, "{refused:?}");
        assert!((1..=20).contains(&refused.retry_after_seconds), "{refused:?}");
        assert!((41..=60).contains(&refused.reset_seconds), "{refused:?}");
        assert!(cache.allow("two", 3).await.allowed, "another client has its own");
    }

    #[tokio::test]
    async fn without_redis_the_process_counts_alone() {
        let cache = testing::without_redis();
        let allowed: Vec<bool> =
            [cache.allow("one", 2).await, cache.allow("one", 2).await, cache.allow("one", 2).await]
                .map(|decision| decision.allowed)
                .to_vec();
        assert_eq!(allowed, [true, true, false]);
    }

    #[test]
    fn a_bucket_fills_again_at_its_rate_and_no_further() {
        let (buckets, start) = (Buckets::default(), Instant::now());
        let take = |after_ms| buckets.take("one", 60, start + Duration::from_millis(after_ms));
        for _ in 0..60 {
            assert!(take(0).allowed);
        }
        assert_eq!(
            take(0),
            Decision { allowed: false, remaining: 0, retry_after_seconds: 1, reset_seconds: 60 }
        );
        assert!(!take(999).allowed);
        assert!(take(1_000).allowed);
        assert_eq!(take(10_000_000).remaining, 59, "no more than a full bucket");
    }

    #[test]
    fn an_empty_bucket_is_remembered_among_a_flood_of_others() {
        let (buckets, now) = (Buckets::default(), Instant::now());
        assert!(buckets.take("greedy", 2, now).allowed && buckets.take("greedy", 2, now).allowed);
        for client in 0..3 * MAX_LOCAL_BUCKETS {
            buckets.take(&client.to_string(), 2, now);
        }
        assert!(!buckets.take("greedy", 2, now).allowed);
    }

    #[tokio::test]
    async fn retry_after_tells_the_truth() {
        for cache in [testing::cache(), testing::without_redis()] {
            // Enough that a bucket gains a request in a second.
            let per_minute = 60;
            let refused = loop {
                let decision = cache.allow("one", per_minute).await;
                if !decision.allowed {
                    break decision;
                }
            };
            tokio::time::sleep(Duration::from_secs(refused.retry_after_seconds)).await;
            assert!(cache.allow("one", per_minute).await.allowed, "{refused:?}");
        }
    }

    #[tokio::test]
    async fn what_redis_has_counted_counts_when_it_is_gone() {
        let cache = testing::cache();
        for _ in 0..2 {
            assert!(cache.allow("one", 3).await.allowed);
        }
        // As if Redis had just not answered.
        cache.shared.limits.rest();
        assert!(cache.allow("one", 3).await.allowed);
        assert!(!cache.allow("one", 3).await.allowed, "the limit is the same");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_flood_of_limited_requests_leaves_quotes_their_connections() {
        let cache = testing::cache();
        let flood: Vec<_> = (0..5_000)
            .map(|number| {
                let cache = cache.clone();
                tokio::spawn(async move { cache.allow(&(number % 100).to_string(), 10).await.allowed })
            })
            .collect();
        for _ in 0..50 {
            cache.ping().await.unwrap();
        }
        let mut allowed = 0;
        for request in flood {
            allowed += u32::from(request.await.unwrap());
        }
        assert!((1_000..=1_100).contains(&allowed), "{allowed} requests of 1,000");
    }

    #[test]
    fn the_memory_of_a_flood_of_clients_is_bounded() {
        let (buckets, now) = (Buckets::default(), Instant::now());
        for client in 0..=MAX_LOCAL_BUCKETS {
            buckets.take(&client.to_string(), 1, now);
        }
        assert!(buckets.0.lock().unwrap().len() <= MAX_LOCAL_BUCKETS);
    }
}
