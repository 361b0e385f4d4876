use crate::guard::{Limits, Switch};
use crate::leases::Leases;
use crate::permits::Permits;
use crate::pools::Dependencies;
use crate::reconcile::Inspected;
use crate::sign::Rent;
use crate::tally::Tally;
use crate::{Configuration, cluster, metrics};
use anyhow::Context as _;
use chain::landing::Lander;
use chain::{Client, LookupTables, Wallet};
use journal::{Journal, Queue};
use live::Live;
use order_core::order::RetryPolicy;
use order_core::{Atoms, Fraction};
use proto::RouterClient;
use service::{CancellationToken, Shell, TaskTracker};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::OnceCell;
use uuid::Uuid;

/// Statements are grouped in one writer: the pool is for claims, renewals and the sweep.
const DATABASE_CONNECTIONS: u32 = 8;

/// How long the router may take to say that it is well.
const HEALTH_WITHIN: Duration = Duration::from_secs(1);

/// After a stop is asked for, attempts may still come to their signature for this long. What is
/// left of the process' drain is for giving the orders back.
const FINISH_WITHIN: Duration = service::DRAIN.saturating_sub(Duration::from_secs(5));

/// Everything that an order needs on its way.
pub struct Executor {
    pub(crate) id: Uuid,
    pub(crate) journal: Journal,
    pub(crate) queue: Queue,
    pub(crate) live: Live,
    pub(crate) router: RouterClient,
    pub(crate) cluster: Client,
    pub(crate) lookup_tables: LookupTables,
    pub(crate) wallet: Wallet,
    pub(crate) lander: Lander,
    pub(crate) leases: Arc<Leases>,
    pub(crate) dependencies: Dependencies,
    pub(crate) tally: Tally,
    pub(crate) rent: OnceCell<Rent>,
    pub(crate) retry: RetryPolicy,
    pub(crate) attempt_timeout: Duration,
    pub(crate) marker_age: Duration,
    pub(crate) inspected: Inspected,
    pub(crate) lease: Duration,
    pub(crate) concurrency: u32,
    pub(crate) permits: Arc<Permits>,
    pub(crate) limits: Limits,
    pub(crate) switch: Switch,
    pub(crate) max_price_impact: Fraction,
    pub(crate) max_priority_fee: Atoms,
    /// Nothing new is begun.
    pub(crate) shutdown: CancellationToken,
    /// Tasks that were begun are broken off.
    pub(crate) halt: CancellationToken,
}

/// Connects to everything, registers the readiness checks, and waits for the database and the cluster.
///
/// # Errors
/// The wallet cannot be used, the database lacks a migration, an address makes no sense, the cluster is
/// mainnet and trading there was not asked for, or the process is asked to stop.
pub async fn bind(configuration: Configuration, shell: &Shell) -> anyhow::Result<Executor> {
    let permission = configuration.permission();
    let (executor, landing) = connect(configuration, shell.shutdown()).await?;
    register_checks(&executor, shell);
    let met = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&met);
    shell.check("start", move || {
        let met = asked.load(Ordering::Relaxed);
        async move { if met { Ok(()) } else { Err("the cluster is not known yet".to_owned()) } }
    });
    cluster::meet(&executor.cluster, &executor.journal, permission, &executor.shutdown).await?;
    executor.reconcile_once().await?;
    met.store(true, Ordering::Relaxed);
    let writing = executor.journal.clone();
    shell.vital("journal", async move { writing.stopped().await });
    // Ends when the executor, and with it the lander, is gone: not before the service stops.
    shell.vital("landing watch", landing);
    Ok(executor)
}

/// An executor, and what must run beside it for orders to land. Waits for the database alone.
pub(crate) async fn connect(
    configuration: Configuration,
    shutdown: CancellationToken,
) -> anyhow::Result<(Executor, impl Future<Output = ()> + Send + 'static)> {
    metrics::describe();
    let wallet = Wallet::read(&configuration.keypair).context("check KEYPAIR")?;
    let cluster = Client::new(&configuration.solana_rpc_url).context("check SOLANA_RPC_URL")?;
    let (lander, landing) = Lander::new(cluster.clone(), configuration.commitment, cluster::explain);
    let connecting = Journal::connect_patiently(&configuration.database_url, DATABASE_CONNECTIONS);
    let journal = shutdown
        .run_until_cancelled(connecting)
        .await
        .context("stopped before PostgreSQL answered")?
        .context("connecting to PostgreSQL; check DATABASE_URL")?;
    let executor = Executor {
        id: Uuid::now_v7(),
        journal,
        queue: Queue::connect(&configuration.nats_url).await.context("check NATS_URL")?,
        live: Live::connect(&configuration.redis_url).context("check REDIS_URL")?,
        router: RouterClient::new(&configuration.router_url).context("check ROUTER_URL")?,
        cluster,
        lookup_tables: configuration.lookup_tables.clone(),
        wallet,
        lander,
        leases: Arc::default(),
        dependencies: Dependencies::default(),
        tally: Tally::default(),
        rent: OnceCell::new(),
        retry: configuration.retry(),
        attempt_timeout: configuration.attempt_timeout(),
        marker_age: configuration.marker_age(),
        inspected: Inspected::default(),
        lease: configuration.lease(),
        concurrency: configuration.concurrency,
        permits: Permits::new(configuration.concurrency.try_into().unwrap_or(usize::MAX)),
        limits: configuration.limits()?,
        switch: Switch::default(),
        max_price_impact: configuration.max_price_impact,
        max_priority_fee: configuration.max_priority_fee(),
        shutdown,
        halt: CancellationToken::new(),
    };
    Ok((executor, landing))
}

/// Works until the shell is asked to stop, then lets attempts finish and gives the rest back.
///
/// # Errors
/// None at present: what goes wrong while it works is tried again.
pub async fn serve(executor: Executor, shell: &Shell) -> anyhow::Result<()> {
    let executor = Arc::new(executor);
    tracing::info!(
        executor = %executor.id,
        wallet = %executor.wallet.pubkey(),
        concurrency = executor.concurrency,
        "taking orders"
    );
    let done = CancellationToken::new();
    let background = done.clone().drop_guard();
    begin_background(&executor, shell, &done);
    let shutdown = shell.shutdown();
    let orders = TaskTracker::new();
    let work = async {
        executor.pull(&shutdown, &orders).await;
        orders.close();
        tracing::info!(orders = orders.len(), "no more orders are taken");
        orders.wait().await;
    };
    finish(Box::pin(work), &shutdown, &executor.halt).await;
    // Leases were kept until here.
    drop(background);
    Ok(())
}

/// The tasks beside the orders, until `done`.
fn begin_background(executor: &Arc<Executor>, shell: &Shell, done: &CancellationToken) {
    let (renewing, until) = (Arc::clone(executor), done.clone());
    shell.vital("lease renewal", async move {
        until.run_until_cancelled(renewing.leases.renew(&renewing.journal, renewing.lease)).await;
    });
    let (sweeping, until) = (Arc::clone(executor), done.clone());
    shell.vital("sweep", async move {
        until.run_until_cancelled(sweeping.sweep()).await;
    });
    let (reconciling, until) = (Arc::clone(executor), done.clone());
    shell.vital("reconciliation", async move {
        until.run_until_cancelled(reconciling.reconcile()).await;
    });
    let (reclaiming, until) = (Arc::clone(executor), done.clone());
    shell.vital("reclaiming of markers", async move {
        until.run_until_cancelled(reclaiming.reclaim()).await;
    });
    let (following, until) = (Arc::clone(executor), done.clone());
    shell.vital("finality", async move {
        until.run_until_cancelled(following.follow_to_finality()).await;
    });
    let (tending, until) = (Arc::clone(executor), done.clone());
    shell.vital("journal tending", async move {
        until.run_until_cancelled(tending.tend()).await;
    });
    // Only shown to people: orders are executed without it.
    let (reporting, until) = (Arc::clone(executor), done.clone());
    tokio::spawn(async move { until.run_until_cancelled(reporting.report()).await });
}

/// Waits for the work to end, and has it broken off if it has not [`FINISH_WITHIN`] after the
/// shutdown: the process' drain counts from there too, however long the queue takes to be left.
async fn finish(work: impl Future<Output = ()>, shutdown: &CancellationToken, halt: &CancellationToken) {
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
            halt.cancel();
            work.await;
        }
    }
}

fn register_checks(executor: &Executor, shell: &Shell) {
    let journal = executor.journal.clone();
    shell.check("postgres", move || {
        let journal = journal.clone();
        async move { journal.ping().await.map_err(|error| error.to_string()) }
    });
    let queue = executor.queue.clone();
    shell.check("nats", move || {
        let queue = queue.clone();
        async move { queue.ping().await.map_err(|error| error.to_string()) }
    });
    let router = executor.router.clone();
    shell.check("router", move || {
        let router = router.clone();
        async move { router.health(HEALTH_WITHIN).await.map_err(|failure| failure.message) }
    });
    let cluster = executor.cluster.clone();
    shell.check("cluster", move || {
        let cluster = cluster.clone();
        async move { cluster.health().await.map_err(|error| error.to_string()) }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{Instant, sleep};

    #[tokio::test(start_paused = true)]
    async fn the_time_to_finish_counts_from_the_shutdown_and_not_from_the_last_pull() {
        let (shutdown, halt) = (CancellationToken::new(), CancellationToken::new());
        let work = async {
            sleep(FINISH_WITHIN * 2).await;
            shutdown.cancel();
            let stopping = Instant::now();
            // The queue answers late, and an attempt goes on until it is told not to.
            sleep(FINISH_WITHIN / 2).await;
            assert!(!halt.is_cancelled());
            halt.cancelled().await;
            assert_eq!(stopping.elapsed(), FINISH_WITHIN);
        };
        finish(work, &shutdown, &halt).await;
        assert!(halt.is_cancelled());
    }

    #[tokio::test]
    async fn work_that_ends_in_time_is_not_broken_off() {
        let (shutdown, halt) = (CancellationToken::new(), CancellationToken::new());
        shutdown.cancel();
        finish(async {}, &shutdown, &halt).await;
        assert!(!halt.is_cancelled());
    }
}
