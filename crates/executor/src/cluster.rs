use crate::executor::Executor;
use anyhow::{bail, ensure};
use chain::Client;
use order_core::failure::Code;
use order_core::{Atoms, Failure, Pubkey};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The name of mainnet: the hash of its first block.
const MAINNET: &str = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";

/// The pause before a cluster that does not answer at the start is asked again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Waits for the cluster and makes sure that it is one the operator means to trade on.
pub(crate) async fn meet(cluster: &Client, live: bool, shutdown: &CancellationToken) -> anyhow::Result<()> {
    loop {
        match cluster.genesis_hash().await.map(|hash| hash.to_string()) {
            Ok(hash) => {
                permit(&hash, live)?;
                tracing::info!(genesis = hash, mainnet = hash == MAINNET, "the cluster answers");
                return Ok(());
            }
            Err(error) => tracing::warn!(%error, "waiting for the cluster; check SOLANA_RPC_URL"),
        }
        tokio::select! {
            biased;
            () = shutdown.cancelled() => bail!("stopped before the cluster answered"),
            () = tokio::time::sleep(ASK_AGAIN_AFTER) => {}
        }
    }
}

/// Refuses mainnet, known by its name, unless it is meant.
pub(crate) fn permit(genesis: &str, live: bool) -> anyhow::Result<()> {
    ensure!(
        live || genesis != MAINNET,
        "SOLANA_RPC_URL is a node of mainnet: give --live to trade with real money"
    );
    Ok(())
}

impl Executor {
    /// What a token account must hold to live, asked once.
    pub(crate) async fn token_account_rent(&self) -> Result<Atoms, Failure> {
        let ask = || self.cluster.minimum_balance(chain::transaction::TOKEN_ACCOUNT_LENGTH);
        self.rent.get_or_try_init(ask).await.copied().map_err(|error| failure(&error))
    }
}

/// What a program's own error code means, by what the program told the logs of it too.
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
        assert!(permit(MAINNET, false).is_err());
        assert!(permit(MAINNET, true).is_ok() && permit("another", false).is_ok());
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
