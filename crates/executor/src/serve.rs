use crate::Executor;
use crate::background::vital;
use service::{CancellationToken, Shell, TaskTracker};
use std::sync::Arc;
use std::time::Duration;

/// After a stop is asked for, attempts may still come to their signature for this long. What is
/// left of the process' drain is for giving the orders back.
const FINISH_WITHIN: Duration = service::DRAIN.saturating_sub(Duration::from_secs(5));

/// Works until the shell is asked to stop, then lets attempts finish and gives the rest back.
///
/// # Errors
/// None at present: what goes wrong while it works is tried again.
pub async fn serve(executor: Executor, shell: &Shell) -> anyhow::Result<()> {
    let Executor { id, wallets, concurrency, worker, background, abort } = executor;
    tracing::info!(executor = %id, ?wallets, concurrency, "taking orders");
    let done = CancellationToken::new();
    // Leases are renewed until the last order is given back.
    let until_done = done.clone().drop_guard();
    let (leases, claimed, lease) = (Arc::clone(&worker.leases), worker.orders.clone(), worker.lease);
    vital(shell, &done, "lease renewal", async move { leases.renew(&claimed, lease).await });
    background.begin(shell, &done);
    let shutdown = shell.shutdown();
    let orders = TaskTracker::new();
    let work = async {
        worker.pull(&shutdown, &orders).await;
        orders.close();
        tracing::info!(orders = orders.len(), "no more orders are taken");
        orders.wait().await;
    };
    finish(Box::pin(work), &shutdown, &abort).await;
    drop(until_done);
    Ok(())
}

/// Waits for the work to end, and has it broken off if it has not [`FINISH_WITHIN`] after the
/// shutdown: the process' drain counts from there too, however long the queue takes to be left.
async fn finish(work: impl Future<Output = ()>, shutdown: &CancellationToken, abort: &CancellationToken) {
    let overdue = async {
        shutdown.cancelled().await;
        tokio::time::sleep(FINISH_WITHIN).await;
    };
    tokio::pin!(work);
    tokio::select! {
        biased;
        () = &mut work => {}
        () = overdue => {
            tracing::warn!("attempts are broken off");
            abort.cancel();
            work.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{Instant, sleep};

    #[tokio::test(start_paused = true)]
    async fn the_time_to_finish_counts_from_the_shutdown_and_not_from_the_last_pull() {
        let (shutdown, abort) = (CancellationToken::new(), CancellationToken::new());
        let work = async {
            sleep(FINISH_WITHIN * 2).await;
            shutdown.cancel();
            let stopping = Instant::now();
            // The queue answers late, and an attempt goes on until it is told not to.
            sleep(FINISH_WITHIN / 2).await;
            assert!(!abort.is_cancelled());
            abort.cancelled().await;
            assert_eq!(stopping.elapsed(), FINISH_WITHIN);
        };
        finish(work, &shutdown, &abort).await;
        assert!(abort.is_cancelled());
    }

    #[tokio::test]
    async fn work_that_ends_in_time_is_not_broken_off() {
        let (shutdown, abort) = (CancellationToken::new(), CancellationToken::new());
        shutdown.cancel();
        finish(async {}, &shutdown, &abort).await;
        assert!(!abort.is_cancelled());
    }
}
