//! Address lookup tables, with which more swaps fit into a transaction.

use crate::Said;
use anyhow::{Context as _, ensure};
use chain::{Client, LookupTables, Permission, Wallet};
use clap::{Args, Subcommand};
use order_core::{PoolAddress, Pubkey};
use serde::Serialize;
use swap::PoolReader;

/// The wallet, the cluster and the pools of a lookup table.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// URLs of Solana RPC nodes of one cluster, comma-separated, the preferred one first.
    #[arg(
        long,
        env = "SOLANA_RPC_URL",
        hide_env_values = true,
        value_delimiter = ',',
        default_value = "http://127.0.0.1:8899"
    )]
    solana_rpc_url: Vec<String>,
    /// The wallet that pays for tables, and that alone may add to them: a keypair file.
    #[arg(long, env = "KEYPAIR")]
    keypair: String,
    /// Spend the wallet's money on mainnet. Without it nothing is done there.
    #[arg(long, env = "LIVE")]
    live: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a table of the accounts that swaps on these pools name, and say where it is.
    Create {
        /// Addresses of pools, as `/api/pools` lists them.
        #[arg(required = true)]
        pools: Vec<PoolAddress>,
    },
    /// Add to a table what swaps on these pools name and it does not have.
    Extend {
        /// The table's address.
        table: Pubkey,
        /// Addresses of pools, as `/api/pools` lists them.
        #[arg(required = true)]
        pools: Vec<PoolAddress>,
    },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Extended {
    table: String,
    added: usize,
}

/// Makes or extends a table.
///
/// # Errors
/// The wallet cannot be used, the cluster is mainnet and that was not asked for, an address is not that of a
/// pool, the table has no room, or a transaction did not land.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<Said> {
    let wallet = Wallet::open(&arguments.keypair, None).context("check KEYPAIR")?;
    let client = Client::new(&arguments.solana_rpc_url).context("check SOLANA_RPC_URL")?;
    let genesis =
        client.genesis_hash().await.context("asking for the cluster's name; check SOLANA_RPC_URL")?;
    // A table holds no money: one host is enough.
    let permission = Permission { live: arguments.live, trust_one_host: true };
    permission.check(&genesis, client.host_count())?;
    let (table, pools) = match arguments.command {
        Command::Create { pools } => (None, pools),
        Command::Extend { table, pools } => (Some(table), pools),
    };
    let addresses = named(&client, &pools).await?;
    let table = match table {
        Some(table) => table,
        None => client.create_lookup_table(&wallet).await.context("making a lookup table")?,
    };
    let added = client.extend_lookup_table(&wallet, table, &addresses).await.with_context(|| {
        format!("adding to the lookup table; to go on: ops lookup-table extend {table} POOLS")
    })?;
    let text =
        format!("{added} addresses were added to {table}; name it in LOOKUP_TABLES of router and executors");
    Said::about(text, Extended { table: table.to_string(), added })
}

/// The accounts that swaps on these pools name, those first that most of them share.
async fn named(client: &Client, pools: &[PoolAddress]) -> anyhow::Result<Vec<Pubkey>> {
    let reader = PoolReader::new(client.clone());
    let mut markets = Vec::with_capacity(pools.len());
    for pool in pools {
        // One by one: many do not fit into one call.
        let pools = reader.read(&[*pool], &[], 0).await;
        markets.push(pools.and_then(|pools| pools.market(*pool)).with_context(|| format!("reading {pool}"))?);
    }
    let addresses = amm::named_accounts(&markets);
    ensure!(
        addresses.len() <= LookupTables::ADDRESSES_MAX,
        "these pools have {} accounts, a table holds {}: name fewer, and make another table for the others",
        addresses.len(),
        LookupTables::ADDRESSES_MAX
    );
    Ok(addresses)
}
