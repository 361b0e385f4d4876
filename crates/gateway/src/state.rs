//! The state that all handlers share.

use crate::access::Keys;
use crate::admission::Admission;
use crate::api::LatestHealth;
use crate::config::Configuration;
use crate::dispatcher::Dispatcher;
use crate::hub::Hub;
use crate::registry::Registry;
use crate::server::Capacity;
use anyhow::Context as _;
use cache::{Cache, QuoteKey};
use journal::{Journal, Queue};
use order_core::Environment;
use service::Shell;
use service::net::Seats;
use service::site::Site;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

/// Database connections: a handler holds one for a few milliseconds.
const MAX_DATABASE_CONNECTIONS: u32 = 16;

/// WebSockets of one client that read the recorded events of their order at once. Further ones wait.
const SOCKET_TURNS: usize = 8;

/// Interval of asking the database for its cluster while it has none.
const ASK_CLUSTER_EVERY: Duration = Duration::from_secs(1);

/// Handle on the shared state. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

/// The parts of the shared state.
pub(crate) struct Parts {
    pub(crate) configuration: Configuration,
    pub(crate) shell: Shell,
    pub(crate) site: Site,
    pub(crate) keys: Arc<Keys>,
    pub(crate) journal: Journal,
    pub(crate) queue: Queue,
    pub(crate) cache: Cache,
    pub(crate) quote_key: QuoteKey,
    pub(crate) registry: Registry,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) admission: Admission,
    pub(crate) hub: Arc<Hub>,
    pub(crate) sockets: Arc<Seats>,
    pub(crate) latest_health: LatestHealth,
    /// Set once the database has a cluster, which it then keeps.
    environment: OnceLock<Environment>,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Connects to the servers, waits for the database, and starts the background tasks.
    ///
    /// # Errors
    /// The database lacks migrations, an address is not valid, or the process is asked to stop.
    pub(crate) async fn connect(configuration: Configuration, shell: Shell) -> anyhow::Result<Self> {
        let connecting = Journal::connect_patiently(&configuration.database_url, MAX_DATABASE_CONNECTIONS);
        let journal = shell
            .shutdown()
            .run_until_cancelled(connecting)
            .await
            .context("stopped before the database answered")?
            .context("connecting to the database; check DATABASE_URL")?;
        let queue = Queue::connect_publisher(&configuration.nats_url)
            .await
            .context("connecting to the queue; check NATS_URL")?;
        let cache = Cache::connect(&configuration.redis_url).context("check REDIS_URL")?;
        let registry = Registry::new(configuration.router()?);
        let quote_key = QuoteKey::new(journal.quote_key().await.context("reading the key of quotes")?);
        let keys = Arc::new(Keys::new(journal.accounts.clone()));
        let reading = Admission::read(&journal, &keys);
        let admission = shell
            .shutdown()
            .run_until_cancelled(reading)
            .await
            .context("stopped before the database answered")?;
        let sockets = Capacity::of_this_process().sockets;
        let share = Capacity::share(sockets, configuration.max_sockets_per_client);
        let app = Self(Arc::new(Parts {
            dispatcher: Dispatcher::new(queue.clone(), shell.tasks().clone()),
            admission,
            hub: Arc::new(Hub::default()),
            sockets: Seats::new(sockets, share, SOCKET_TURNS),
            latest_health: LatestHealth::default(),
            site: Site::new(&configuration.allowed_hosts, &configuration.allowed_origins),
            keys,
            environment: OnceLock::new(),
            configuration,
            shell,
            journal,
            queue,
            cache,
            quote_key,
            registry,
        }));
        app.ask_cluster().await;
        app.start();
        Ok(app)
    }

    fn start(&self) {
        let ready = self.journal.clone();
        self.shell.check("postgres", move || {
            let journal = ready.clone();
            async move { journal.ping().await.map_err(|error| error.to_string()) }
        });
        let journal = self.journal.clone();
        self.shell.vital("journal", async move { journal.stopped().await });
        let cache = self.cache.clone();
        self.shell.vital("events", async move { cache.follow().await });
        let app = self.clone();
        self.shell.vital("hub", async move { app.hub.run(&app.journal.history, &app.cache).await });
        let app = self.clone();
        self.shell.vital("admission", async move { app.admission.follow(&app.journal, &app.keys).await });
        let app = self.clone();
        self.shell.vital("keys", async move { app.keys.record_use().await });
        let (app, shutdown) = (self.clone(), self.shell.shutdown());
        self.shell.tasks().spawn(async move { shutdown.run_until_cancelled(app.learn_environment()).await });
        // Only shown in statistics.
        let (app, shutdown) = (self.clone(), self.shell.shutdown());
        self.shell.tasks().spawn(async move { shutdown.run_until_cancelled(app.report_sockets()).await });
    }

    /// The environment that orders are executed in; unknown until the first executor has met the cluster.
    pub(crate) fn environment(&self) -> Environment {
        self.environment.get().copied().unwrap_or(Environment::Unknown)
    }

    /// Asks the database for its cluster until it has one.
    async fn learn_environment(&self) {
        while self.environment.get().is_none() {
            tokio::time::sleep(ASK_CLUSTER_EVERY).await;
            self.ask_cluster().await;
        }
    }

    async fn ask_cluster(&self) {
        match self.journal.cluster().await {
            Ok(Some(genesis)) => {
                let environment = self.environment.get_or_init(|| Environment::of(Some(&genesis)));
                tracing::info!(environment = environment.name(), %genesis, "cluster of the database known");
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "database unavailable: its cluster not read"),
        }
    }

    /// The number of open WebSockets of this process.
    pub(crate) fn open_sockets(&self) -> usize {
        self.sockets.taken()
    }

    async fn report_sockets(&self) {
        let gateway = Uuid::now_v7();
        let mut due = tokio::time::interval(Cache::REPORT_EVERY);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            let open = u64::try_from(self.open_sockets()).unwrap_or(u64::MAX);
            self.cache.report_connections(gateway, open).await;
        }
    }
}
