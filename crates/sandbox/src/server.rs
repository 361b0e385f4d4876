use crate::cluster::{Bank, Cluster, Ledger};
use crate::node::Node;
use crate::pools::{self, SeededPool};
use crate::prices::{Prices, VOLATILITY_MAX};
use crate::programs::{self, ProgramFile};
use crate::{admin, genesis, pubsub, rpc, wallet};
use anyhow::Context as _;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use litesvm::LiteSVM;
use serde_json::Value;
use service::CancellationToken;
use solana_pubkey::Pubkey;
use solana_signer::Signer as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::MissedTickBehavior;

/// The largest request: a batch of transactions.
const BODY_BYTES_MAX: usize = 512 * 1024;

/// What the cluster is made of.
#[derive(Debug, Clone, clap::Parser)]
#[command(about = "A local Solana cluster with seeded pools")]
pub struct Configuration {
    /// Where JSON-RPC (HTTP) and PubSub (WebSocket) answer, on the same port; port 0 takes a free one and logs it.
    #[arg(long, env = "LISTEN", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 8899)))]
    pub listen: SocketAddr,
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
    /// A file to append a line to for each transaction received and each landed.
    #[arg(long, env = "LEDGER")]
    pub ledger: Option<PathBuf>,
    /// A program to load in place of a built-in one, as ADDRESS=FILE with the ELF file; may be repeated.
    #[arg(long = "program", value_name = "ADDRESS=FILE")]
    pub programs: Vec<ProgramFile>,
    /// What every service has.
    #[command(flatten)]
    pub options: service::Options,
}

impl service::Configuration for Configuration {
    fn options(&self) -> &service::Options {
        &self.options
    }
}

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) node: Arc<Node>,
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
    listener: TcpListener,
    slot: Duration,
    wallet: Pubkey,
    app: App,
}

/// Makes the cluster's first state and takes its port.
///
/// # Errors
/// The wallet, the ledger or a program file cannot be used; or the port is taken.
pub async fn bind(configuration: &Configuration) -> anyhow::Result<Server> {
    let wallet = wallet::read_or_create(&configuration.wallet)?.pubkey();
    let ledger = Ledger::open(configuration.ledger.as_deref())?;
    let pools: Arc<[SeededPool]> = pools::all()?.into();
    let cluster = first_state(&pools, &wallet, ledger, &configuration.programs)?;
    let prices = Prices::new(configuration.seed, configuration.price_volatility_bps);
    let app = App {
        node: Arc::new(Node::new(cluster)),
        pools,
        prices: Arc::new(Mutex::new(prices)),
        shutdown: CancellationToken::new(),
    };
    let listener = TcpListener::bind(configuration.listen)
        .await
        .with_context(|| format!("listening on {}", configuration.listen))?;
    Ok(Server { listener, slot: Duration::from_millis(configuration.slot_ms), wallet, app })
}

fn first_state(
    pools: &[SeededPool],
    wallet: &Pubkey,
    ledger: Ledger,
    files: &[ProgramFile],
) -> anyhow::Result<Cluster> {
    // The node verifies signatures, ages and repetitions itself: the VM knows one blockhash only.
    let mut svm =
        LiteSVM::new().with_sigverify(false).with_blockhash_check(false).with_transaction_history(0);
    programs::install(&mut svm, files)?;
    let now = service::now();
    let bank = Bank::new(svm, first_slot(now)?);
    let mut cluster = Cluster::new(bank, ledger, rand::random());
    cluster.begin(now, |bank| genesis::write(bank, pools, wallet))?;
    Ok(cluster)
}

/// Later than any slot of an earlier run, so that heights never go back for who remembers one: a
/// hundred slots for each second since 1970 are more than a cluster ever produces.
fn first_slot(now: order_core::Timestamp) -> anyhow::Result<u64> {
    let centiseconds = u64::try_from(now.timestamp_millis()).context("the clock is before 1970")? / 10;
    Ok(centiseconds)
}

impl Server {
    /// Where it listens.
    ///
    /// # Errors
    /// The operating system does not say.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        self.listener.local_addr().context("reading the address that is listened on")
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
        let address = self.address()?;
        tracing::info!(%address, wallet = %self.wallet, "listening");
        let app = App { shutdown: shutdown.child_token(), ..self.app };
        let router = axum::Router::new()
            .route("/", get(subscribe).post(call))
            .route("/health", get(|| async { "ok" }))
            .merge(admin::routes())
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .with_state(app.clone());
        let stop = app.shutdown.clone();
        let serving = axum::serve(self.listener, router)
            .with_graceful_shutdown(stop.clone().cancelled_owned())
            .into_future();
        let producing = async {
            let produced = produce(&app, self.slot).await;
            stop.cancel();
            produced
        };
        let (served, produced) = tokio::join!(serving, producing);
        produced?;
        served.context("serving")
    }
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
        let app = app.clone();
        let block = move || app.node.advance(|bank| app.prices().step(bank, &app.pools));
        tokio::task::spawn_blocking(block).await?.context("producing a block")?;
    }
}

async fn call(State(app): State<App>, body: Bytes) -> Result<Json<Value>, Response> {
    let answered = tokio::task::spawn_blocking(move || rpc::answer(&app.node, &body)).await;
    answered.map(Json).map_err(|error| {
        tracing::error!("a request failed: {error}");
        axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
    })
}

async fn subscribe(State(app): State<App>, upgrade: WebSocketUpgrade) -> Response {
    let upgrade = upgrade.max_message_size(pubsub::REQUEST_BYTES_MAX);
    upgrade.on_upgrade(move |socket| pubsub::serve(socket, app.node, app.shutdown))
}
