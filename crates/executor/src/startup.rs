use crate::background::{Background, FinalityFollower, Measurer, Reclaimer, Reconciler, Reporter};
use crate::drive::Driver;
use crate::guard::{DriftCheck, Guard, TradingState, Valuation};
use crate::steps::{LandStep, RouteStep, SettleStep, SignStep, Simulator, Steps, Survey};
use crate::wallets::Wallets;
use crate::worker::{Bell, Leases, Permits, Worker};
use crate::{Configuration, cluster, metrics};
use anyhow::Context as _;
use cache::Cache;
use chain::Client;
use chain::landing::Lander;
use journal::{Journal, Queue};
use order_core::AccountAddress;
use proto::RouterClient;
use service::{CancellationToken, Shell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use swap::PoolReader;
use uuid::Uuid;

/// Statements are grouped in one writer: the pool is for claims, renewals and the sweep.
const DATABASE_CONNECTIONS: u32 = 8;

/// Time for the router to say that it is well.
const HEALTH_WITHIN: Duration = Duration::from_secs(1);

/// An executor that has met its cluster and has not taken an order yet.
pub struct Executor {
    pub(crate) id: Uuid,
    pub(crate) wallets: Vec<AccountAddress>,
    pub(crate) concurrency: u32,
    pub(crate) worker: Worker,
    pub(crate) background: Background,
    /// Breaks off the attempts that were begun.
    pub(crate) abort: CancellationToken,
}

/// Everything outside the process that an executor speaks to.
pub(crate) struct Connections {
    pub(crate) journal: Journal,
    pub(crate) queue: Queue,
    cache: Cache,
    router: RouterClient,
    cluster: Client,
    wallets: Wallets,
}

/// Connects to everything, registers the readiness checks, and waits for the database and the cluster.
///
/// # Errors
/// The wallet cannot be used, the database lacks a migration, an address makes no sense, the cluster is
/// mainnet and trading there was not asked for, or the process is asked to stop.
pub async fn bind(configuration: Configuration, shell: &Shell) -> anyhow::Result<Executor> {
    let shutdown = shell.shutdown();
    let connections = connect(&configuration, &shutdown).await?;
    register_checks(&connections, shell);
    let met = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&met);
    shell.check("start", move || {
        let met = asked.load(Ordering::Relaxed);
        async move { if met { Ok(()) } else { Err("the cluster is not known yet".to_owned()) } }
    });
    let permission = configuration.permission();
    connections.wallets.prove(&shutdown).await?;
    cluster::meet(&connections.cluster, &connections.journal, permission, &shutdown).await?;
    let writing = connections.journal.clone();
    let (executor, landing) = assemble(&configuration, connections, &shutdown)?;
    for reconciler in &executor.background.reconcilers {
        reconciler.run_once(&shutdown).await?;
    }
    met.store(true, Ordering::Relaxed);
    shell.vital("journal", async move { writing.stopped().await });
    // Ends when the executor, and with it the lander, is gone: not before the service stops.
    shell.vital("landing watch", landing);
    Ok(executor)
}

/// Connects to everything. Waits for the database alone.
pub(crate) async fn connect(
    configuration: &Configuration,
    shutdown: &CancellationToken,
) -> anyhow::Result<Connections> {
    metrics::describe();
    let token_file = configuration.signer_token_file.as_deref();
    let wallets = Wallets::open(&configuration.keypair, token_file).context("check KEYPAIR")?;
    let cluster = configuration.cluster()?;
    let connecting = Journal::connect_patiently(&configuration.database_url, DATABASE_CONNECTIONS);
    let journal = shutdown
        .run_until_cancelled(connecting)
        .await
        .context("stopped before PostgreSQL answered")?
        .context("connecting to PostgreSQL; check DATABASE_URL")?;
    Ok(Connections {
        journal,
        queue: Queue::connect(&configuration.nats_url).await.context("check NATS_URL")?,
        cache: Cache::connect(&configuration.redis_url).context("check REDIS_URL")?,
        router: configuration.router()?,
        cluster,
        wallets,
    })
}

/// Makes the executor from its connections, and the task that must run beside it for orders to land.
pub(crate) fn assemble(
    configuration: &Configuration,
    connections: Connections,
    shutdown: &CancellationToken,
) -> anyhow::Result<(Executor, impl Future<Output = ()> + Send + 'static)> {
    let (slots, following) = chain::pubsub::newest_slot(configuration.websocket_urls());
    let (lander, watch) =
        Lander::new(connections.cluster.clone(), configuration.commitment, cluster::explain, Some(slots));
    let landing = async move {
        let mut watch = std::pin::pin!(watch);
        tokio::select! {
            () = &mut watch => {}
            // Without slots the watch looks by the clock.
            () = following => watch.await,
        }
    };
    let (leases, state, abort) = (Arc::default(), Arc::default(), CancellationToken::new());
    let id = Uuid::now_v7();
    let background = background(id, configuration, &connections, &leases, &lander, &state)?;
    let driver = Driver {
        orders: connections.journal.orders.clone(),
        cache: connections.cache.clone(),
        leases: Arc::clone(&leases),
        steps: steps(configuration, &connections, lander, state, shutdown)?,
        retry: configuration.retry(),
        attempt_timeout: configuration.attempt_timeout(),
        abort: abort.clone(),
    };
    let Connections { journal, queue, wallets, .. } = connections;
    let addresses = wallets.addresses();
    let worker = Worker {
        bell: Bell::new(queue, journal.orders.clone(), journal.parked),
        orders: journal.orders,
        permits: Permits::new(configuration.concurrency.try_into().unwrap_or(usize::MAX)),
        leases,
        lease: configuration.lease(),
        wallets: addresses.clone(),
        driver: Arc::new(driver),
    };
    let concurrency = configuration.concurrency;
    Ok((Executor { id, wallets: addresses, concurrency, worker, background, abort }, landing))
}

fn steps(
    configuration: &Configuration,
    connections: &Connections,
    lander: Lander,
    state: Arc<TradingState>,
    shutdown: &CancellationToken,
) -> anyhow::Result<Steps> {
    let Connections { journal, router, cluster, wallets, .. } = connections;
    let pools = Arc::new(PoolReader::new(cluster.clone()));
    let max_price_impact = configuration.max_price_impact;
    let guard = Guard {
        trading: journal.trading.clone(),
        policies: journal.policies.clone(),
        limits: configuration.limits()?,
        valuation: Valuation { router: router.clone(), trading: journal.trading.clone(), max_price_impact },
        state: Arc::clone(&state),
    };
    let drift = DriftCheck::new(journal.trading.clone(), Arc::clone(&pools), state);
    let sign = SignStep {
        wallets: wallets.clone(),
        policies: journal.policies.clone(),
        cluster: cluster.clone(),
        survey: Survey::new(cluster.clone(), pools, configuration.formats()),
        simulator: Simulator { cluster: cluster.clone(), drift },
        guard,
        max_priority_fee: configuration.max_priority_fee(),
        tips: configuration.tips()?,
    };
    Ok(Steps {
        route: RouteStep {
            router: router.clone(),
            trading: journal.trading.clone(),
            policies: journal.policies.clone(),
            max_price_impact,
        },
        sign,
        land: LandStep { lander, shutdown: shutdown.clone() },
        settle: SettleStep { cluster: cluster.clone() },
    })
}

fn background(
    id: Uuid,
    configuration: &Configuration,
    connections: &Connections,
    leases: &Arc<Leases>,
    lander: &Lander,
    state: &Arc<TradingState>,
) -> anyhow::Result<Background> {
    let Connections { journal, cache, cluster, wallets, .. } = connections;
    let reconciler =
        |address: AccountAddress| Reconciler::new(journal.clone(), cluster.clone(), address.pubkey());
    Ok(Background {
        orders: journal.orders.clone(),
        upkeep: journal.upkeep.clone(),
        cache: cache.clone(),
        reconcilers: wallets.addresses().into_iter().map(reconciler).collect(),
        reclaimer: Reclaimer {
            markers: journal.markers.clone(),
            cluster: cluster.clone(),
            wallets: wallets.clone(),
            marker_age: configuration.marker_age(),
        },
        follower: FinalityFollower {
            landings: journal.landings.clone(),
            history: journal.history.clone(),
            cache: cache.clone(),
            cluster: cluster.clone(),
        },
        reporter: Reporter {
            id,
            wallets: wallets.addresses(),
            trading: journal.trading.clone(),
            cache: cache.clone(),
            leases: Arc::clone(leases),
            lander: lander.clone(),
            state: Arc::clone(state),
            concurrency: configuration.concurrency,
            attempts: configuration.attempts,
            attempt_timeout: configuration.attempt_timeout(),
        },
        measurer: Measurer {
            reports: journal.reports.clone(),
            trading: journal.trading.clone(),
            cluster: cluster.clone(),
            wallets: wallets.addresses(),
            per_day: configuration.limits()?.per_day(),
        },
    })
}

/// NATS is none of them: orders are found without it, a little later.
fn register_checks(connections: &Connections, shell: &Shell) {
    let journal = connections.journal.clone();
    shell.check("postgres", move || {
        let journal = journal.clone();
        async move { journal.ping().await.map_err(|error| error.to_string()) }
    });
    let router = connections.router.clone();
    shell.check("router", move || {
        let router = router.clone();
        async move { router.health(HEALTH_WITHIN).await.map_err(|failure| failure.message) }
    });
    let cluster = connections.cluster.clone();
    shell.check("cluster", move || {
        let cluster = cluster.clone();
        async move { cluster.health().await.map_err(|error| error.to_string()) }
    });
}
