use amm::{CLOCK_ADDRESS, Pool};
use chain::{Account, Client};
use order_core::{PoolAddress, Pubkey};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The pools of a cluster, by address.
pub(super) type Pools = BTreeMap<PoolAddress, Pool>;

/// Most accounts that a group begins with. The rest of a call is for what the accounts tell once they are
/// read, and for the neighbours of a price that moves. Where that turns out to be more, groups are planned
/// smaller.
pub(super) const PLANNED_MAX: usize = 60;

/// Which accounts are read together, and which tell of a change.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) pools: Pools,
    pub(super) groups: Vec<Group>,
    /// The accounts to subscribe to, and the groups that a change of one concerns.
    pub(super) watched: HashMap<Pubkey, Vec<usize>>,
}

/// Accounts that are read in one call, so that every pool in it is known at one slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) pools: Vec<PoolAddress>,
    /// The clock, then every account that the pools need, without repetition.
    pub(super) keys: Vec<Pubkey>,
}

/// The needs of a group's pools, against what was read of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needed {
    /// Nothing else.
    Known,
    /// Accounts that were not read yet.
    More,
    /// More than one call gives.
    TooMany,
}

impl Plan {
    /// Puts pools together, in the order of their addresses, as long as they begin with so many accounts.
    pub(super) fn new(pools: Pools, planned_max: usize) -> Self {
        let mut groups = Vec::new();
        let mut members: Vec<PoolAddress> = Vec::new();
        let mut keys = BTreeSet::new();
        for pool in pools.values() {
            let needed = needed(pool);
            let together: BTreeSet<Pubkey> = keys.union(&needed).copied().collect();
            if together.len() > planned_max && !members.is_empty() {
                groups.push(Group::new(std::mem::take(&mut members), &keys));
                keys = needed;
            } else {
                keys = together;
            }
            members.push(pool.address());
        }
        if !members.is_empty() {
            groups.push(Group::new(members, &keys));
        }
        let watched = watched(&pools, &groups);
        Self { pools, groups, watched }
    }

    /// True if other pools would be read in the same way.
    pub(super) fn covers(&self, pools: &Pools) -> bool {
        self.pools.len() == pools.len()
            && pools.iter().all(|(address, pool)| {
                self.pools.get(address).is_some_and(|known| {
                    known.venue() == pool.venue()
                        && needed(known) == needed(pool)
                        && known.swap_accounts(unknown) == pool.swap_accounts(unknown)
                })
            })
    }
}

impl Group {
    fn new(pools: Vec<PoolAddress>, keys: &BTreeSet<Pubkey>) -> Self {
        Self { pools, keys: with_clock(keys) }
    }

    /// Reads from now on what these pools of the group need, as far as the accounts tell. What exceeds
    /// one call stays as it was.
    pub(super) fn look<'a>(
        &mut self,
        pools: impl Iterator<Item = Pool>,
        known: impl Fn(&Pubkey) -> Option<&'a Account>,
    ) -> Needed {
        let mut keys = BTreeSet::new();
        for pool in pools {
            keys.insert(pool.address().pubkey());
            keys.extend(pool.dependencies(&known));
        }
        // The clock takes one place.
        if keys.len() >= Client::ACCOUNTS_MAX {
            return Needed::TooMany;
        }
        let before = std::mem::replace(&mut self.keys, with_clock(&keys));
        if keys.iter().all(|key| before.contains(key)) { Needed::Known } else { Needed::More }
    }
}

fn with_clock(keys: &BTreeSet<Pubkey>) -> Vec<Pubkey> {
    std::iter::once(CLOCK_ADDRESS).chain(keys.iter().copied()).collect()
}

/// Before anything is read.
fn unknown(_: &Pubkey) -> Option<&'static Account> {
    None
}

/// The accounts that the pool's own account names.
fn needed(pool: &Pool) -> BTreeSet<Pubkey> {
    let mut keys: BTreeSet<Pubkey> = pool.dependencies(unknown).into_iter().collect();
    keys.insert(pool.address().pubkey());
    keys
}

fn watched(pools: &Pools, groups: &[Group]) -> HashMap<Pubkey, Vec<usize>> {
    let mut watched: HashMap<Pubkey, Vec<usize>> = HashMap::new();
    for (index, group) in groups.iter().enumerate() {
        for pool in group.pools.iter().filter_map(|address| pools.get(address)) {
            for account in pool.swap_accounts(unknown) {
                let concerned = watched.entry(account).or_default();
                if concerned.last() != Some(&index) {
                    concerned.push(index);
                }
            }
        }
    }
    watched
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn every_pool_is_read_in_one_call_of_bounded_size() {
        let pools: Pools = (1..=60).map(|n| testing::pool(n).decoded()).collect();
        let plan = Plan::new(pools.clone(), PLANNED_MAX);
        assert!(plan.groups.len() > 1, "60 pools do not fit in one call");
        let mut seen = Vec::new();
        for group in &plan.groups {
            assert!(group.keys.len() <= Client::ACCOUNTS_MAX);
            assert_eq!(group.keys[0], CLOCK_ADDRESS);
            assert_eq!(group.keys.iter().collect::<BTreeSet<_>>().len(), group.keys.len());
            for address in &group.pools {
                let pool = &pools[address];
                assert!(needed(pool).iter().all(|key| group.keys.contains(key)));
                seen.push(*address);
            }
        }
        assert_eq!(seen, pools.keys().copied().collect::<Vec<_>>());
    }

    #[test]
    fn a_change_of_any_account_that_a_swap_moves_concerns_its_group() {
        let pools: Pools = (1..=60).map(|n| testing::pool(n).decoded()).collect();
        let plan = Plan::new(pools, PLANNED_MAX);
        for (index, group) in plan.groups.iter().enumerate() {
            for address in &group.pools {
                for account in plan.pools[address].swap_accounts(unknown) {
                    assert!(plan.watched[&account].contains(&index));
                }
            }
        }
        assert!(!plan.watched.contains_key(&CLOCK_ADDRESS), "it changes with every slot");
    }

    #[test]
    fn another_set_of_pools_is_another_plan() {
        let pools: Pools = (1..=3).map(|n| testing::pool(n).decoded()).collect();
        let plan = Plan::new(pools.clone(), PLANNED_MAX);
        assert!(plan.covers(&pools));
        assert!(!plan.covers(&(1..=2).map(|n| testing::pool(n).decoded()).collect()));
        assert!(!plan.covers(&(2..=4).map(|n| testing::pool(n).decoded()).collect()));
        assert!(Plan::new(Pools::new(), PLANNED_MAX).groups.is_empty());
    }
}
