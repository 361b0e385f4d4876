use super::plan::Pools;
use super::search;
use crate::configuration::Named;
use amm::Pool;
use chain::{Account, Client, Commitment};
use order_core::{Mint, PoolAddress, Pubkey};
use std::collections::HashMap;
use std::time::Duration;

/// Most pools that are followed: some five subscriptions each are what a node gives one connection.
pub(super) const POOLS_MAX: usize = 500;

/// How often the named pools are read again.
const READ_INTERVAL: Duration = Duration::from_secs(60);

/// How often new pools are looked for: a search is some hundred calls that are hard work for a node.
const SEARCH_INTERVAL: Duration = Duration::from_mins(10);

/// Why the pools of a cluster are not known.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{0:#}")]
    List(anyhow::Error),
    #[error("{0}")]
    Cluster(chain::Error),
    #[error("{0}; many nodes refuse to look for the pools of a program: name yours in POOLS or POOLS_FILE")]
    Refused(chain::Error),
    #[error(
        "the cluster has no pool that can be followed; check TOKENS, or name some in POOLS or POOLS_FILE"
    )]
    None,
    #[error("{0} pools are named, at most {POOLS_MAX} are followed")]
    TooMany(usize),
}

/// The named pools, or the deepest of every pair of these tokens if none is named.
pub(super) async fn discover(client: &Client, named: &Named, tokens: &[Mint]) -> Result<Pools, Error> {
    let pools = match named.read().map_err(Error::List)? {
        Some(named) => named_pools(client, &named).await.map_err(Error::Cluster)?,
        None => search::deepest(client, tokens).await.map_err(|error| match error {
            chain::Error::Answer { .. } => Error::Refused(error),
            other => Error::Cluster(other),
        })?,
    };
    match pools.len() {
        0 => Err(Error::None),
        count if count > POOLS_MAX => Err(Error::TooMany(count)),
        _ => Ok(pools),
    }
}

/// How long after one look for pools comes the next.
pub(super) fn interval_of(named: &Named) -> Duration {
    if named.is_search() { SEARCH_INTERVAL } else { READ_INTERVAL }
}

async fn named_pools(client: &Client, named: &[PoolAddress]) -> Result<Pools, chain::Error> {
    let keys: Vec<Pubkey> = named.iter().map(|address| address.pubkey()).collect();
    let accounts = read(client, &keys).await?;
    for key in keys.iter().filter(|key| !accounts.contains_key(key)) {
        tracing::warn!(pool = %key, "a named pool does not exist");
    }
    Ok(decode(accounts))
}

/// Those of the accounts that exist.
pub(super) async fn read(client: &Client, keys: &[Pubkey]) -> Result<HashMap<Pubkey, Account>, chain::Error> {
    let mut accounts = HashMap::with_capacity(keys.len());
    for chunk in keys.chunks(Client::ACCOUNTS_MAX) {
        let snapshot = client.accounts(chunk, Commitment::Confirmed).await?;
        let found = chunk.iter().zip(snapshot.accounts);
        accounts.extend(found.filter_map(|(key, account)| Some((*key, account?))));
    }
    Ok(accounts)
}

/// The accounts that are pools which this engine can quote.
pub(super) fn decode(accounts: impl IntoIterator<Item = (Pubkey, Account)>) -> Pools {
    let mut pools = Pools::new();
    for (key, account) in accounts {
        let address = PoolAddress::from(key);
        match Pool::decode(address, &account) {
            Ok(pool) => {
                pools.insert(address, pool);
            }
            Err(error) => tracing::debug!(pool = %address, %error, "not followed"),
        }
    }
    pools
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn what_is_no_pool_is_left_out() {
        let pool = testing::pool(1);
        let mut broken = pool.accounts[0].clone();
        broken.0 = Pubkey::new_from_array([99; 32]);
        broken.1.data.truncate(8);
        let decoded = decode([pool.accounts[0].clone(), broken]);
        assert_eq!(decoded.keys().copied().collect::<Vec<_>>(), [pool.address]);
    }
}
