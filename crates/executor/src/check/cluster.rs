use super::{Finding, PATIENCE};
use crate::Configuration;
use chain::Client;
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
    findings.push(tables(configuration, client, mainnet).await);
    (Some(genesis.to_string()), findings)
}

async fn tables(configuration: &Configuration, client: &Client, mainnet: bool) -> Finding {
    const SUBJECT: &str = "lookup tables";
    let named = &configuration.lookup_tables;
    if named.is_empty() {
        let told = "LOOKUP_TABLES names none: most swaps over two pools do not fit into a transaction; \
                    `ops lookup-table` makes one";
        return if mainnet { Finding::warning(SUBJECT, told) } else { Finding::fine(SUBJECT, told) };
    }
    match timeout(PATIENCE, client.lookup_tables(named)).await {
        Ok(Ok(usable)) if usable.len() == named.len() => {
            let addresses: usize = usable.iter().map(|table| table.addresses.len()).sum();
            Finding::fine(SUBJECT, format!("{} with {addresses} addresses", usable.len()))
        }
        Ok(Ok(usable)) => Finding::warning(
            SUBJECT,
            format!(
                "{} of the {} in LOOKUP_TABLES can be used on this cluster; the log says why",
                usable.len(),
                named.len()
            ),
        ),
        Ok(Err(error)) => Finding::warning(SUBJECT, format!("cannot be read: {error}")),
        Err(_) => Finding::warning(SUBJECT, "no node shows them"),
    }
}
