use crate::leases::Leases;
use crate::pools::Dependencies;
use crate::{Configuration, cluster, metrics};
use anyhow::Context as _;
use chain::landing::Lander;
use chain::{Client, Wallet};
use journal::{Journal, Queue};
use live::Live;
use order_core::Atoms;
use order_core::order::RetryPolicy;
use proto::RouterClient;
use service::{CancellationToken, Shell, TaskTracker};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;
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
    pub(crate) wallet: Wallet,
    pub(crate) lander: Lander,
    pub(crate) leases: Arc<Leases>,
    pub(crate) dependencies: Dependencies,
    pub(crate) rent: OnceCell<Atoms>,
    pub(crate) retry: RetryPolicy,
    pub(crate) attempt_timeout: Duration,
    pub(crate) lease: Duration,
    pub(crate) concurrency: u32,
    pub(crate) max_priority_fee: Atoms,
    /// Nothing new is begun.
    pub(crate) shutdown: CancellationToken,
    /// What was begun is broken off.
    pub(crate) halt: CancellationToken,
}

/// Connects to everything, registers the readiness checks, and waits for the cluster.
///
/// # Errors
/// The wallet cannot be used, the database cannot be reached or lacks a migration, an address makes
/// no sense, or the cluster is mainnet and trading there was not asked for.
pub async fn bind(configuration: Configuration, shell: &Shell) -> anyhow::Result<Executor> {
    metrics::describe();
    let wallet = Wallet::read(&configuration.keypair).context("check KEYPAIR")?;
    let cluster = Client::new(&configuration.solana_rpc_url).context("check SOLANA_RPC_URL")?;
    let (lander, landing) = Lander::new(cluster.clone(), configuration.commitment, cluster::explain);
    // Ends when the executor, and with it the lander, is gone.
    tokio::spawn(landing);
    let journal = Journal::connect(&configuration.database_url, DATABASE_CONNECTIONS)
        .await
        .context("connecting to PostgreSQL; check DATABASE_URL")?;
    let executor = Executor {
        id: Uuid::now_v7(),
        journal,
        queue: Queue::connect(&configuration.nats_url).await.context("check NATS_URL")?,
        live: Live::connect(&configuration.redis_url).context("check REDIS_URL")?,
        router: RouterClient::new(&configuration.router_url).context("check ROUTER_URL")?,
        cluster,
        wallet,
        lander,
        leases: Arc::default(),
        dependencies: Dependencies::default(),
        rent: OnceCell::new(),
        retry: configuration.retry(),
        attempt_timeout: configuration.attempt_timeout(),
        lease: configuration.lease(),
        concurrency: configuration.concurrency,
        max_priority_fee: configuration.max_priority_fee(),
        shutdown: shell.shutdown(),
        halt: CancellationToken::new(),
    };
    register_checks(&executor, shell);
    cluster::meet(&executor.cluster, configuration.live, &executor.shutdown).await?;
    Ok(executor)
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
    let background = background(&executor);
    let orders = TaskTracker::new();
    executor.pull(&shell.shutdown(), &orders).await;
    orders.close();
    tracing::info!(orders = orders.len(), "no more orders are taken");
    tokio::select! {
        biased;
        () = orders.wait() => {}
        () = tokio::time::sleep(FINISH_WITHIN) => {
            tracing::warn!(orders = orders.len(), "attempts are broken off");
            executor.halt.cancel();
            orders.wait().await;
        }
    }
    // Leases were kept until here.
    drop(background);
    Ok(())
}

impl Executor {
    pub(crate) fn capacity(&self) -> usize {
        usize::try_from(self.concurrency).unwrap_or(usize::MAX)
    }
}

/// What goes on beside the orders; ends when the set is dropped.
fn background(executor: &Arc<Executor>) -> JoinSet<()> {
    let mut background = JoinSet::new();
    let renewing = Arc::clone(executor);
    background.spawn(async move { renewing.leases.renew(&renewing.journal, renewing.lease).await });
    let sweeping = Arc::clone(executor);
    background.spawn(async move { sweeping.sweep().await });
    let reporting = Arc::clone(executor);
    background.spawn(async move { reporting.report().await });
    background
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
