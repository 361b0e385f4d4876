use crate::executor::Executor;
use crate::sign::Rent;
use anyhow::{Context as _, bail, ensure};
use chain::Client;
use journal::Journal;
use order_core::failure::Code;
use order_core::{Failure, Pubkey};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The name of mainnet: the hash of its first block.
const MAINNET: &str = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";

/// The pause before a cluster that does not answer at the start is asked again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Hosts that mainnet must be asked through: a single one could claim anything.
const LIVE_HOSTS: usize = 2;

/// The clusters that the operator means to trade on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Permission {
    /// Mainnet is one of them.
    pub(crate) live: bool,
    /// The word of one host is enough on mainnet.
    pub(crate) trust_one_host: bool,
}

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
            permit(&genesis.to_string(), permission, cluster.host_count())?;
            let bound = journal.bind_cluster(&genesis.to_string()).await;
            belongs(&bound.context("binding the database to its cluster")?, &genesis.to_string())?;
            cluster.require_genesis(*genesis);
            let mainnet = genesis.to_string() == MAINNET;
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

/// Refuses mainnet, known by its genesis hash, unless it is meant and there are witnesses enough.
pub(crate) fn permit(genesis: &str, permission: Permission, hosts: usize) -> anyhow::Result<()> {
    if genesis != MAINNET {
        return Ok(());
    }
    ensure!(permission.live, "SOLANA_RPC_URL is a node of mainnet: give --live to trade with real money");
    ensure!(
        hosts >= LIVE_HOSTS || permission.trust_one_host,
        "SOLANA_RPC_URL names nodes of one host only, whose lies nobody could contradict: name a second \
         provider's node, or give --trust-one-host and accept that orders may be reported wrongly"
    );
    Ok(())
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

impl Executor {
    /// The lamports that accounts must hold to live, asked once.
    pub(crate) async fn rent(&self) -> Result<Rent, Failure> {
        let ask = || async {
            let of = |length| self.cluster.minimum_balance(length);
            let (token_account, marker) = futures_util::try_join!(
                of(chain::transaction::TOKEN_ACCOUNT_LENGTH),
                of(chain::MARKER_LENGTH),
            )?;
            Ok(Rent { token_account, marker })
        };
        self.rent.get_or_try_init(ask).await.copied().map_err(|error| failure(&error))
    }
}

/// The meaning of a program's own error code, also by what the program wrote to the logs.
pub(crate) fn explain(program: &Pubkey, code: u32, logs: &[String]) -> Option<(Code, &'static str)> {
    let pools = || amm::venue(program).map(|venue| amm::failure_told(venue, code, logs));
    amm::token_failure(program, code).or_else(pools)
}

/// An attempt that failed because the cluster gave no answer, or none that helps.
pub(crate) fn failure(error: &chain::Error) -> Failure {
    let code = if error.is_transient() { Code::ClusterUnavailable } else { Code::SimulationFailed };
    Failure::new(code, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use order_core::Venue;
    use order_core::token::Program;

    #[test]
    fn mainnet_must_be_meant() {
        let permission = |live, trust_one_host| Permission { live, trust_one_host };
        assert!(permit("another", permission(false, false), 1).is_ok());
        assert!(permit(MAINNET, permission(false, true), 2).is_err());
        assert!(permit(MAINNET, permission(true, false), 1).is_err());
        assert!(permit(MAINNET, permission(true, false), 2).is_ok());
        assert!(permit(MAINNET, permission(true, true), 1).is_ok());
    }

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

    #[test]
    fn only_silence_is_worth_asking_again() {
        let silent = chain::Error::Unreachable {
            method: "getSlot",
            node: "a".to_owned(),
            reason: "refused".to_owned(),
        };
        assert_eq!(failure(&silent).code, Code::ClusterUnavailable);
        let refused =
            chain::Error::Answer { method: "getSlot", code: -32602, message: "no".to_owned(), data: None };
        assert_eq!(failure(&refused).code, Code::SimulationFailed);
    }
}
