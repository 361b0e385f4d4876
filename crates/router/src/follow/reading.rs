//! The pools of a group, as one call shows their accounts.

use super::plan::{Group, Needed, Pools};
use crate::book::Entry;
use amm::{CLOCK_ADDRESS, Clock, Pool};
use chain::{Account, Snapshot};
use order_core::{Fraction, PoolAddress, Pubkey};
use std::collections::HashMap;

/// The accounts that one call has read. Those that do not exist are among them.
fn found<'a>(group: &Group, snapshot: &'a Snapshot) -> HashMap<Pubkey, &'a Account> {
    let found = group.keys.iter().zip(&snapshot.accounts);
    found.map(|(key, account)| (*key, account.as_ref().unwrap_or(&amm::ABSENT))).collect()
}

/// The accounts that the pools of a group turn out to need.
pub(super) fn look(group: &mut Group, entries: &[Entry], pools: &Pools, snapshot: &Snapshot) -> Needed {
    let accounts = found(group, snapshot);
    let current = |entry: &Entry| match &entry.market {
        Ok(market) => Some(market.pool().clone()),
        Err(_) => {
            let account = accounts.get(&entry.address.pubkey());
            let decoded = account.and_then(|account| Pool::decode(entry.address, account).ok());
            decoded.or_else(|| pools.get(&entry.address).cloned())
        }
    };
    let members: Vec<Pool> = entries.iter().filter_map(current).collect();
    group.look(members.into_iter(), |key| accounts.get(key).copied())
}

/// The pools of a group, as one call shows them.
pub(super) fn entries(
    index: usize,
    group: &Group,
    pools: &Pools,
    snapshot: &Snapshot,
    max_transfer_fee: Fraction,
) -> Vec<Entry> {
    let accounts = found(group, snapshot);
    let known = group.pools.iter().filter_map(|address| Some((*address, pools.get(address)?)));
    known
        .map(|(address, pool)| Entry {
            address,
            venue: pool.venue(),
            mints: pool.mints(),
            group: index,
            slot: snapshot.slot,
            market: market(address, pool, &accounts)
                .and_then(|market| within_transfer_fee(market, max_transfer_fee)),
        })
        .collect()
}

fn market(
    address: PoolAddress,
    known: &Pool,
    accounts: &HashMap<Pubkey, &Account>,
) -> Result<amm::Market, String> {
    let existing = |key| accounts.get(key).filter(|account| ***account != amm::ABSENT);
    let clock = existing(&CLOCK_ADDRESS).ok_or("the cluster has no clock")?;
    let clock = Clock::decode(clock).map_err(|error| error.to_string())?;
    let account = existing(&address.pubkey()).ok_or("the pool's account is gone")?;
    let pool = Pool::decode(address, account).map_err(|error| error.to_string())?;
    if pool.mints() != known.mints() || pool.venue() != known.venue() {
        return Err("the account is another pool than it was".to_owned());
    }
    pool.load(|key| accounts.get(key).copied(), clock).map_err(|error| error.to_string())
}

/// Refuses a pool of a token that withholds more than `most` of each transfer. Its price would say nothing of that.
fn within_transfer_fee(market: amm::Market, most: Fraction) -> Result<amm::Market, String> {
    let taxed = market.tokens().into_iter().find(|token| token.transfer_fee.rate() > most);
    match taxed {
        None => Ok(market),
        Some(token) => Err(format!(
            "the token {} withholds {} % of each transfer, more than MAX_TRANSFER_FEE, which is {} %",
            token.mint,
            token.transfer_fee.rate().to_percent(),
            most.to_percent()
        )),
    }
}
