use anyhow::Context as _;
use order_core::{Fraction, Mint, PoolAddress, token};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 50051);

/// Less than this and every pause between two slots would count as stale.
const STATE_AGE_MS_MIN: u64 = 500;

/// Most tokens whose pools are looked for: each two of them are about a dozen searches.
const TOKENS_MAX: usize = 12;

/// Follows the pools of a Solana cluster and quotes the best price over them by gRPC.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "router", version)]
pub struct Configuration {
    /// Where gRPC is served; port 0 takes a free one and logs it.
    #[arg(long, env = "LISTEN", default_value_t = DEFAULT_LISTEN)]
    pub listen: SocketAddr,
    /// The files for TLS.
    #[command(flatten)]
    pub tls: service::net::TlsFiles,
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
    /// Addresses of the pools to follow, comma-separated. If none is named here or in the file, the
    /// deepest pools of every pair of TOKENS are looked for, which public nodes refuse.
    #[arg(long, env = "POOLS", default_value = "", hide_default_value = true)]
    pub pools: String,
    /// A file with addresses of pools to follow, one a line; what comes after a # is a comment. It is
    /// read again every minute.
    #[arg(long, env = "POOLS_FILE", default_value = "", hide_default_value = true)]
    pub pools_file: String,
    /// Tokens whose pools are looked for where none is named, comma-separated: symbols or mint addresses,
    /// at most 12. Those known by a symbol if not given.
    #[arg(long, env = "TOKENS", default_value = "", hide_default_value = true)]
    pub tokens: String,
    /// Addresses of lookup tables, comma-separated: with them more swaps fit into a transaction. The executors
    /// must have the same.
    #[arg(long, env = "LOOKUP_TABLES", default_value = "", hide_default_value = true)]
    pub lookup_tables: chain::LookupTables,
    /// Newest version of transactions, 0 or 1. One of version 1 has room for swaps over more pools. It is used where the
    /// swaps do not fit otherwise and the cluster takes it; 0 is for senders or signers that do not. The executors
    /// must have the same.
    #[arg(long, env = "MAX_TRANSACTION_VERSION", default_value_t = chain::transaction::Version::V1)]
    pub max_transaction_version: chain::transaction::Version,
    /// Most that the executors' transactions pay as a tip; 0 for none. A route then leaves room for the tip. The
    /// executors must have the same.
    #[arg(long, env = "MAX_TIP_LAMPORTS", default_value_t = 0)]
    pub max_tip_lamports: u64,
    /// The oldest state that is quoted, in milliseconds.
    #[arg(long, env = "MAX_STATE_AGE_MS", default_value_t = 5_000,
          value_parser = clap::value_parser!(u64).range(STATE_AGE_MS_MIN..))]
    pub max_state_age_ms: u64,
    /// Highest transfer fee of a token whose pools are quoted, as a fraction of each transfer.
    #[arg(long, env = "MAX_TRANSFER_FEE", default_value = "0.1")]
    pub max_transfer_fee: Fraction,
    /// The settings that every service has.
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

    pub(crate) fn formats(&self) -> chain::AllowedFormats {
        chain::AllowedFormats {
            lookup_tables: self.lookup_tables.clone(),
            newest: self.max_transaction_version,
        }
    }

    pub(crate) fn named_pools(&self) -> Named {
        let file = (!self.pools_file.is_empty()).then(|| PathBuf::from(&self.pools_file));
        Named { list: self.pools.clone(), file }
    }

    /// The tokens whose pools are looked for where none is named, each once.
    ///
    /// # Errors
    /// One is neither a known symbol nor an address, or they are fewer than two or too many.
    pub(crate) fn tokens(&self) -> anyhow::Result<Vec<Mint>> {
        let mut mints = BTreeSet::new();
        for text in self.tokens.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            let known = token::known().find(|known| known.symbol == text).map(|known| Ok(known.mint));
            let mint = known.unwrap_or_else(|| text.parse());
            mints.insert(
                mint.with_context(|| format!("`{text}` in TOKENS is no known symbol and no address"))?,
            );
        }
        if mints.is_empty() {
            mints.extend(token::known().map(|known| known.mint));
        }
        anyhow::ensure!((2..=TOKENS_MAX).contains(&mints.len()), "TOKENS are from 2 to {TOKENS_MAX}");
        Ok(mints.into_iter().collect())
    }

    /// The WebSockets to follow the pools on; those of the RPC URLs unless others are named.
    pub(crate) fn websocket_urls(&self) -> Vec<String> {
        chain::pubsub::websocket_urls(&self.solana_ws_url, &self.solana_rpc_url)
    }
}

/// Which pools an operator has named.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    list: String,
    file: Option<PathBuf>,
}

impl Named {
    /// True if pools are not named but to be looked for.
    pub(crate) fn is_search(&self) -> bool {
        self.file.is_none() && self.list.split(',').all(|text| text.trim().is_empty())
    }

    /// The addresses, without repetition; None if pools are not named but to be looked for.
    ///
    /// # Errors
    /// The file cannot be read or names nothing, or something in it or in the list is no address.
    pub(crate) fn read(&self) -> anyhow::Result<Option<Vec<PoolAddress>>> {
        let mut named = BTreeSet::new();
        for text in self.list.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            named.insert(text.parse().with_context(|| format!("`{text}` in POOLS is no address"))?);
        }
        if let Some(path) = &self.file {
            let shown = path.display();
            let text =
                std::fs::read_to_string(path).with_context(|| format!("reading POOLS_FILE {shown}"))?;
            for (number, line) in (1..).zip(text.lines()) {
                let address = line.split('#').next().unwrap_or_default().trim();
                if !address.is_empty() {
                    let wrong = || format!("`{address}` in line {number} of {shown} is no address");
                    named.insert(address.parse().with_context(wrong)?);
                }
            }
            anyhow::ensure!(!named.is_empty(), "POOLS_FILE {shown} names no pool");
        }
        Ok((!named.is_empty()).then(|| named.into_iter().collect()))
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
    fn pools_are_named_in_a_list_and_in_a_file() {
        let other = PoolAddress::new([7; 32]).to_string();
        let name = format!("pools-{}.txt", std::process::id());
        let path = std::env::temp_dir().join(name);
        let file = path.display().to_string();
        std::fs::write(&path, format!("# SOL/USDC\n{other} # the deepest\n\n{POOL}\n")).unwrap();
        let read = |arguments: &[&str]| parse(arguments).unwrap().named_pools().read();
        let named = |arguments: &[&str]| read(arguments).unwrap().map(|named| named.len());
        assert_eq!(named(&["--pools", &format!("{POOL}, {POOL}")]), Some(1));
        assert_eq!(named(&["--pools-file", &file, "--pools", POOL]), Some(2));
        assert_eq!(named(&["--pools", "", "--pools-file", ""]), None, "empty is as good as not given");
        assert_eq!(named(&[]), None);
        std::fs::write(&path, "# nothing\nSOL-USDC\n").unwrap();
        let error = read(&["--pools-file", &file]).unwrap_err().to_string();
        assert!(error.starts_with("`SOL-USDC` in line 2 of "), "{error}");
        std::fs::remove_file(&path).unwrap();
        assert!(read(&["--pools-file", &file]).is_err());
        assert!(read(&["--pools", "SOL-USDC"]).is_err());
    }

    #[test]
    fn the_tokens_are_the_known_ones_unless_others_are_named() {
        let tokens = |text: &str| parse(&["--tokens", text]).unwrap().tokens();
        assert_eq!(tokens("").unwrap().len(), token::known().count());
        let named = format!("SOL, USDC,{},SOL", PoolAddress::new([7; 32]));
        assert_eq!(tokens(&named).unwrap().len(), 3);
        assert_eq!(
            tokens("SOL,sol").unwrap_err().to_string(),
            "`sol` in TOKENS is no known symbol and no address"
        );
        assert!(tokens("SOL").is_err());
        let many: Vec<String> = (1..=13).map(|n| Mint::new([n; 32]).to_string()).collect();
        assert!(tokens(&many[..12].join(",")).is_ok() && tokens(&many.join(",")).is_err());
    }

    #[test]
    fn an_age_below_a_slot_is_refused() {
        assert!(parse(&["--max-state-age-ms", "0"]).is_err());
    }
}
