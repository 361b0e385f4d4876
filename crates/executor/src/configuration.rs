use crate::guard::Limits;
use crate::tips::Tips;
use anyhow::Context as _;
use chain::{AllowedFormats, Client, Commitment, Permission, SenderKeys};
use clap::Parser;
use order_core::order::RetryPolicy;
use order_core::{AccountAddress, Atoms, Fraction, UsdMicros};
use proto::RouterClient;
use std::path::PathBuf;
use std::time::Duration;

/// The pause before the second attempt; it doubles with each further one.
const RETRY_PAUSE_MS: u64 = 1_000;

/// Takes orders from accepted to ended: finds the route, signs with the wallet, lands the
/// transaction at most once.
#[derive(Debug, Clone, Parser)]
#[command(name = "executor", version)]
pub struct Configuration {
    /// The database of orders, e.g. postgres://orders@localhost/orders.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: String,
    /// The queue of orders.
    #[arg(long, env = "NATS_URL", default_value = "nats://127.0.0.1:4222", hide_env_values = true)]
    pub(crate) nats_url: String,
    /// The Redis server: events on their way, quotes, rate limits, reports.
    #[arg(long, env = "REDIS_URL", default_value = "redis://127.0.0.1:6379", hide_env_values = true)]
    pub(crate) redis_url: String,
    /// URLs of the routers that quote, comma-separated. A host name stands for all of its addresses; calls are shared
    /// among them, and a slow or silent one holds up none.
    #[arg(long, env = "ROUTER_URL", default_value = "http://127.0.0.1:50051")]
    pub(crate) router_url: String,
    /// File with the certificates in PEM of the authorities that the router's certificate may come from, if ROUTER_URL
    /// begins with https; the public ones if not given.
    #[arg(long, env = "ROUTER_CA")]
    pub(crate) router_ca: Option<PathBuf>,
    /// URLs of Solana RPC nodes of one cluster, comma-separated, the preferred one first.
    #[arg(
        long,
        env = "SOLANA_RPC_URL",
        hide_env_values = true,
        value_delimiter = ',',
        default_value = "http://127.0.0.1:8899"
    )]
    pub(crate) solana_rpc_url: Vec<String>,
    /// URLs of nodes' WebSockets, comma-separated, the preferred one first; the RPC URLs as ws or wss if not given. Over
    /// one of them a node tells new slots, so that landings are seen at once.
    #[arg(long, env = "SOLANA_WS_URL", hide_env_values = true, value_delimiter = ',')]
    pub(crate) solana_ws_url: Vec<String>,
    /// Relays and block engines that take signed transactions beside the nodes, comma-separated, each as FORM+URL with
    /// the form rpc, jito, bundle or submit, such as `jito+https://mainnet.block-engine.jito.wtf/api/v1/transactions`. A
    /// URL alone has the form rpc: `sendTransaction` as nodes take it.
    #[arg(long, env = "SENDERS", hide_env_values = true, value_delimiter = ',')]
    pub(crate) senders: Vec<String>,
    /// A file with the keys of senders, readable by nobody else: a line for each, with the sender's host, its port where
    /// the URL has one, and the key. The key goes into the form's header, or where the URL says `{key}`.
    #[arg(long, env = "SENDER_KEYS_FILE")]
    pub(crate) sender_keys_file: Option<PathBuf>,
    /// Accounts that get tips, comma-separated: those that the senders name for it. A transaction tips one of them.
    #[arg(long, env = "TIP_ACCOUNTS", value_delimiter = ',')]
    pub(crate) tip_accounts: Vec<AccountAddress>,
    /// Most that a transaction pays as a tip to who lands it; 0 for none. An order's last attempt pays it, each one
    /// before half of the next. The routers must have the same, because a tip takes place in the transaction.
    #[arg(long, env = "MAX_TIP_LAMPORTS", default_value_t = 0)]
    max_tip_lamports: u64,
    /// Least that is paid as a tip, if any: the senders' minimum.
    #[arg(long, env = "MIN_TIP_LAMPORTS", default_value_t = 1_000)]
    min_tip_lamports: u64,
    /// Addresses of lookup tables, comma-separated: with them more swaps fit into a transaction. The router
    /// must have the same.
    #[arg(long, env = "LOOKUP_TABLES", default_value = "", hide_default_value = true)]
    lookup_tables: chain::LookupTables,
    /// Newest version of transactions, 0 or 1. One of version 1 has room for swaps over more pools. It is used where the
    /// swaps do not fit otherwise and the cluster takes it; 0 is for senders or signers that do not. The router
    /// must have the same.
    #[arg(long, env = "MAX_TRANSACTION_VERSION", default_value_t = chain::transaction::Version::V1)]
    max_transaction_version: chain::transaction::Version,
    /// The wallets, comma-separated: files as `solana-keygen` writes them, readable by nobody else, or URLs of signers
    /// that end in the wallet's address. The first is that of the accounts that are bound to none.
    #[arg(long, env = "KEYPAIR", value_delimiter = ',', required = true)]
    pub(crate) keypair: Vec<String>,
    /// A file with the token that signers get as `Authorization: Bearer`, readable by nobody else.
    #[arg(long, env = "SIGNER_TOKEN_FILE")]
    pub(crate) signer_token_file: Option<PathBuf>,
    /// Trade on mainnet. Without it the executor refuses to start there.
    #[arg(long, env = "LIVE")]
    pub(crate) live: bool,
    /// Trade on mainnet with nodes of a single host. Its lies may then have orders reported wrongly; the chain
    /// still keeps every order from being executed twice.
    #[arg(long, env = "TRUST_ONE_HOST")]
    trust_one_host: bool,
    /// Age of an order's last transaction from which on the lamports of its marker are taken back.
    #[arg(long, env = "MARKER_AGE_SECONDS", default_value_t = 3_600, value_parser = clap::value_parser!(u64).range(3_600..=604_800))]
    marker_age_seconds: u64,
    /// Most that one order may be worth, in USD. Trading on mainnet needs it.
    #[arg(long, env = "MAX_ORDER_VALUE")]
    max_order_value: Option<UsdMicros>,
    /// Most that the orders of a day (UTC) may come to, in USD, over all executors. Trading on mainnet
    /// needs it.
    #[arg(long, env = "MAX_DAY_VALUE")]
    max_day_value: Option<UsdMicros>,
    /// How many orders are worked on at once.
    #[arg(long, env = "CONCURRENCY", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) concurrency: u32,
    /// How many attempts an order gets before it fails; those whose transaction expired or was
    /// reverted count too.
    #[arg(long, env = "ATTEMPTS", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) attempts: u32,
    /// How long one attempt may take, up to the signature.
    #[arg(long, env = "ATTEMPT_TIMEOUT_SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    attempt_timeout_seconds: u64,
    /// After how long an order of an executor that fell silent goes to another.
    #[arg(long, env = "LEASE_SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(2..=600))]
    lease_seconds: u64,
    /// How sure the cluster must be before an order counts as done: confirmed or finalized.
    #[arg(long, env = "COMMITMENT", default_value_t = Commitment::Confirmed)]
    pub(crate) commitment: Commitment,
    /// Most that an order may move the price of its pools, as a fraction, whatever its slippage.
    #[arg(long, env = "MAX_PRICE_IMPACT", default_value = "0.1")]
    pub(crate) max_price_impact: Fraction,
    /// Most that is paid for priority, per transaction.
    #[arg(long, env = "MAX_PRIORITY_FEE_LAMPORTS", default_value_t = 1_000_000)]
    max_priority_fee_lamports: u64,
    /// The settings that every service has.
    #[command(flatten)]
    options: service::Options,
}

impl service::Configuration for Configuration {
    fn options(&self) -> &service::Options {
        &self.options
    }
}

impl Configuration {
    /// A client of the router.
    ///
    /// # Errors
    /// ROUTER_URL is no URL, or ROUTER_CA cannot be read.
    pub(crate) fn router(&self) -> anyhow::Result<RouterClient> {
        let authorities =
            self.router_ca.as_ref().map(std::fs::read).transpose().context("reading ROUTER_CA")?;
        RouterClient::trusting(&self.router_url, authorities.as_deref()).context("check ROUTER_URL")
    }

    /// A client of the cluster.
    ///
    /// # Errors
    /// SOLANA_RPC_URL or SENDERS has a text that is no URL, or SENDER_KEYS_FILE cannot be used.
    pub(crate) fn cluster(&self) -> anyhow::Result<Client> {
        let client = Client::new(&self.solana_rpc_url).context("check SOLANA_RPC_URL")?;
        let keys = self.sender_keys_file.as_deref().map(SenderKeys::read).transpose();
        let keys = keys.context("check SENDER_KEYS_FILE")?.unwrap_or_default();
        client.with_senders(&self.senders, &keys).context("check SENDERS")
    }

    /// The tips that transactions pay.
    ///
    /// # Errors
    /// TIP_ACCOUNTS, MIN_TIP_LAMPORTS and MAX_TIP_LAMPORTS do not fit each other.
    pub(crate) fn tips(&self) -> anyhow::Result<Tips> {
        let [least, most] = [self.min_tip_lamports, self.max_tip_lamports].map(Atoms::new);
        Tips::new(self.tip_accounts.clone(), least, most, self.attempts)
    }

    /// The formats that transactions may have.
    pub(crate) fn formats(&self) -> AllowedFormats {
        AllowedFormats { lookup_tables: self.lookup_tables.clone(), newest: self.max_transaction_version }
    }

    /// The WebSockets that tell new slots.
    pub(crate) fn websocket_urls(&self) -> Vec<String> {
        chain::pubsub::websocket_urls(&self.solana_ws_url, &self.solana_rpc_url)
    }

    pub(crate) fn permission(&self) -> Permission {
        Permission { live: self.live, trust_one_host: self.trust_one_host }
    }

    pub(crate) fn marker_age(&self) -> Duration {
        Duration::from_secs(self.marker_age_seconds)
    }

    pub(crate) fn retry(&self) -> RetryPolicy {
        RetryPolicy { attempts: self.attempts, pause_ms: RETRY_PAUSE_MS }
    }

    pub(crate) fn attempt_timeout(&self) -> Duration {
        Duration::from_secs(self.attempt_timeout_seconds)
    }

    pub(crate) fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    pub(crate) fn limits(&self) -> anyhow::Result<Limits> {
        Limits::new(self.max_order_value, self.max_day_value, self.live)
    }

    pub(crate) fn max_priority_fee(&self) -> Atoms {
        Atoms::new(self.max_priority_fee_lamports)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDED: [&str; 5] =
        ["executor", "--database-url", "postgres://localhost/orders", "--keypair", "wallet.json"];

    #[test]
    fn the_database_and_the_wallet_must_be_named_and_the_rest_need_not() {
        let configuration = Configuration::parse_from(NEEDED);
        assert_eq!((configuration.concurrency, configuration.attempts), (10, 3));
        assert_eq!(configuration.attempt_timeout(), Duration::from_secs(30));
        assert_eq!(configuration.lease(), Duration::from_secs(15));
        assert_eq!(configuration.commitment, Commitment::Confirmed);
        assert!(!configuration.live);
        assert_eq!(configuration.max_price_impact.to_percent(), "10");
    }

    #[test]
    fn real_money_is_not_traded_without_limits() {
        let limits = |more: &[&str]| Configuration::parse_from(NEEDED.iter().chain(more)).limits();
        assert!(limits(&[]).is_ok());
        let (live, order, day) = ("--live", "--max-order-value=250.5", "--max-day-value=1000");
        for missing in [&[live][..], &[live, order], &[live, day]] {
            assert!(limits(missing).is_err(), "{missing:?}");
        }
        assert_eq!(limits(&[live, order, day]).unwrap(), limits(&[order, day]).unwrap());
    }

    #[test]
    fn nodes_are_a_list() {
        let nodes = ["--solana-rpc-url", "http://a:8899,http://b:8899"];
        let configuration = Configuration::parse_from(NEEDED.iter().chain(&nodes));
        assert_eq!(configuration.solana_rpc_url, ["http://a:8899", "http://b:8899"]);
    }

    #[test]
    fn the_pauses_are_the_default_policy_s() {
        assert_eq!(Configuration::parse_from(NEEDED).retry(), RetryPolicy::default());
    }
}
