//! Whether the pools' programs do what our maths says.

use crate::executor::Executor;
use crate::guard::answered;
use crate::leg::{self, Leg};
use crate::metrics;
use crate::pools::State;
use amm::Market;
use journal::{Drift, PoolRefusal};
use order_core::failure::Code;
use order_core::order::Fill;
use order_core::{Atoms, Failure, Order, PoolAddress, Pubkey, Venue};
use std::collections::HashMap;

/// What the pools' programs did in a simulation.
#[derive(Debug)]
pub(crate) struct Simulated {
    /// When.
    slot: u64,
    /// What the route took and gave; None if that was no swap, or a program refused to keep the order's limit.
    moved: Option<(Atoms, Atoms)>,
    /// By how much each token account changed.
    changes: HashMap<Pubkey, i128>,
}

impl Simulated {
    /// The route was swapped.
    pub(crate) fn moved(fill: &Fill, changes: HashMap<Pubkey, i128>) -> Self {
        Self { slot: fill.slot, moved: Some((fill.amount_in, fill.amount_out)), changes }
    }

    /// A program refused, because it could not keep the order's limit, or what moved is no swap.
    pub(crate) fn nothing(slot: u64, changes: HashMap<Pubkey, i128>) -> Self {
        Self { slot, moved: None, changes }
    }
}

impl Executor {
    /// Compares a simulation with what our maths says of the pools as they were `before` it. On the same
    /// state they differ only if a program was changed, and then no quote of it can be trusted: that is
    /// recorded, and the order avoids the venue from then on.
    ///
    /// # Errors
    /// They differ on the same state, or the cluster does not tell whether it was the same.
    pub(crate) async fn compare(
        &self,
        order: &Order,
        before: &State,
        legs: &[Leg],
        simulated: &Simulated,
    ) -> Result<(), Failure> {
        let tokens = [order.intent().token_in(), order.intent().token_out()];
        let calculate = |legs: &[Leg]| leg::expected(legs, tokens[0].mint, tokens[1].mint);
        let expected = calculate(legs);
        if simulated.moved == expected && strays(legs, &simulated.changes).is_empty() {
            self.tally.well(legs.iter().map(|leg| leg.market.address()));
            return Ok(());
        }
        match self.later(before, legs, simulated.slot).await {
            // Some fees depend on the time alone.
            Ok(Some(later)) if calculate(&later) == expected => {
                Err(self.drifted(order, legs, expected, simulated).await)
            }
            Ok(_) => {
                tracing::debug!("the pools moved between the snapshot and the simulation");
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    /// The same swaps on the pools as they are not before a slot; None if the pools have moved since `before`.
    async fn later(&self, before: &State, legs: &[Leg], slot: u64) -> Result<Option<Vec<Leg>>, Failure> {
        let route: Vec<PoolAddress> = legs.iter().map(|leg| leg.market.address()).collect();
        let after = match self.dependencies.read(&route, &[], slot, &self.cluster).await {
            Ok(after) => after,
            Err(failure) if failure.code == Code::ClusterUnavailable => return Err(failure),
            // A pool that cannot be read any more is not as it was.
            Err(_) => return Ok(None),
        };
        if before.stood_still(&after, legs.iter().map(|leg| &leg.market)) {
            legs.iter().map(|leg| leg.now(&after)).collect::<Result<_, _>>().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Records that a pool's program refused the order's swap, for a reason other than the order's limit. The
    /// order avoids the venue from then on, and so do others for a while if most of them meet it.
    pub(crate) async fn refused(&self, order: &Order, legs: &[Leg], program: Option<Pubkey>) {
        let Some(venue) = program.and_then(|program| amm::venue(&program)) else { return };
        let named = legs.iter().map(|leg| named(&leg.market));
        let pools: Vec<_> = named.filter(|(refusing, _)| *refusing == venue).collect();
        if pools.is_empty() {
            return;
        }
        tracing::warn!(%venue, ?pools, "a pool's program refuses the swap");
        let counts = self.tally.bad(pools.iter().map(|(_, pool)| *pool));
        let refusal = PoolRefusal { order_id: order.id(), pools, counts };
        answered(|| self.journal.observe_refusal(&refusal)).await;
    }

    async fn drifted(
        &self,
        order: &Order,
        legs: &[Leg],
        expected: Option<(Atoms, Atoms)>,
        simulated: &Simulated,
    ) -> Failure {
        let pools = suspects(legs, &simulated.changes);
        let named: Vec<_> = pools.iter().map(|(venue, pool)| format!("{venue} {pool}")).collect();
        let named = named.join(", ");
        tracing::error!(
            pools = named,
            simulated = ?simulated.moved,
            ?expected,
            "a pool's program does not do what our maths says: its quotes cannot be trusted"
        );
        pools.iter().for_each(|(venue, _)| metrics::drift(*venue));
        let counts = self.tally.bad(pools.iter().map(|(_, pool)| *pool));
        let drift = Drift { order_id: order.id(), pools, expected, simulated: simulated.moved, counts };
        let disabled = answered(|| self.journal.observe_drift(&drift)).await;
        if !disabled.is_empty() {
            self.switch.show(&answered(|| self.journal.stops()).await);
        }
        let message = format!("the simulation differs from what was calculated; it may come from {named}");
        Failure::new(Code::SimulationFailed, message)
    }
}

/// The pools that drift may come from: those whose token accounts tell, or else all of them.
fn suspects(legs: &[Leg], changes: &HashMap<Pubkey, i128>) -> Vec<(Venue, PoolAddress)> {
    let told = strays(legs, changes);
    if told.is_empty() { legs.iter().map(|leg| named(&leg.market)).collect() } else { told }
}

/// The pools whose token accounts changed otherwise than was calculated.
fn strays(legs: &[Leg], changes: &HashMap<Pubkey, i128>) -> Vec<(Venue, PoolAddress)> {
    // Pools may share such an account.
    let mut expected: HashMap<Pubkey, i128> = HashMap::new();
    for swapped in legs.iter().filter_map(Leg::swapped) {
        let kept_apart = swapped.protocol_fee.map_or(0, |(_, fee)| fee.get());
        let sent = swapped.amount_in.get().saturating_sub(kept_apart);
        let arrives = i128::from(swapped.token_in.transfer_fee.after(sent));
        *expected.entry(swapped.vault_in).or_default() += arrives;
        *expected.entry(swapped.vault_out).or_default() -= i128::from(swapped.amount_out.get());
    }
    let differs =
        |vault: &Pubkey| changes.get(vault).is_some_and(|change| expected.get(vault) != Some(change));
    let markets = legs.iter().map(|leg| &leg.market);
    markets.filter(|market| market.vaults().iter().any(differs)).map(named).collect()
}

fn named(market: &Market) -> (Venue, PoolAddress) {
    (market.venue(), market.address())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leg::legs;
    use crate::path::Path;
    use crate::testing::{USDC, market, swap};

    #[test]
    fn the_pool_whose_accounts_changed_otherwise_is_suspected_and_else_all_are() {
        let swaps = [swap(1, "JUP", "SOL", 1_000, 1), swap(2, "SOL", USDC, 1, 1)];
        let (amount_in, min_out) = (Atoms::new(1_000_000_000), Atoms::new(1));
        let path = Path { first: &swaps[0], second: Some(&swaps[1]), amount_in, min_out };
        let first = market(Venue::RaydiumCpmm, ["JUP", "SOL"], [3_000_000_000_000, 10_000_000_000_000]);
        let second = market(Venue::MeteoraDammV2, ["SOL", USDC], [60_000_000_000_000, 9_000_000_000_000]);
        let pool = |address| Ok(if address == swaps[0].pool { first.clone() } else { second.clone() });
        let legs = legs(&path, pool).unwrap();
        let mut changes = HashMap::new();
        for swapped in legs.iter().map(|leg| leg.swapped().unwrap()) {
            changes.insert(swapped.vault_in, i128::from(swapped.amount_in.get()));
            changes.insert(swapped.vault_out, -i128::from(swapped.amount_out.get()));
        }
        let [one, other] = [&first, &second].map(|market| (market.venue(), market.address()));
        assert_eq!(suspects(&legs, &HashMap::new()), [one, other]);
        assert_eq!(strays(&legs, &changes), []);
        assert_eq!(suspects(&legs, &changes), [one, other], "it must come from somewhere");
        *changes.get_mut(&legs[1].swapped().unwrap().vault_out).unwrap() += 1;
        assert_eq!(suspects(&legs, &changes), [other]);
        *changes.get_mut(&legs[0].swapped().unwrap().vault_in).unwrap() += 1;
        assert_eq!(suspects(&legs, &changes), [one, other]);
    }
}
