use crate::cluster;
use amm::{CLOCK_ADDRESS, Clock, DecodeError, Market, Pool};
use chain::{Account, Client, Commitment};
use order_core::failure::Code;
use order_core::{Failure, PoolAddress, Pubkey};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Pools whose dependencies are remembered; far more than routes ever name.
const REMEMBERED_MAX: usize = 10_000;

/// Most times that the pools are read for one attempt: the first without knowing what they need, those
/// that [`amm::LOOKS_MAX`] allows, and one for a price that moves meanwhile.
const LOOKS_MAX: usize = amm::LOOKS_MAX + 2;

/// A node answers from memory: what takes longer is asked of the next.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Simulations run on the latest state, and this must be the same.
const COMMITMENT: Commitment = Commitment::Processed;

/// Which accounts each pool needed last: asking anew costs a round trip.
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
    /// Reads in one slot what is needed to trade on these pools: the clock, the pools, all that they name,
    /// and some accounts more, not before `min_slot`. What a pool needs can change with its price; then
    /// there is another look.
    pub(crate) async fn read(
        &self,
        pools: &[PoolAddress],
        more: &[Pubkey],
        min_slot: u64,
        cluster: &Client,
    ) -> Result<State, Failure> {
        let mut addresses = self.remembered(pools, more);
        for _ in 0..LOOKS_MAX {
            let state = read(cluster, &addresses, min_slot).await?;
            let needed = self.learn(pools, more, &state)?;
            if needed.is_subset(&addresses.iter().copied().collect()) {
                return Ok(state);
            }
            addresses = needed.into_iter().collect();
        }
        Err(Failure::new(
            Code::SimulationFailed,
            format!("the route's pools need other accounts at each of {LOOKS_MAX} looks"),
        ))
    }

    fn remembered(&self, pools: &[PoolAddress], more: &[Pubkey]) -> Vec<Pubkey> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut needed = BTreeSet::from([CLOCK_ADDRESS]);
        needed.extend(more);
        for pool in pools {
            needed.insert(pool.pubkey());
            needed.extend(known.get(pool).into_iter().flatten());
        }
        needed.into_iter().collect()
    }

    /// What the pools need as they are in a state.
    fn learn(
        &self,
        pools: &[PoolAddress],
        more: &[Pubkey],
        state: &State,
    ) -> Result<BTreeSet<Pubkey>, Failure> {
        let mut needed = BTreeSet::from([CLOCK_ADDRESS]);
        needed.extend(more);
        for address in pools {
            let dependencies = state.pool(*address)?.dependencies(|key| state.accounts.get(key));
            needed.insert(address.pubkey());
            needed.extend(&dependencies);
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() < REMEMBERED_MAX || known.contains_key(address) {
                known.insert(*address, dependencies);
            }
        }
        Ok(needed)
    }
}

/// Reads accounts in one slot, which is not before `min_slot`.
async fn read(cluster: &Client, addresses: &[Pubkey], min_slot: u64) -> Result<State, Failure> {
    let read = cluster.accounts_since(addresses, COMMITMENT, min_slot, ANSWER_WITHIN).await;
    let (_, snapshot) = read.map_err(|error| cluster::failure(&error))?;
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
    pub(crate) fn stood_still<'a>(&self, later: &Self, markets: impl Iterator<Item = &'a Market>) -> bool {
        let mut changing = markets.flat_map(Market::swap_accounts);
        changing.all(|address| self.accounts.get(address) == later.accounts.get(address))
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
