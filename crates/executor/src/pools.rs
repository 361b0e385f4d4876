use crate::cluster;
use amm::{CLOCK_ADDRESS, Clock, DecodeError, Market, Pool};
use chain::{Account, Client, Commitment};
use order_core::failure::Code;
use order_core::{Failure, PoolAddress, Pubkey};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Pools whose dependencies are remembered; far more than routes ever name.
const REMEMBERED_MAX: usize = 10_000;

/// Simulations run on the latest state, and this must be the same.
const COMMITMENT: Commitment = Commitment::Processed;

/// Which accounts each pool needs: it never changes, and asking costs a round trip.
#[derive(Debug, Default)]
pub(crate) struct Dependencies {
    known: Mutex<HashMap<PoolAddress, Vec<Pubkey>>>,
}

/// Accounts as they were in one slot.
#[derive(Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) slot: u64,
    accounts: HashMap<Pubkey, Account>,
}

impl Dependencies {
    /// What must be read to trade on these pools: the clock, the pools, and all that they name.
    pub(crate) async fn of(&self, pools: &[PoolAddress], cluster: &Client) -> Result<Vec<Pubkey>, Failure> {
        let mut needed = vec![CLOCK_ADDRESS];
        for pool in pools {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(pool).cloned();
            let dependencies = match known {
                Some(dependencies) => dependencies,
                None => self.ask(*pool, cluster).await?,
            };
            needed.push(pool.pubkey());
            needed.extend(dependencies);
        }
        needed.sort_unstable();
        needed.dedup();
        Ok(needed)
    }

    async fn ask(&self, address: PoolAddress, cluster: &Client) -> Result<Vec<Pubkey>, Failure> {
        let dependencies = read(cluster, &[address.pubkey()]).await?.pool(address)?.dependencies();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < REMEMBERED_MAX {
            known.insert(address, dependencies.clone());
        }
        Ok(dependencies)
    }
}

/// Reads accounts in one slot.
pub(crate) async fn read(cluster: &Client, addresses: &[Pubkey]) -> Result<State, Failure> {
    let snapshot = cluster.accounts(addresses, COMMITMENT).await.map_err(|error| cluster::failure(&error))?;
    let accounts = addresses.iter().zip(snapshot.accounts);
    Ok(State {
        slot: snapshot.slot,
        accounts: accounts.filter_map(|(address, account)| Some((*address, account?))).collect(),
    })
}

impl State {
    /// Whether there is such an account.
    pub(crate) fn has(&self, address: &Pubkey) -> bool {
        self.accounts.contains_key(address)
    }

    /// A pool with everything that a swap on it needs.
    pub(crate) fn market(&self, address: PoolAddress) -> Result<Market, Failure> {
        let clock = self.account(CLOCK_ADDRESS)?;
        let clock = Clock::decode(clock).map_err(|error| unreadable(&error))?;
        self.pool(address)?
            .load(|address| self.accounts.get(address), clock)
            .map_err(|error| unreadable(&error))
    }

    /// Whether no swap went through these markets between this state and a later one.
    pub(crate) fn stood_still(&self, later: &Self, markets: &[Market]) -> bool {
        let mut changing = markets.iter().flat_map(Market::swap_accounts);
        changing.all(|address| self.accounts.get(&address) == later.accounts.get(&address))
    }

    fn pool(&self, address: PoolAddress) -> Result<Pool, Failure> {
        Pool::decode(address, self.account(address.pubkey())?).map_err(|error| unreadable(&error))
    }

    fn account(&self, address: Pubkey) -> Result<&Account, Failure> {
        self.accounts.get(&address).ok_or_else(|| unreadable(&DecodeError::Missing { address }))
    }
}

fn unreadable(error: &DecodeError) -> Failure {
    Failure::new(Code::SimulationFailed, format!("the route's pool cannot be traded on: {error}"))
}
