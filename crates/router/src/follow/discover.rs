use super::plan::Pools;
use amm::Pool;
use chain::{Account, Client, Commitment, Scan};
use order_core::{PoolAddress, Pubkey, Venue};

/// Most pools that are followed: some five subscriptions each are what a node gives one connection.
pub(super) const POOLS_MAX: usize = 500;

/// Why the pools of a cluster are not known.
#[derive(Debug)]
pub(super) enum Error {
    Cluster(chain::Error),
    None,
    TooMany(usize),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cluster(error) => write!(f, "{error}"),
            Self::None => f.write_str("the cluster has no pool that can be followed; name some in POOLS"),
            Self::TooMany(count) => {
                write!(
                    f,
                    "the cluster has {count} pools, at most {POOLS_MAX} are followed; name them in POOLS"
                )
            }
        }
    }
}

/// The named pools, or every pool of every venue if none is named.
pub(super) async fn discover(client: &Client, named: &[PoolAddress]) -> Result<Pools, Error> {
    let accounts = if named.is_empty() {
        every_pool(client).await.map_err(Error::Cluster)?
    } else {
        named_pools(client, named).await.map_err(Error::Cluster)?
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
        let size = u64::try_from(amm::pool_size(venue)).ok();
        let scan = Scan { data_size: size, first_bytes: amm::pool_discriminator(venue) };
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
                None => tracing::warn!(pool = %key, "a pool named in POOLS does not exist"),
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
