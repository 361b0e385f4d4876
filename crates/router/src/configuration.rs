use order_core::PoolAddress;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 50051);

/// Less than this and every pause between two slots would count as stale.
const STATE_AGE_MS_MIN: u64 = 500;

/// Follows the pools of a Solana cluster and quotes the best price over them by gRPC.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "router", version)]
pub struct Configuration {
    /// Where gRPC is served; port 0 takes a free one and logs it.
    #[arg(long, env = "LISTEN", default_value_t = DEFAULT_LISTEN)]
    pub listen: SocketAddr,
    /// URLs of Solana RPC nodes, comma-separated, the preferred one first.
    #[arg(
        long,
        env = "SOLANA_RPC_URL",
        hide_env_values = true,
        value_delimiter = ',',
        default_value = "http://127.0.0.1:8899"
    )]
    pub solana_rpc_url: Vec<String>,
    /// URLs of nodes' WebSockets, comma-separated, the preferred one first; the RPC URLs as ws or wss if
    /// not given.
    #[arg(long, env = "SOLANA_WS_URL", hide_env_values = true, value_delimiter = ',')]
    pub solana_ws_url: Vec<String>,
    /// Addresses of the pools to follow, comma-separated. If not given, every pool of every supported
    /// program is looked for, which public nodes refuse.
    #[arg(long, env = "POOLS", value_delimiter = ',')]
    pub pools: Vec<PoolAddress>,
    /// The oldest state that is quoted, in milliseconds.
    #[arg(long, env = "MAX_STATE_AGE_MS", default_value_t = 5_000,
          value_parser = clap::value_parser!(u64).range(STATE_AGE_MS_MIN..))]
    pub max_state_age_ms: u64,
    /// What every service has.
    #[command(flatten)]
    pub options: service::Options,
}

impl service::Configuration for Configuration {
    fn options(&self) -> &service::Options {
        &self.options
    }
}

impl Configuration {
    pub(crate) fn max_state_age(&self) -> Duration {
        Duration::from_millis(self.max_state_age_ms)
    }

    /// The WebSockets to follow the pools on; those of the RPC URLs unless others are named.
    pub(crate) fn websocket_urls(&self) -> Vec<String> {
        if !self.solana_ws_url.is_empty() {
            return self.solana_ws_url.clone();
        }
        let url = |url: &String| {
            let (scheme, rest) = url.split_once("://")?;
            match scheme {
                "http" => Some(format!("ws://{rest}")),
                "https" => Some(format!("wss://{rest}")),
                _ => None,
            }
        };
        self.solana_rpc_url.iter().filter_map(url).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    const POOL: &str = "HLnpSz9h2S4hiLQ43rnSD9XkcUThA7B8hQMKmDaiTLcC";

    fn parse(arguments: &[&str]) -> Result<Configuration, clap::Error> {
        Configuration::try_parse_from(["router"].iter().chain(arguments))
    }

    #[test]
    fn the_websockets_are_the_nodes_own_unless_others_are_named() {
        let urls = |arguments: &[&str]| parse(arguments).unwrap().websocket_urls();
        let two = "https://one.example/key,http://two.example";
        assert_eq!(urls(&["--solana-rpc-url", two]), ["wss://one.example/key", "ws://two.example"]);
        assert_eq!(urls(&["--solana-rpc-url", "http://h:1"]), ["ws://h:1"]);
        assert_eq!(urls(&["--solana-ws-url", "ws://other,ws://more"]), ["ws://other", "ws://more"]);
        assert_eq!(urls(&["--solana-rpc-url", "h:1"]), [""; 0]);
    }

    #[test]
    fn lists_are_comma_separated_and_checked() {
        let both = format!("{POOL},{POOL}");
        assert_eq!(parse(&["--pools", &both]).unwrap().pools.len(), 2);
        assert!(parse(&["--pools", "SOL-USDC"]).is_err());
        assert!(parse(&["--max-state-age-ms", "0"]).is_err());
    }
}
