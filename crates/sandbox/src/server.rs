use crate::cluster::{Bank, Cluster, Ledger, set_version_1};
use crate::connection::{Listener, Reset};
use crate::faults::Failure;
use crate::network::Network;
use crate::node::Node;
use crate::pools::{self, SeededPool};
use crate::prices::{Prices, VOLATILITY_MAX};
use crate::programs::{self, ProgramFile};
use crate::rpc::Answer;
use crate::{admin, genesis, pubsub, rpc, wallet};
use anyhow::Context as _;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State, WebSocketUpgrade};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use litesvm::LiteSVM;
use service::CancellationToken;
use solana_pubkey::Pubkey;
use solana_signer::Signer as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// The largest request: a batch of transactions.
const BODY_BYTES_MAX: usize = 512 * 1024;

/// The settings of the cluster.
#[derive(Debug, Clone, clap::Parser)]
#[command(about = "A local Solana cluster with seeded pools")]
pub struct Configuration {
    /// Where JSON-RPC (HTTP) and PubSub (WebSocket) answer, on the same port; port 0 takes a free one and logs it. Each
    /// address of a comma list is a node of the cluster, which faults can be confined to.
    #[arg(long, env = "LISTEN", value_delimiter = ',', default_values_t = [SocketAddr::from((Ipv4Addr::LOCALHOST, 8899))])]
    pub listen: Vec<SocketAddr>,
    /// A keypair file of the wallet to fund; made if there is none.
    #[arg(long, env = "WALLET")]
    pub wallet: PathBuf,
    /// How long a slot takes, in milliseconds.
    #[arg(long, env = "SLOT_MS", default_value_t = 400, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    pub slot_ms: u64,
    /// Makes the price process repeatable.
    #[arg(long, env = "SEED", default_value_t = 1)]
    pub seed: u64,
    /// By how much prices move in a slot at most, in hundredths of a percent; 0 lets them stand still.
    #[arg(long, env = "PRICE_VOLATILITY_BPS", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=i64::from(VOLATILITY_MAX)))]
    pub price_volatility_bps: u16,
    /// A file to append a line to for each transaction received, landed or rolled back.
    #[arg(long, env = "LEDGER")]
    pub ledger: Option<PathBuf>,
    /// Take transactions of version 1, as mainnet does.
    #[arg(long, env = "TRANSACTION_VERSION_1", default_value_t = true, action = clap::ArgAction::Set)]
    pub transaction_version_1: bool,
    /// Programs to load in place of built-in ones, each as ADDRESS=FILE with its ELF file.
    #[arg(long = "program", env = "PROGRAMS", value_name = "ADDRESS=FILE", value_delimiter = ',')]
    pub programs: Vec<ProgramFile>,
    /// Writes each account of the first state into this folder, in the form of `solana account --output json` that
    /// solana-test-validator reads, and serves nothing.
    #[arg(long, value_name = "FOLDER")]
    pub dump: Option<PathBuf>,
    /// The settings that every service has.
    #[command(flatten)]
    pub options: service::Options,
}

impl service::Configuration for Configuration {
    fn options(&self) -> &service::Options {
        &self.options
    }
}

/// The state that the handlers share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) node: Node,
    /// How many nodes there are.
    pub(crate) nodes: usize,
    pub(crate) pools: Arc<[SeededPool]>,
    prices: Arc<Mutex<Prices>>,
    shutdown: CancellationToken,
}

impl App {
    pub(crate) fn prices(&self) -> MutexGuard<'_, Prices> {
        self.prices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A cluster that listens and does not answer yet.
pub struct Server {
    listeners: Vec<TcpListener>,
    slot: Duration,
    wallet: Pubkey,
    app: App,
}

/// Makes the cluster's first state and takes its ports.
///
/// # Errors
/// The wallet, the ledger or a program file cannot be used; or the port is taken.
pub async fn bind(configuration: &Configuration) -> anyhow::Result<Server> {
    let wallet = wallet::read_or_create(&configuration.wallet)?.pubkey();
    let ledger = Ledger::open(configuration.ledger.as_deref())?;
    let pools: Arc<[SeededPool]> = pools::all()?.into();
    let cluster = first_state(&pools, &wallet, ledger, configuration)?;
    let prices = Prices::new(configuration.seed, configuration.price_volatility_bps);
    let app = App {
        node: Node { network: Arc::new(Network::new(cluster)), number: 0 },
        nodes: configuration.listen.len(),
        pools,
        prices: Arc::new(Mutex::new(prices)),
        shutdown: CancellationToken::new(),
    };
    let mut listeners = Vec::new();
    for address in &configuration.listen {
        let listener = TcpListener::bind(address).await;
        listeners.push(listener.with_context(|| format!("listening on {address}"))?);
    }
    Ok(Server { listeners, slot: Duration::from_millis(configuration.slot_ms), wallet, app })
}

/// Writes the accounts of the cluster's first state into a folder, and says how many they are. The wallet is made if
/// there is none.
///
/// # Errors
/// The wallet or a program file cannot be used, or a file not be written.
pub fn dump(configuration: &Configuration, folder: &Path) -> anyhow::Result<usize> {
    let wallet = wallet::read_or_create(&configuration.wallet)?.pubkey();
    let cluster = first_state(&pools::all()?, &wallet, Ledger::default(), configuration)?;
    crate::dump::write(&cluster.bank, folder)
}

fn first_state(
    pools: &[SeededPool],
    wallet: &Pubkey,
    ledger: Ledger,
    configuration: &Configuration,
) -> anyhow::Result<Cluster> {
    // The node verifies signatures, ages and repetitions itself: the VM knows one blockhash only.
    let mut svm =
        LiteSVM::new().with_sigverify(false).with_blockhash_check(false).with_transaction_history(0);
    programs::install(&mut svm, &configuration.programs)?;
    let now = service::now();
    let bank = Bank::new(svm, first_slot(now)?);
    let mut cluster = Cluster::new(bank, ledger, rand::random());
    cluster.begin(now, |bank| {
        set_version_1(bank, configuration.transaction_version_1)?;
        genesis::write(bank, pools, wallet)
    })?;
    Ok(cluster)
}

/// Later than any slot of an earlier run, so that heights never go back for who remembers one: a
/// hundred slots for each second since 1970 are more than a cluster ever produces.
fn first_slot(now: order_core::Timestamp) -> anyhow::Result<u64> {
    let centiseconds = u64::try_from(now.timestamp_millis()).context("the clock is before 1970")? / 10;
    Ok(centiseconds)
}

impl Server {
    /// Where its nodes listen, in the order of the configuration.
    ///
    /// # Errors
    /// The operating system does not say.
    pub fn addresses(&self) -> anyhow::Result<Vec<SocketAddr>> {
        let addresses = self.listeners.iter().map(TcpListener::local_addr);
        addresses.collect::<Result<_, _>>().context("reading the addresses that are listened on")
    }

    /// The funded wallet.
    pub fn wallet(&self) -> Pubkey {
        self.wallet
    }

    /// Produces blocks and answers until `shutdown`.
    ///
    /// # Errors
    /// A block could not be produced, or the ledger not be written: the cluster is then no witness
    /// any more.
    pub async fn serve(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        for (node, address) in self.addresses()?.iter().enumerate() {
            tracing::info!(%address, node, wallet = %self.wallet, "listening");
        }
        let app = App { shutdown: shutdown.child_token(), ..self.app };
        let stop = app.shutdown.clone();
        let mut tasks = JoinSet::new();
        for (number, listener) in self.listeners.into_iter().enumerate() {
            let node = Node { number, ..app.node.clone() };
            tasks.spawn(serve_node(listener, App { node, ..app.clone() }));
        }
        tasks.spawn(async move { produce(&app, self.slot).await });
        let mut ended = Ok(());
        while let Some(task) = tasks.join_next().await {
            stop.cancel();
            ended = ended.and(task.context("a task of the cluster").flatten());
        }
        ended
    }
}

async fn serve_node(listener: TcpListener, app: App) -> anyhow::Result<()> {
    let stop = app.shutdown.clone();
    let router = axum::Router::new()
        .route("/", get(subscribe).post(call))
        .route("/health", get(|| async { "ok" }))
        .merge(admin::routes())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(axum::middleware::from_fn(service::site::keep_pages_out))
        .with_state(app);
    axum::serve(Listener(listener), router.into_make_service_with_connect_info::<Reset>())
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
        .context("serving")
}

async fn produce(app: &App, slot: Duration) -> anyhow::Result<()> {
    let mut ticks = tokio::time::interval(slot);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = app.shutdown.cancelled() => return Ok(()),
            _ = ticks.tick() => {}
        }
        if app.node.faults().freezes() {
            continue;
        }
        let app = app.clone();
        let block = move || app.node.network.advance(|bank| app.prices().step(bank, &app.pools));
        tokio::task::spawn_blocking(block).await?.context("producing a block")?;
    }
}

async fn call(State(app): State<App>, ConnectInfo(reset): ConnectInfo<Reset>, body: Bytes) -> Response {
    let node = app.node.clone();
    let answered = tokio::task::spawn_blocking(move || rpc::answer(&node, &body)).await;
    let Answer { body, slowness, failure } = match answered {
        Ok(answer) => answer,
        Err(error) => {
            tracing::error!("a request failed: {error}");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    tokio::select! {
        () = app.shutdown.cancelled() => {}
        () = tokio::time::sleep(slowness), if !slowness.is_zero() => {}
        () = std::future::ready(()), if slowness.is_zero() => {}
    }
    match failure {
        None => Json(body).into_response(),
        Some(failure) => fail(&failure, &reset, &app.shutdown).await,
    }
}

async fn fail(failure: &Failure, reset: &Reset, shutdown: &CancellationToken) -> Response {
    match failure {
        Failure::Http { status, body, content_type, retry_after_seconds } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = (status, body.clone().unwrap_or_default()).into_response();
            if let Some(name) = content_type.as_deref().and_then(|name| HeaderValue::from_str(name).ok()) {
                response.headers_mut().insert(CONTENT_TYPE, name);
            }
            if let Some(seconds) = retry_after_seconds {
                response.headers_mut().insert(RETRY_AFTER, (*seconds).into());
            }
            response
        }
        // Its error is in the body already.
        Failure::Rpc { .. } => StatusCode::OK.into_response(),
        Failure::Reset => {
            reset.reset();
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Failure::Hang => {
            shutdown.cancelled().await;
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn subscribe(
    State(app): State<App>,
    ConnectInfo(reset): ConnectInfo<Reset>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let upgrade = upgrade.max_message_size(pubsub::REQUEST_BYTES_MAX);
    upgrade.on_upgrade(move |socket| pubsub::serve(socket, app.node, reset, app.shutdown))
}
