use order_core::MAINNET_GENESIS_HASH;

/// Least number of hosts whose nodes are asked on mainnet: a single one could claim anything.
const MAINNET_HOSTS: usize = 2;

/// The clusters that the operator means to trade on.
#[derive(Debug, Clone, Copy)]
pub struct Permission {
    /// Mainnet is one of them.
    pub live: bool,
    /// The nodes of one host are enough on mainnet.
    pub trust_one_host: bool,
}

/// The reason why nothing is done on mainnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPermitted {
    /// The operator has not asked for it.
    #[error("SOLANA_RPC_URL is a node of mainnet: give --live to trade with real money")]
    Mainnet,
    /// Nobody could contradict the only host.
    #[error(
        "SOLANA_RPC_URL names nodes of one host only, whose lies nobody could contradict: name a second \
         provider's node, or give --trust-one-host and accept that orders may be reported wrongly"
    )]
    OneHost,
}

impl Permission {
    /// Refuses mainnet unless the operator means it, and its nodes are on enough `hosts`.
    ///
    /// # Errors
    /// See [`NotPermitted`].
    pub fn check(self, genesis: &solana_hash::Hash, hosts: usize) -> Result<(), NotPermitted> {
        if !is_mainnet(genesis) {
            return Ok(());
        }
        if !self.live {
            return Err(NotPermitted::Mainnet);
        }
        if hosts < MAINNET_HOSTS && !self.trust_one_host {
            return Err(NotPermitted::OneHost);
        }
        Ok(())
    }
}

/// True if the genesis hash is mainnet's.
pub fn is_mainnet(genesis: &solana_hash::Hash) -> bool {
    genesis.to_string() == MAINNET_GENESIS_HASH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mainnet_must_be_meant() {
        let permission = |live, trust_one_host| Permission { live, trust_one_host };
        let (mainnet, other) = (MAINNET_GENESIS_HASH.parse().unwrap(), solana_hash::Hash::default());
        assert_eq!(permission(false, false).check(&other, 1), Ok(()));
        assert_eq!(permission(false, true).check(&mainnet, 2), Err(NotPermitted::Mainnet));
        assert_eq!(permission(true, false).check(&mainnet, 1), Err(NotPermitted::OneHost));
        assert_eq!(permission(true, false).check(&mainnet, 2), Ok(()));
        assert_eq!(permission(true, true).check(&mainnet, 1), Ok(()));
    }
}
