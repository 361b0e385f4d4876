use crate::api::v0::Compatibility;
use anyhow::Context as _;
use clap::Parser;
use ipnet::IpNet;
use order_core::Slippage;
use proto::RouterClient;
use service::net::TlsFiles;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// The gateway: REST and WebSocket in front of the engine.
#[derive(Debug, Clone, Parser)]
#[command(name = "gateway", version, about)]
pub struct Configuration {
    /// Options of every service.
    #[command(flatten)]
    pub service: service::Options,
    /// Address to listen on; port 0 takes a free port and logs it.
    #[arg(long, env = "LISTEN", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)))]
    pub listen: SocketAddr,
    /// The files for TLS.
    #[command(flatten)]
    pub tls: TlsFiles,
    /// The database of orders, e.g. postgres://orders@localhost/orders.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// The queue of orders.
    #[arg(long, env = "NATS_URL", default_value = "nats://127.0.0.1:4222", hide_env_values = true)]
    pub nats_url: String,
    /// The Redis server: events on their way, quotes, rate limits, reports.
    #[arg(long, env = "REDIS_URL", default_value = "redis://127.0.0.1:6379", hide_env_values = true)]
    pub redis_url: String,
    /// URLs of the routers that quote, comma-separated. A host name stands for all of its addresses; calls are shared
    /// among them, and a slow or silent one holds up none.
    #[arg(long, env = "ROUTER_URL", default_value = "http://127.0.0.1:50051")]
    pub router_url: String,
    /// File with the certificates in PEM of the authorities that the router's certificate may come from, if ROUTER_URL
    /// begins with https; the public ones if not given.
    #[arg(long, env = "ROUTER_CA")]
    pub router_ca: Option<PathBuf>,
    /// Slippage of orders that set none, as a fraction: 0.005 is half a percent.
    #[arg(long, env = "DEFAULT_MAX_SLIPPAGE", default_value = "0.005", value_parser = Slippage::parse)]
    pub default_max_slippage: Slippage,
    /// Orders per minute and account; the same limit applies to quotes.
    #[arg(long, env = "ORDERS_PER_MINUTE", default_value_t = 6_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub orders_per_minute: u32,
    /// Reads per minute and client address, counted by each gateway by itself.
    #[arg(long, env = "READS_PER_MINUTE", default_value_t = 60_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub reads_per_minute: u32,
    /// Open connections of one client address; an eighth of all if not given.
    #[arg(long, env = "MAX_CONNECTIONS_PER_CLIENT")]
    pub max_connections_per_client: Option<usize>,
    /// Open WebSockets of one client address; an eighth of all if not given.
    #[arg(long, env = "MAX_SOCKETS_PER_CLIENT")]
    pub max_sockets_per_client: Option<usize>,
    /// Networks of proxies, comma-separated, for example 10.0.0.0/8. Only their X-Forwarded-For and Forwarded headers name a client.
    #[arg(long, env = "TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<IpNet>,
    /// Highest slippage that an order may set, as a fraction.
    #[arg(long, env = "MAX_SLIPPAGE", default_value = "0.999999999", value_parser = Slippage::parse)]
    pub max_slippage: Slippage,
    /// Time from acceptance to expiry of orders that set no expiry, in seconds: nothing is signed after it.
    #[arg(long, env = "ORDER_TTL_SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=1_800))]
    pub order_ttl_seconds: u64,
    /// Names of this gateway for the header Host, besides localhost and IP addresses: a request with another is
    /// refused, so that no web page can reach the gateway under a name of its own.
    #[arg(long, env = "ALLOWED_HOSTS", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages of other sites that may use the API, e.g. `https://desk.example`.
    #[arg(long, env = "ALLOWED_ORIGINS", value_delimiter = ',', value_parser = origin)]
    pub allowed_origins: Vec<String>,
    /// The version of the API for clients whose header Accept names none: `v0` is the original Order Execution API.
    #[arg(long, env = "COMPATIBILITY", value_enum, default_value = "current")]
    pub compatibility: Compatibility,
    /// Open orders at which new ones are rejected.
    #[arg(long, env = "MAX_BACKLOG", default_value_t = 10_000)]
    pub max_backlog: u64,
    /// Open orders of one account at which its new ones are rejected, so that it shuts no other out.
    #[arg(long, env = "MAX_BACKLOG_PER_ACCOUNT", default_value_t = 2_500)]
    pub max_backlog_per_account: u64,
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

    /// Time from acceptance to expiry of orders that set no expiry.
    pub(crate) fn order_ttl(&self) -> Duration {
        Duration::from_secs(self.order_ttl_seconds)
    }
}

/// An origin as browsers send it.
fn origin(text: &str) -> Result<String, &'static str> {
    const FORM: &str = "an origin is https://host or https://host:port";
    let origin: http::Uri = text.parse().map_err(|_| FORM)?;
    let whole = format!("{}://{}", origin.scheme_str().ok_or(FORM)?, origin.authority().ok_or(FORM)?);
    if whole == text { Ok(whole) } else { Err(FORM) }
}

impl service::Configuration for Configuration {
    fn options(&self) -> &service::Options {
        &self.service
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_must_be_named() {
        let configuration = Configuration::parse_from(["gateway", "--database-url", "postgres://x"]);
        assert_eq!(configuration.default_max_slippage.to_decimal(), "0.005");
        assert_eq!(configuration.listen.to_string(), "127.0.0.1:3000");
    }

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        assert_eq!(origin("https://desk.example").as_deref(), Ok("https://desk.example"));
        assert_eq!(origin("http://10.0.0.7:8080").as_deref(), Ok("http://10.0.0.7:8080"));
        for text in ["desk.example", "https://desk.example/", "https://desk.example/page", "*", ""] {
            assert!(origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn slippage_of_one_is_refused() {
        let arguments = ["gateway", "--database-url", "postgres://x", "--default-max-slippage", "1"];
        assert!(Configuration::try_parse_from(arguments).is_err());
    }
}
