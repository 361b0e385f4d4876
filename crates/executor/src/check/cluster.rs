use super::{Finding, PATIENCE};
use crate::Configuration;
use chain::transaction::Version;
use chain::{Client, Formats};
use std::collections::BTreeSet;
use tokio::time::timeout;

const SUBJECT: &str = "nodes";

/// Asks each node for its cluster. The genesis hash if all nodes that answer agree.
pub(super) async fn check(configuration: &Configuration, client: &Client) -> (Option<String>, Vec<Finding>) {
    let answers = timeout(PATIENCE, client.genesis_of_each()).await.unwrap_or_default();
    let nodes = configuration.solana_rpc_url.len();
    let mut findings = Vec::new();
    let mut told = BTreeSet::new();
    for (number, answer) in answers.iter().enumerate() {
        match answer {
            Ok(genesis) => drop(told.insert(genesis.to_string())),
            // URLs may hold a provider's key: the place in the list is told instead.
            Err(error) => {
                let told = format!("node {} of {nodes} in SOLANA_RPC_URL: {error}", number + 1);
                findings.push(Finding::warning(SUBJECT, told));
            }
        }
    }
    if told.len() > 1 {
        let told: Vec<_> = told.into_iter().collect();
        let told = format!(
            "SOLANA_RPC_URL names nodes of several clusters, with the genesis hashes {}",
            told.join(", ")
        );
        findings.push(Finding::fault(SUBJECT, told));
        return (None, findings);
    }
    let Some(genesis) = answers.into_iter().find_map(Result::ok) else {
        findings.push(Finding::fault(SUBJECT, "no node of SOLANA_RPC_URL tells its genesis hash"));
        return (None, findings);
    };
    let mainnet = chain::is_mainnet(&genesis);
    match configuration.permission().check(&genesis, client.host_count()) {
        Err(refused) => findings.push(Finding::fault(SUBJECT, refused.to_string())),
        Ok(()) if configuration.live && !mainnet => findings.push(Finding::warning(
            SUBJECT,
            format!("LIVE is set, and the cluster with the genesis hash {genesis} is not mainnet"),
        )),
        Ok(()) => {
            let name = if mainnet { "mainnet: real money is traded" } else { "not mainnet" };
            let told = format!("{nodes} on {} hosts, {name}", client.host_count());
            findings.push(Finding::fine(SUBJECT, told));
        }
    }
    if let Ok(Err(error)) = timeout(PATIENCE, client.health()).await {
        findings.push(Finding::warning(SUBJECT, format!("no node says that it is well: {error}")));
    }
    findings.extend(formats(configuration, client, mainnet).await);
    (Some(genesis.to_string()), findings)
}

/// The findings about the formats that transactions may have.
async fn formats(configuration: &Configuration, client: &Client, mainnet: bool) -> [Finding; 2] {
    let allowed = configuration.formats();
    let formats = match timeout(PATIENCE, client.formats(&allowed)).await {
        Ok(Ok(formats)) => Ok(formats),
        Ok(Err(error)) => Err(format!("cannot be read: {error}")),
        Err(_) => Err("no node shows them".to_owned()),
    };
    [tables(&formats, allowed.lookup_tables.len(), mainnet), version(&formats, allowed.newest)]
}

fn tables(formats: &Result<Formats, String>, named: usize, mainnet: bool) -> Finding {
    const SUBJECT: &str = "lookup tables";
    match formats {
        _ if named == 0 => {
            let long = matches!(formats, Ok(formats) if formats.newest == Version::V1);
            let told = "LOOKUP_TABLES names none: most swaps over two pools do not fit into a transaction of version 0; \
                        `ops lookup-table` makes one";
            if mainnet && !long { Finding::warning(SUBJECT, told) } else { Finding::fine(SUBJECT, told) }
        }
        Ok(Formats { tables, .. }) if tables.len() == named => {
            let addresses: usize = tables.iter().map(|table| table.addresses.len()).sum();
            Finding::fine(SUBJECT, format!("{named} with {addresses} addresses"))
        }
        Ok(Formats { tables, .. }) => Finding::warning(
            SUBJECT,
            format!(
                "{} of the {named} in LOOKUP_TABLES can be used on this cluster; the log says why",
                tables.len()
            ),
        ),
        Err(told) => Finding::warning(SUBJECT, told.clone()),
    }
}

fn version(formats: &Result<Formats, String>, allowed: Version) -> Finding {
    const SUBJECT: &str = "transactions";
    match (formats, allowed) {
        (_, Version::V0) => Finding::fine(SUBJECT, "MAX_TRANSACTION_VERSION keeps to version 0"),
        (Ok(Formats { newest: Version::V1, .. }), Version::V1) => Finding::fine(
            SUBJECT,
            "the cluster takes version 1; senders and signers must know it, or set MAX_TRANSACTION_VERSION to 0",
        ),
        (Ok(Formats { newest: Version::V0, .. }), Version::V1) => {
            Finding::fine(SUBJECT, "the cluster takes no later version than 0")
        }
        (Err(told), Version::V1) => Finding::warning(SUBJECT, told.clone()),
    }
}
