//! The tasks beside the orders: each keeps one promise that no single order can keep.

mod finality;
mod measure;
mod reclaim;
mod reconcile;
mod report;
mod sweep;
mod tend;

pub(crate) use finality::FinalityFollower;
pub(crate) use measure::Measurer;
pub(crate) use reclaim::Reclaimer;
pub(crate) use reconcile::Reconciler;
pub(crate) use report::Reporter;

use cache::Cache;
use journal::{Orders, Upkeep};
use service::{CancellationToken, Shell};

/// The tasks of one executor.
pub(crate) struct Background {
    pub(crate) orders: Orders,
    pub(crate) upkeep: Upkeep,
    pub(crate) cache: Cache,
    /// One for each wallet.
    pub(crate) reconcilers: Vec<Reconciler>,
    pub(crate) reclaimer: Reclaimer,
    pub(crate) follower: FinalityFollower,
    pub(crate) reporter: Reporter,
    pub(crate) measurer: Measurer,
}

impl Background {
    /// Begins the tasks, which go on until `done`. The process ends if one of them does so before, but for the
    /// reports and measurements, which are only shown to people.
    pub(crate) fn begin(self, shell: &Shell, done: &CancellationToken) {
        let Self { orders, upkeep, cache, reconcilers, reclaimer, follower, reporter, measurer } = self;
        vital(shell, done, "sweep", async move { sweep::run(&orders, &cache).await });
        vital(shell, done, "journal tending", async move { tend::run(&upkeep).await });
        for reconciler in reconcilers {
            vital(shell, done, "reconciliation", async move { reconciler.run().await });
        }
        vital(shell, done, "reclaiming of markers", async move { reclaimer.run().await });
        vital(shell, done, "finality", async move { follower.run().await });
        let (until, shell) = (done.clone(), shell.clone());
        tokio::spawn(async move { until.run_until_cancelled(reporter.run(&shell)).await });
        let until = done.clone();
        tokio::spawn(async move { until.run_until_cancelled(measurer.run()).await });
    }
}

/// Begins a task without which the executor must not go on.
pub(crate) fn vital(
    shell: &Shell,
    done: &CancellationToken,
    name: &'static str,
    task: impl Future<Output = ()> + Send + 'static,
) {
    let until = done.clone();
    shell.vital(name, async move {
        until.run_until_cancelled(task).await;
    });
}
