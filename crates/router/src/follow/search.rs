//! Looks for the pools that are worth following, among the tens of thousands that a cluster may have.

use super::discover::{POOLS_MAX, decode, read};
use super::plan::Pools;
use chain::{Client, Commitment, Scan};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use order_core::{Mint, PoolAddress, Pubkey, Venue};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Searches at once: each is hard work for a node.
const SCANS_AT_ONCE: usize = 4;

/// Most pools that one search may bring: all are read to find the deepest.
const FOUND_MAX: usize = 1_000;

/// Most pools of a pair that are followed. What is shallower than so many others adds nothing to a route.
const PAIR_POOLS_MAX: usize = 24;

/// The deepest pools of every pair of these tokens.
pub(super) async fn deepest(client: &Client, tokens: &[Mint]) -> Result<Pools, chain::Error> {
    let pairs = pairs(tokens);
    let mut scans = Vec::new();
    for (pair, venue) in pairs.iter().flat_map(|pair| Venue::ALL.map(|venue| (*pair, venue))) {
        scans.extend(scans_of(venue, pair).into_iter().map(|scan| (venue, scan)));
    }
    let found: Vec<Vec<Pubkey>> = stream::iter(scans)
        .map(|(venue, scan)| async move { find(client, venue, &scan).await })
        .buffer_unordered(SCANS_AT_ONCE)
        .try_collect()
        .await?;
    let found: BTreeSet<Pubkey> = found.into_iter().flatten().collect();
    let pools = decode(read(client, &found.into_iter().collect::<Vec<_>>()).await?);
    let holdings: Vec<Pubkey> = pools.values().flat_map(amm::Pool::holdings).collect();
    let held = read(client, &holdings).await?;
    let depths = pools.values().map(|pool| (pool.address(), pool.depth(|key| held.get(key)))).collect();
    Ok(keep(pools, &depths, PAIR_POOLS_MAX.min(POOLS_MAX / pairs.len().max(1))))
}

/// Each two of them.
fn pairs(tokens: &[Mint]) -> Vec<[Mint; 2]> {
    let after = |(place, one): (usize, &Mint)| {
        let (one, others) = (*one, tokens.iter().skip(place.saturating_add(1)));
        others.map(move |other| [one, *other])
    };
    tokens.iter().enumerate().flat_map(after).collect()
}

/// The searches that find every pool of a pair, of one venue.
fn scans_of(venue: Venue, pair: [Mint; 2]) -> Vec<Scan> {
    // Some programs have made pools of several sizes: what marks them tells more than that.
    let size = u64::try_from(amm::pool_size(venue)).ok();
    let data_size = size.filter(|_| amm::pool_discriminator(venue).is_none());
    amm::pool_marks(venue, pair).into_iter().map(|bytes| Scan { data_size, bytes }).collect()
}

async fn find(client: &Client, venue: Venue, scan: &Scan) -> Result<Vec<Pubkey>, chain::Error> {
    let program = amm::program_id(venue);
    let mut found = client.program_addresses(&program, scan, Commitment::Confirmed).await?;
    if found.len() > FOUND_MAX {
        tracing::warn!(%venue, pools = found.len(), "a pair has more pools than are looked at: {FOUND_MAX}");
        found.sort_unstable();
        found.truncate(FOUND_MAX);
    }
    Ok(found)
}

/// So many pools of each pair as are deepest; of equals those with the lower address.
fn keep(mut pools: Pools, depths: &BTreeMap<PoolAddress, u128>, per_pair: usize) -> Pools {
    let mut ranked: BTreeMap<[Mint; 2], Vec<(Reverse<u128>, PoolAddress)>> = BTreeMap::new();
    for (address, pool) in &pools {
        let mut pair = pool.mints();
        pair.sort_unstable();
        let depth = depths.get(address).copied().unwrap_or(0);
        ranked.entry(pair).or_default().push((Reverse(depth), *address));
    }
    for of_pair in ranked.values_mut() {
        of_pair.sort_unstable();
        for (_, shallow) in of_pair.iter().skip(per_pair) {
            pools.remove(shallow);
        }
    }
    pools
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{SOL, seeded, trading, usdc};

    const OTHER: Mint = Mint::new([200; 32]);

    #[test]
    fn each_two_tokens_are_a_pair_once() {
        assert_eq!(pairs(&[SOL, usdc(), OTHER]), [[SOL, usdc()], [SOL, OTHER], [usdc(), OTHER]]);
        assert_eq!(pairs(&[SOL]), [[SOL; 2]; 0]);
    }

    #[test]
    fn every_venue_s_pools_are_found_by_their_pair_in_either_order_and_no_others() {
        let found = |venue, pair, data: &[u8]| {
            let of_size =
                |scan: &Scan| scan.data_size.is_none_or(|size| u64::try_from(data.len()) == Ok(size));
            let marked =
                |scan: &Scan| scan.bytes.iter().all(|(offset, bytes)| data[*offset..].starts_with(bytes));
            let scans = scans_of(venue, pair);
            assert!(scans.iter().all(|scan| scan.bytes.len() + scan.data_size.iter().count() <= 4));
            scans.iter().filter(|scan| of_size(scan) && marked(scan)).count()
        };
        for venue in Venue::ALL {
            for mints in [[SOL, usdc()], [usdc(), SOL]] {
                let pool = trading(venue, 1, mints, [1_000_000_000_000, 1_000_000_000_000], 2_500_000);
                let data = &pool.accounts[0].1.data;
                assert_eq!(found(venue, [SOL, usdc()], data), 1, "{venue}");
                assert_eq!(found(venue, [usdc(), SOL], data), 1, "{venue}");
                assert_eq!(found(venue, [SOL, OTHER], data), 0, "{venue}");
            }
        }
    }

    #[test]
    fn the_deepest_of_each_pair_are_kept() {
        let reserves =
            [[500, 500], [900, 900], [700, 700], [900, 900]].map(|pair| pair.map(|n| n * 1_000_000));
        let made =
            (1..).zip(reserves).map(|(n, reserves)| seeded(Venue::RaydiumCpmm, n, reserves, 2_500_000));
        let mut made: Vec<_> = made.collect();
        made.push(trading(Venue::MeteoraDammV1, 9, [SOL, OTHER], [1_000_000_000; 2], 2_500_000));
        let pools: Pools = made.iter().map(|pool| pool.decoded()).collect();
        let depth = |pool: &crate::testing::TestPool| {
            let known =
                |key: &Pubkey| pool.accounts.iter().find(|(known, _)| known == key).map(|(_, data)| data);
            pool.decoded().1.depth(known)
        };
        let depths = made.iter().map(|pool| (pool.address, depth(pool))).collect();
        let kept = keep(pools.clone(), &depths, 2);
        let expected = [&made[1], &made[3], &made[4]].map(|pool| pool.address);
        assert_eq!(kept.keys().copied().collect::<BTreeSet<_>>(), BTreeSet::from(expected));
        assert!(depths.values().all(|depth| *depth > 0), "{depths:?}");
        assert_eq!(keep(pools, &depths, 24).len(), 5);
    }
}
