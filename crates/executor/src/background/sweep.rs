use crate::metrics;
use cache::Cache;
use journal::Orders;
use rand::Rng as _;
use std::time::Duration;

/// The pause between two sweeps, and the most by which each is put off at random, so that executors do not sweep
/// in step.
const EVERY_MS: u64 = 500;
const JITTER_MS: u64 = 250;

/// Most orders of one sweep.
const ORDERS_MAX: u32 = 500;

/// Ends the orders whose expiry has passed, and those that were cancelled while their transaction could land and
/// did not. Every executor does; the journal gives each order to one of them.
pub(super) async fn run(orders: &Orders, cache: &Cache) {
    loop {
        let pause_ms = EVERY_MS.saturating_add(rand::rng().random_range(0..JITTER_MS));
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        let swept = orders.end_expired(ORDERS_MAX).await;
        metrics::task_ran("sweep", swept.is_ok());
        match swept {
            Ok(ended) => {
                for (id, recorded) in ended {
                    metrics::ended_by_sweep(&recorded);
                    tracing::info!(order.id = %id, order.seq = recorded.seq, "{}", recorded.event.kind());
                    cache.publish(id, &recorded).await;
                }
            }
            Err(error) => tracing::debug!(%error, "the sweep failed; the next one follows"),
        }
    }
}
