//! Drift: a pool's program that does not do what our maths says.

use super::tally::Tally;
use super::{TradingState, answered};
use crate::metrics;
use amm::Market;
use journal::{Drift, PoolRefusal, Trading};
use order_core::failure::Code;
use order_core::order::Fill;
use order_core::{Atoms, Failure, Order, PoolAddress, Pubkey, Venue};
use std::collections::HashMap;
use std::sync::Arc;
use swap::{PoolReader, PoolSnapshot, SwapPlan};

/// The result of the pools' programs in a simulation.
#[derive(Debug)]
pub(crate) struct Simulated {
    /// The slot that it ran in.
    slot: u64,
    /// The input that the route took and the output that it gave; None if that was no swap, or a program refused to
    /// keep the order's limit.
    moved: Option<(Atoms, Atoms)>,
    /// Changes of the balances, by token account.
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

/// Compares simulations with our maths, and remembers how often each pool differed.
pub(crate) struct DriftCheck {
    trading: Trading,
    pools: Arc<PoolReader>,
    state: Arc<TradingState>,
    tally: Tally,
}

impl DriftCheck {
    pub(crate) fn new(trading: Trading, pools: Arc<PoolReader>, state: Arc<TradingState>) -> Self {
        Self { trading, pools, state, tally: Tally::default() }
    }

    /// Compares a simulation with what our maths says of the pools as they were `before` it. On the same
    /// state they differ only if a program was changed, and then no quote of it can be trusted: that is
    /// recorded, and the order avoids the venue from then on.
    ///
    /// # Errors
    /// They differ on the same state, or the cluster does not tell whether it was the same.
    pub(crate) async fn compare(
        &self,
        order: &Order,
        before: &PoolSnapshot,
        plan: &SwapPlan,
        simulated: &Simulated,
    ) -> Result<(), Failure> {
        let expected = plan.expected();
        if simulated.moved == expected && plan.strays(&simulated.changes).is_empty() {
            self.tally.well(plan.markets().map(Market::address));
            return Ok(());
        }
        match self.later(before, plan, simulated.slot).await {
            // Some fees depend on the time alone.
            Ok(Some(later)) if later.expected() == expected => {
                Err(self.drifted(order, plan, expected, simulated).await)
            }
            Ok(_) => {
                tracing::debug!("the pools moved between the snapshot and the simulation");
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    /// The same swaps on pool state read at or after `slot`; None if the pools have moved since `before`.
    async fn later(
        &self,
        before: &PoolSnapshot,
        plan: &SwapPlan,
        slot: u64,
    ) -> Result<Option<SwapPlan>, Failure> {
        let route: Vec<PoolAddress> = plan.markets().map(Market::address).collect();
        let after = match self.pools.read(&route, &[], slot).await {
            Ok(after) => after,
            Err(failure) if failure.code == Code::ClusterUnavailable => return Err(failure),
            // A pool that cannot be read any more is not as it was.
            Err(_) => return Ok(None),
        };
        if before.stood_still(&after, plan.markets()) {
            plan.on(|pool| after.market(pool)).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Records that a pool's program refused the order's swap, for a reason other than the order's limit. The
    /// order avoids the venue from then on, and so do others for a while if most of them meet it.
    pub(crate) async fn refused(&self, order: &Order, plan: &SwapPlan, program: Option<Pubkey>) {
        let Some(venue) = program.and_then(|program| amm::venue(&program)) else { return };
        let named = plan.markets().map(named);
        let pools: Vec<_> = named.filter(|(refusing, _)| *refusing == venue).collect();
        if pools.is_empty() {
            return;
        }
        tracing::warn!(%venue, ?pools, "a pool's program refuses the swap");
        let counts = self.tally.bad(pools.iter().map(|(_, pool)| *pool));
        let refusal = PoolRefusal { order_id: order.id(), pools, counts };
        answered(|| self.trading.observe_refusal(&refusal)).await;
    }

    async fn drifted(
        &self,
        order: &Order,
        plan: &SwapPlan,
        expected: Option<(Atoms, Atoms)>,
        simulated: &Simulated,
    ) -> Failure {
        let pools: Vec<_> = plan.suspects(&simulated.changes).into_iter().map(named).collect();
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
        let disabled = answered(|| self.trading.observe_drift(&drift)).await;
        if !disabled.is_empty() {
            self.state.show(&answered(|| self.trading.stops()).await);
        }
        let message = format!("the simulation differs from what was calculated; it may come from {named}");
        Failure::new(Code::SimulationFailed, message)
    }
}

fn named(market: &Market) -> (Venue, PoolAddress) {
    (market.venue(), market.address())
}
