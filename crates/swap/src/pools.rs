use amm::{CLOCK_ADDRESS, Clock, DecodeError, Market, Pool};
use chain::{Account, Client, Commitment};
use order_core::failure::Code;
use order_core::{Failure, PoolAddress, Pubkey};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Pools whose dependencies are remembered; far more than routes ever name.
const REMEMBERED_MAX: usize = 10_000;

/// Most times that the pools are read for one attempt: the first without knowing what they need, those
/// that [`amm::LOOKS_MAX`] allows, and one for a price that moves meanwhile.
const LOOKS_MAX: usize = amm::LOOKS_MAX + 2;

/// Time for a node to answer; it does so from memory. Then the next one is asked.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Simulations run on the latest state, and the snapshots must be of the same.
const COMMITMENT: Commitment = Commitment::Processed;

/// Age of a read that orders share, half a slot: then the state is read again, even if the route was quoted on it.
const SHARED_AGE_MAX: Duration = Duration::from_millis(200);

/// Reads of the same accounts that orders may share; far more than are under way at once.
const SHARED_MAX: usize = 1_000;

/// Reads pools with all that a swap on them needs. It remembers which accounts each pool needed last, because
/// asking anew costs a round trip.
#[derive(Debug)]
pub struct PoolReader {
    cluster: Client,
    known: Mutex<HashMap<PoolAddress, Vec<Pubkey>>>,
    reads: Mutex<HashMap<Vec<Pubkey>, LastRead>>,
}

/// The last read of some accounts and the time at which it was begun. Locked while one is under way.
type LastRead = Arc<tokio::sync::Mutex<Option<(Instant, PoolSnapshot)>>>;

/// Pools and their accounts as they were in one slot. Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolSnapshot {
    slot: u64,
    /// Those that were read; None if one does not exist.
    accounts: Arc<HashMap<Pubkey, Option<Account>>>,
}

impl PoolReader {
    /// A reader that knows no pool yet.
    pub fn new(cluster: Client) -> Self {
        Self { cluster, known: Mutex::default(), reads: Mutex::default() }
    }

    /// Reads in one slot, not before `min_slot`, everything that trading on these pools needs: the clock, the
    /// pools, the accounts that they name, and some accounts `more`. A pool may need others when its price has
    /// moved; then there is another look.
    ///
    /// # Errors
    /// The cluster does not answer, a pool cannot be traded on, or it needs other accounts at each look.
    pub async fn read(
        &self,
        pools: &[PoolAddress],
        more: &[Pubkey],
        min_slot: u64,
    ) -> Result<PoolSnapshot, Failure> {
        let mut addresses = self.remembered(pools, more);
        for _ in 0..LOOKS_MAX {
            let state = self.read_once(&addresses, min_slot).await?;
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

    /// Orders that want the same accounts at about the same time share a read. None gets an older state than the
    /// one that its route was quoted on.
    async fn read_once(&self, addresses: &[Pubkey], min_slot: u64) -> Result<PoolSnapshot, Failure> {
        let asked = Instant::now();
        let last = self.last_read(addresses);
        let mut last = last.lock().await;
        if let Some((begun, state)) = last.as_ref()
            && serves(*begun, state.slot, asked, min_slot)
        {
            return Ok(state.clone());
        }
        let begun = Instant::now();
        let state = read(&self.cluster, addresses, min_slot).await?;
        *last = Some((begun, state.clone()));
        Ok(state)
    }

    fn last_read(&self, addresses: &[Pubkey]) -> LastRead {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        if reads.len() >= SHARED_MAX && !reads.contains_key(addresses) {
            reads.clear();
        }
        Arc::clone(reads.entry(addresses.to_vec()).or_default())
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

    /// The accounts that the pools need as they are in a state.
    fn learn(
        &self,
        pools: &[PoolAddress],
        more: &[Pubkey],
        state: &PoolSnapshot,
    ) -> Result<BTreeSet<Pubkey>, Failure> {
        let mut needed = BTreeSet::from([CLOCK_ADDRESS]);
        needed.extend(more);
        for address in pools {
            let dependencies = state.pool(*address)?.dependencies(|key| state.read(key));
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

/// True if a state that was read from `begun` on serves whoever asked at `asked`: it is as new as a read of its own would
/// be, or nearly so, and not from before `min_slot`.
fn serves(begun: Instant, slot: u64, asked: Instant, min_slot: u64) -> bool {
    slot >= min_slot && asked.saturating_duration_since(begun) < SHARED_AGE_MAX
}

/// Reads accounts in one slot, which is not before `min_slot`.
async fn read(cluster: &Client, addresses: &[Pubkey], min_slot: u64) -> Result<PoolSnapshot, Failure> {
    let read = cluster.accounts_since(addresses, COMMITMENT, min_slot, ANSWER_WITHIN).await;
    let (_, snapshot) = read.map_err(|error| error.failure())?;
    let accounts = addresses.iter().copied().zip(snapshot.accounts);
    Ok(PoolSnapshot { slot: snapshot.slot, accounts: Arc::new(accounts.collect()) })
}

impl PoolSnapshot {
    /// The slot in which all of it was read.
    pub const fn slot(&self) -> u64 {
        self.slot
    }

    /// True if the account exists.
    pub fn has(&self, address: &Pubkey) -> bool {
        self.existing(address).is_some()
    }

    /// The lamports of an account; None if it does not exist.
    pub fn lamports(&self, address: &Pubkey) -> Option<u64> {
        self.existing(address).map(|account| account.lamports)
    }

    /// The balance of a token account, in base units; None if it does not exist.
    pub fn token_balance(&self, address: &Pubkey) -> Option<u64> {
        self.existing(address).map(amm::token::held)
    }

    /// A pool with everything that a swap on it needs.
    ///
    /// # Errors
    /// The pool was not read, or an account of it cannot be decoded.
    pub fn market(&self, address: PoolAddress) -> Result<Market, Failure> {
        let clock = self.account(CLOCK_ADDRESS)?;
        let clock = Clock::decode(clock).map_err(|error| unreadable(&error))?;
        self.pool(address)?.load(|address| self.read(address), clock).map_err(|error| unreadable(&error))
    }

    /// True if no swap went through these markets between this snapshot and a later one.
    pub fn stood_still<'a>(&self, later: &Self, markets: impl Iterator<Item = &'a Market>) -> bool {
        let mut changing = markets.flat_map(Market::swap_accounts);
        changing.all(|address| self.accounts.get(address) == later.accounts.get(address))
    }

    fn pool(&self, address: PoolAddress) -> Result<Pool, Failure> {
        Pool::decode(address, self.account(address.pubkey())?).map_err(|error| unreadable(&error))
    }

    fn account(&self, address: Pubkey) -> Result<&Account, Failure> {
        self.existing(&address).ok_or_else(|| unreadable(&DecodeError::Missing { address }))
    }

    fn existing(&self, address: &Pubkey) -> Option<&Account> {
        self.accounts.get(address)?.as_ref()
    }

    /// An account as pools want it: None if it was not read, and [`amm::ABSENT`] if it does not exist.
    fn read(&self, address: &Pubkey) -> Option<&Account> {
        self.accounts.get(address).map(|account| account.as_ref().unwrap_or(&amm::ABSENT))
    }
}

fn unreadable(error: &DecodeError) -> Failure {
    Failure::new(Code::SimulationFailed, format!("the route's pool cannot be traded on: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_does_not_exist_is_told_from_one_that_was_not_read() {
        let [there, vacant, unread] = [1, 2, 3].map(|seed| Pubkey::new_from_array([seed; 32]));
        let account = Account { lamports: 7, ..amm::ABSENT.clone() };
        let accounts = HashMap::from([(there, Some(account.clone())), (vacant, None)]);
        let snapshot = PoolSnapshot { slot: 1, accounts: Arc::new(accounts) };
        let read = [there, vacant, unread].map(|address| snapshot.read(&address).cloned());
        assert_eq!(read, [Some(account), Some(amm::ABSENT.clone()), None]);
        assert_eq!([there, vacant, unread].map(|address| snapshot.has(&address)), [true, false, false]);
    }

    #[test]
    fn a_state_is_shared_for_half_a_slot_and_never_where_the_quote_is_newer() {
        let begun = Instant::now();
        let after = |age: Duration, min_slot: u64| serves(begun, 7, begun + age, min_slot);
        assert!(after(Duration::ZERO, 7) && after(SHARED_AGE_MAX - Duration::from_millis(1), 7));
        assert!(!after(SHARED_AGE_MAX, 7), "too old");
        assert!(!after(Duration::ZERO, 8), "the route was quoted on a newer state");
        assert!(serves(begun + Duration::from_millis(1), 7, begun, 7), "begun after the question");
    }
}
