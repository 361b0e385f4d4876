use anyhow::{Context as _, bail, ensure};
use chain::{Client, Permission, Trade};
use journal::Journal;
use order_core::Pubkey;
use order_core::failure::Code;
use service::CancellationToken;
use std::time::Duration;

/// The pause before a cluster that does not answer at the start is asked again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Waits for the cluster and makes sure that it is one the operator means to trade on, and the one that the
/// database belongs to. All nodes that answer must be of it; from then on each is asked again after every time
/// that it could not be reached.
pub(crate) async fn meet(
    cluster: &Client,
    journal: &Journal,
    permission: Permission,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    loop {
        let answers = cluster.genesis_of_each().await;
        let (told, silent): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        let told: Vec<_> = told.into_iter().flatten().collect();
        if let Some(genesis) = told.first() {
            let same = told.iter().all(|other| other == genesis);
            ensure!(
                same,
                "the nodes of SOLANA_RPC_URL are of several clusters: their genesis hashes are {told:?}"
            );
            permission.check(genesis, cluster.host_count())?;
            let bound = journal.bind_cluster(&genesis.to_string()).await;
            belongs(&bound.context("binding the database to its cluster")?, &genesis.to_string())?;
            cluster.require_genesis(*genesis);
            let mainnet = chain::is_mainnet(genesis);
            tracing::info!(%genesis, mainnet, silent_nodes = silent.len(), "the cluster answers");
            return Ok(());
        }
        for error in silent.into_iter().filter_map(Result::err) {
            tracing::warn!(%error, "waiting for the cluster; check SOLANA_RPC_URL");
        }
        tokio::select! {
            biased;
            () = shutdown.cancelled() => bail!("stopped before the cluster answered"),
            () = tokio::time::sleep(ASK_AGAIN_AFTER) => {}
        }
    }
}

/// Refuses a database of another cluster: its orders were accepted for that one.
fn belongs(bound: &str, genesis: &str) -> anyhow::Result<()> {
    ensure!(
        bound == genesis,
        "the database belongs to the cluster with the genesis hash {bound}, and SOLANA_RPC_URL is a node of \
         {genesis}: use the database of this cluster, or an empty one"
    );
    Ok(())
}

/// The meaning of a program's own error code, also by what the program wrote to the logs.
pub(crate) fn explain(program: &Pubkey, code: u32, logs: &[String]) -> Option<(Code, &'static str)> {
    let pools = || amm::venue(program).map(|venue| amm::failure_told(venue, code, logs));
    amm::token_failure(program, code).or_else(pools)
}

/// The trade with the accounts that pool programs keep for its wallet.
pub(crate) fn keeping(trade: Trade) -> Trade {
    let kept = amm::trader_accounts(&trade.wallet);
    trade.keeping(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use order_core::Venue;
    use order_core::token::Program;

    #[test]
    fn a_database_of_another_cluster_is_refused() {
        assert!(belongs("one", "one").is_ok() && belongs("one", "another").is_err());
    }

    #[test]
    fn each_pool_program_has_its_own_words_for_slippage() {
        let code = |venue, code| explain(&amm::program_id(venue), code, &[]).map(|(code, _)| code);
        assert_eq!(code(Venue::RaydiumCpmm, 6005), Some(Code::SlippageExceeded));
        assert_eq!(code(Venue::MeteoraDammV2, 6002), Some(Code::SlippageExceeded));
        assert_eq!(code(Venue::MeteoraDammV2, 6005), Some(Code::SimulationFailed));
        assert_eq!(explain(&Pubkey::default(), 6005, &[]), None);
    }

    #[test]
    fn only_a_token_program_says_that_the_wallet_has_too_little() {
        let code = |program: &Pubkey| explain(program, 1, &[]).map(|(code, _)| code);
        for program in [Program::SplToken, Program::Token2022] {
            assert_eq!(code(&amm::token_program_id(program)), Some(Code::InsufficientFunds));
        }
        for venue in Venue::ALL {
            assert_eq!(code(&amm::program_id(venue)), Some(Code::SimulationFailed), "{venue}");
        }
        assert_eq!(code(&Pubkey::default()), None);
    }
}
