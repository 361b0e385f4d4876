use super::plan::Pools;
use crate::configuration::Named;
use amm::Pool;
use chain::{Account, Client, Commitment, Scan};
use order_core::{PoolAddress, Pubkey, Venue};

/// Most pools that are followed: some five subscriptions each are what a node gives one connection.
pub(super) const POOLS_MAX: usize = 500;

/// Why the pools of a cluster are not known.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{0:#}")]
    List(anyhow::Error),
    #[error("{0}")]
    Cluster(chain::Error),
    #[error("{0}; many nodes refuse to look for the pools of a program: name yours in POOLS or POOLS_FILE")]
    Refused(chain::Error),
    #[error("the cluster has no pool that can be followed; name some in POOLS or POOLS_FILE")]
    None,
    #[error("the cluster has {0} pools, at most {POOLS_MAX} are followed; name them in POOLS or POOLS_FILE")]
    TooMany(usize),
}

/// The named pools, or every pool of every venue if none is named.
pub(super) async fn discover(client: &Client, named: &Named) -> Result<Pools, Error> {
    let accounts = match named.read().map_err(Error::List)? {
        Some(named) => named_pools(client, &named).await.map_err(Error::Cluster)?,
        None => every_pool(client).await.map_err(|error| match error {
            chain::Error::Answer { .. } => Error::Refused(error),
            other => Error::Cluster(other),
        })?,
    };
    let pools = decode(accounts);
    match pools.len() {
        0 => Err(Error::None),
        count if count > POOLS_MAX => Err(Error::TooMany(count)),
        _ => Ok(pools),
    }
}

async fn every_pool(client: &Client) -> Result<Vec<(Pubkey, Account)>, chain::Error> {
    let mut accounts = Vec::new();
    for venue in Venue::ALL {
        // Some programs have made pools of several sizes: what marks them tells more than that.
        let scan = match amm::pool_discriminator(venue) {
            Some(mark) => Scan { data_size: None, first_bytes: Some(mark) },
            None => Scan { data_size: u64::try_from(amm::pool_size(venue)).ok(), first_bytes: None },
        };
        let program = amm::program_id(venue);
        accounts.append(&mut client.program_accounts(&program, scan, Commitment::Confirmed).await?);
    }
    Ok(accounts)
}

async fn named_pools(client: &Client, named: &[PoolAddress]) -> Result<Vec<(Pubkey, Account)>, chain::Error> {
    let mut accounts = Vec::new();
    for chunk in named.chunks(Client::ACCOUNTS_MAX) {
        let keys: Vec<Pubkey> = chunk.iter().map(|address| address.pubkey()).collect();
        let snapshot = client.accounts(&keys, Commitment::Confirmed).await?;
        for (key, account) in keys.into_iter().zip(snapshot.accounts) {
            match account {
                Some(account) => accounts.push((key, account)),
                None => tracing::warn!(pool = %key, "a named pool does not exist"),
            }
        }
    }
    Ok(accounts)
}

/// The accounts that are pools which this engine can quote.
fn decode(accounts: Vec<(Pubkey, Account)>) -> Pools {
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
        let decoded = decode(vec![pool.accounts[0].clone(), broken]);
        assert_eq!(decoded.keys().copied().collect::<Vec<_>>(), [pool.address]);
    }
}
