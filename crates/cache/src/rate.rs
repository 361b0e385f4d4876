//! How much a client may ask for: one token bucket a client, shared by all gateways through Redis.
//! When Redis is of no help, each process counts for itself.

use super::{Cache, Error};
use deadpool_redis::redis;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;

/// A request costs this many units, and a bucket gains one unit a millisecond for each request that
/// is allowed a minute: integers only.
const UNITS: u64 = 60_000;

/// More clients than this are not told apart without Redis: the memory of a fallback is bounded.
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

/// The decision on a client's request.
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
    /// Counts a request of `client`, who may make `per_minute` of them: at once, or spread.
    pub async fn allow(&self, client: &str, per_minute: u32) -> Decision {
        match self.take(client, per_minute).await {
            Ok((allowed, units)) => decision(allowed, units, per_minute),
            Err(error) => {
                tracing::debug!(%error, "requests are counted in this process alone");
                self.shared.buckets.take(client, per_minute, Instant::now())
            }
        }
    }

    async fn take(&self, client: &str, per_minute: u32) -> Result<(bool, u64), Error> {
        let mut command = redis::cmd("EVAL");
        command.arg(TAKE).arg(1).arg(self.key(&format!("rate:{client}"))).arg(per_minute).arg(UNITS);
        let (allowed, units): (u8, String) = self.command(&command).await?;
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

/// The buckets of one process.
#[derive(Default)]
pub(crate) struct Buckets(Mutex<HashMap<String, Bucket>>);

struct Bucket {
    units: u64,
    at: Instant,
}

impl Buckets {
    fn take(&self, client: &str, per_minute: u32, now: Instant) -> Decision {
        let full = u64::from(per_minute).saturating_mul(UNITS);
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_LOCAL_BUCKETS && !buckets.contains_key(client) {
            // Starting anew lets a flood through once a minute at most, and never grows.
            buckets.clear();
        }
        let bucket = buckets.entry(client.to_owned()).or_insert(Bucket { units: full, at: now });
        let elapsed_ms =
            u64::try_from(now.saturating_duration_since(bucket.at).as_millis()).unwrap_or(u64::MAX);
        bucket.units =
            bucket.units.saturating_add(elapsed_ms.saturating_mul(u64::from(per_minute))).min(full);
        bucket.at = now;
        let allowed = bucket.units >= UNITS;
        if allowed {
            bucket.units = bucket.units.saturating_sub(UNITS);
        }
        decision(allowed, bucket.units, per_minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use std::time::Duration;

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
    fn the_memory_of_a_flood_of_clients_is_bounded() {
        let (buckets, now) = (Buckets::default(), Instant::now());
        for client in 0..=MAX_LOCAL_BUCKETS {
            buckets.take(&client.to_string(), 1, now);
        }
        assert!(buckets.0.lock().unwrap().len() <= MAX_LOCAL_BUCKETS);
    }
}
