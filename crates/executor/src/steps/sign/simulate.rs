use super::ground::Ground;
use super::unbuildable;
use crate::cluster::{explain, keeping};
use crate::guard::{DriftCheck, Simulated};
use chain::transaction::{self, Draft};
use chain::{Client, Simulation, Trade};
use order_core::failure::Code;
use order_core::order::{Fill, Intent};
use order_core::{Atoms, Failure, Order};
use std::collections::HashMap;
use swap::SwapPlan;

/// Runs transactions where it costs nothing, and compares them with what was calculated.
pub(crate) struct Simulator {
    pub(crate) cluster: Client,
    pub(crate) drift: DriftCheck,
}

impl Simulator {
    /// Runs the transaction where it costs nothing, and says how much it takes.
    pub(super) async fn simulate(
        &self,
        order: &Order,
        draft: &Draft,
        plan: &SwapPlan,
        ground: &Ground,
        min_out: Atoms,
    ) -> Result<Usage, Failure> {
        let wallet = draft.marker.wallet.pubkey();
        let built = transaction::build(&wallet, draft, &ground.formats, &ground.blockhash);
        let unsigned = built.map_err(|error| unbuildable(&error))?;
        let bytes = unsigned.bytes();
        let simulated =
            faults::effect!("simulate", self.cluster.simulate(&bytes, &[], ground.pools.slot()).await);
        let simulation: Simulation = simulated.map_err(|error| error.failure())?;
        if let Some(failure) = &simulation.failure {
            tracing::debug!(%failure, logs = ?simulation.logs, "the simulation failed");
            let program = unsigned.failed_program(failure, &simulation.logs);
            let failure = unsigned.failure(failure, &simulation.logs, explain);
            if failure.code == Code::SlippageExceeded {
                let refused = Simulated::nothing(simulation.slot, HashMap::new());
                self.drift.compare(order, &ground.pools, plan, &refused).await?;
            } else {
                self.drift.refused(order, plan, program).await;
            }
            return Err(failure);
        }
        let changes = simulation.token_changes(&unsigned);
        let trade = keeping(Trade::planned(draft, order.intent(), min_out));
        match simulation.fill(&unsigned, &trade) {
            Ok(Some(fill)) => {
                let simulated = Simulated::moved(&fill, changes);
                self.drift.compare(order, &ground.pools, plan, &simulated).await?;
                within_bounds(order.intent(), min_out, &fill)?;
            }
            Ok(None) => tracing::debug!("the node does not say what the simulation moved"),
            Err(error) => {
                let nothing = Simulated::nothing(simulation.slot, changes);
                self.drift.compare(order, &ground.pools, plan, &nothing).await?;
                return Err(Failure::new(Code::SimulationFailed, error.to_string()));
            }
        }
        Ok(Usage { units: simulation.units, loaded_bytes: simulation.loaded_bytes })
    }
}

/// How much a transaction takes of what it must ask for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    /// Compute units.
    pub(super) units: u64,
    /// Bytes of the accounts that it loads; None if the node does not say.
    pub(super) loaded_bytes: Option<u32>,
}

/// A transaction that would spend more than was ordered, or give less, is never signed, whatever
/// the reason.
fn within_bounds(intent: &Intent, min_out: Atoms, fill: &Fill) -> Result<(), Failure> {
    if fill.amount_in <= intent.amount_in() && fill.amount_out >= min_out {
        return Ok(());
    }
    Err(Failure::new(
        Code::SimulationFailed,
        format!(
            "the simulation spends {} and gives {}, the order spends {} for no less than {}",
            fill.amount_in.to_decimal(intent.token_in().decimals),
            fill.amount_out.to_decimal(intent.token_out().decimals),
            intent.amount_in().to_decimal(intent.token_in().decimals),
            min_out.to_decimal(intent.token_out().decimals)
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use order_core::{Slippage, token};

    fn fill(amount_in: u64, amount_out: u64) -> Fill {
        Fill {
            amount_in: Atoms::new(amount_in),
            amount_out: Atoms::new(amount_out),
            network_fee: Atoms::new(5_000),
            tip: Atoms::ZERO,
            leftovers: Vec::new(),
            slot: 1,
        }
    }

    #[test]
    fn nothing_is_signed_that_spends_more_or_gives_less() {
        let [sol, usdc] = [0, 1].map(|place| token::known().nth(place).unwrap());
        let slippage = Slippage::parse("0.01").unwrap();
        let intent = Intent::market(sol, usdc, Atoms::new(1_000_000_000), slippage, None).unwrap();
        let min_out = Atoms::new(150_000_000);
        assert_eq!(within_bounds(&intent, min_out, &fill(1_000_000_000, 150_000_000)), Ok(()));
        for bad in [fill(1_000_000_001, 150_000_000), fill(1_000_000_000, 149_999_999)] {
            let failure = within_bounds(&intent, min_out, &bad).unwrap_err();
            assert_eq!(failure.code, Code::SimulationFailed);
        }
        assert_eq!(
            within_bounds(&intent, min_out, &fill(1_000_000_000, 1)).unwrap_err().message,
            "the simulation spends 1 and gives 0.000001, the order spends 1 for no less than 150"
        );
    }
}
