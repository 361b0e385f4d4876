use crate::drift::Simulated;
use crate::executor::Executor;
use crate::pools::State;
use crate::{cluster, fee};
use chain::Trade;
use chain::transaction::{self, BuildError, Draft, token_account};
use chain::{Blockhash, LookupTable, Simulation};
use futures_util::TryFutureExt as _;
use order_core::failure::Code;
use order_core::order::{Event, Fill, Intent, Marker, SignedTransaction};
use order_core::{Atoms, Failure, Order, Quote};
use std::collections::HashMap;
use swap::{Bounds, SwapPlan};

/// The cluster's answers that a transaction is built from.
struct Ground {
    state: State,
    blockhash: Blockhash,
    recent_fees: Vec<u64>,
    rent: Rent,
    lookup_tables: Vec<LookupTable>,
}

/// The lamports that accounts must hold to live.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rent {
    pub(crate) token_account: Atoms,
    pub(crate) marker: Atoms,
}

impl Executor {
    /// Signs the order's transaction, or finds one of its transactions on the chain that it had given up. Nothing
    /// is sent.
    pub(crate) async fn sign(&self, order: &Order, quote: &Quote, min_out: Atoms) -> Result<Event, Failure> {
        self.same_wallet(order)?;
        let marker = self.wallet.marker(order.id(), order.intent(), order.marker_generation());
        match self.sign_with(order, quote, min_out, &marker).await {
            Ok(transaction) => Ok(Event::TransactionSigned { transaction }),
            Err(failure) if failure.code == Code::MarkerInUse => self.resolve(order, &marker, failure).await,
            Err(failure) => Err(failure),
        }
    }

    /// Refuses an order of which another wallet has signed a transaction: its marker is another one, so the chain
    /// would not refuse a second swap.
    fn same_wallet(&self, order: &Order) -> Result<(), Failure> {
        let signer = order.transactions().last().and_then(|transaction| transaction.marker.as_ref());
        match signer.map(|marker| marker.wallet.pubkey()) {
            Some(other) if other != self.wallet.pubkey() => Err(Failure::new(
                Code::WalletChanged,
                format!("an earlier transaction of the order was signed by the wallet {other}"),
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// Builds the transaction, runs it through a simulation, and signs it.
    async fn sign_with(
        &self,
        order: &Order,
        quote: &Quote,
        min_out: Atoms,
        marker: &Marker,
    ) -> Result<SignedTransaction, Failure> {
        let ground = self.survey(order, quote, marker).await?;
        let bounds = bounds(order.intent(), min_out);
        let plan = SwapPlan::new(&quote.route, &bounds, |pool| ground.state.market(pool))?;
        let draft = self.draft(order, &plan, &ground, marker)?;
        let units = self.simulate(order, &draft, &plan, &ground, min_out).await?;
        self.permit(order, quote).await?;
        let unit_limit = fee::unit_limit(units);
        let unit_price =
            fee::unit_price(&ground.recent_fees, order.attempt(), unit_limit, self.max_priority_fee);
        let draft = Draft { compute_unit_limit: unit_limit, compute_unit_price: unit_price, ..draft };
        let signed =
            transaction::build(&self.wallet.pubkey(), &draft, &ground.lookup_tables, &ground.blockhash)
                .and_then(|unsigned| faults::effect!("sign", unsigned.sign(&self.wallet)));
        let transaction = signed.map_err(|error| unbuildable(&error))?;
        tracing::info!(
            signature = %transaction.signature,
            min_out = min_out.get(),
            units,
            unit_price,
            last_valid_block_height = transaction.last_valid_block_height,
            "signed"
        );
        Ok(transaction)
    }

    /// Asks the cluster for everything at once. The pools and the clock come from one slot.
    async fn survey(&self, order: &Order, quote: &Quote, marker: &Marker) -> Result<Ground, Failure> {
        let route: Vec<_> = quote.route.hops().map(|hop| hop.pool).collect();
        let source = token_account(&self.wallet.pubkey(), order.intent().token_in(), marker);
        // The account of wrapped SOL exists only within the transaction.
        let native = order.intent().token_in().is_native();
        let more: &[_] = if native { &[] } else { &[source] };
        let written: Vec<_> = route.iter().map(|pool| pool.pubkey()).collect();
        let (state, blockhash, recent_fees, rent, lookup_tables) = futures_util::try_join!(
            self.dependencies.read(&route, more, quote.slot, &self.cluster),
            self.cluster.shared_blockhash().map_err(|error| cluster::failure(&error)),
            self.cluster.shared_prioritization_fees(&written).map_err(|error| cluster::failure(&error)),
            self.rent(),
            self.cluster.shared_lookup_tables(&self.lookup_tables).map_err(|error| cluster::failure(&error)),
        )?;
        let token_in = order.intent().token_in();
        if !native && !state.has(&source) {
            return Err(Failure::new(
                Code::InsufficientFunds,
                format!("the wallet has no {}", token_in.symbol),
            ));
        }
        Ok(Ground { state, blockhash, recent_fees, rent, lookup_tables })
    }

    /// The transaction as it is simulated: with all the compute units there are.
    fn draft(
        &self,
        order: &Order,
        plan: &SwapPlan,
        ground: &Ground,
        marker: &Marker,
    ) -> Result<Draft, Failure> {
        let intent = order.intent();
        Ok(Draft {
            marker: marker.clone(),
            token_in: intent.token_in().clone(),
            token_out: intent.token_out().clone(),
            intermediates: plan.intermediates(),
            amount_in: intent.amount_in(),
            swaps: plan.instructions(self.wallet.pubkey(), marker)?,
            compute_unit_limit: fee::UNITS_MAX,
            compute_unit_price: 0,
            token_account_rent: ground.rent.token_account,
            marker_rent: ground.rent.marker,
        })
    }

    /// Runs the transaction where it costs nothing, and says how many compute units it takes.
    async fn simulate(
        &self,
        order: &Order,
        draft: &Draft,
        plan: &SwapPlan,
        ground: &Ground,
        min_out: Atoms,
    ) -> Result<u64, Failure> {
        let built =
            transaction::build(&self.wallet.pubkey(), draft, &ground.lookup_tables, &ground.blockhash);
        let unsigned = built.map_err(|error| unbuildable(&error))?;
        let bytes = unsigned.bytes();
        let simulated =
            faults::effect!("simulate", self.cluster.simulate(&bytes, &[], ground.state.slot).await);
        let simulation: Simulation = simulated.map_err(|error| cluster::failure(&error))?;
        if let Some(failure) = &simulation.failure {
            tracing::debug!(%failure, logs = ?simulation.logs, "the simulation failed");
            let program = unsigned.failed_program(failure, &simulation.logs);
            let failure = unsigned.failure(failure, &simulation.logs, cluster::explain);
            if failure.code == Code::SlippageExceeded {
                let refused = Simulated::nothing(simulation.slot, HashMap::new());
                self.compare(order, &ground.state, plan, &refused).await?;
            } else {
                self.refused(order, plan, program).await;
            }
            return Err(failure);
        }
        let changes = simulation.token_changes(&unsigned);
        let trade = Trade::planned(&draft.marker, order.intent(), min_out);
        match simulation.fill(&unsigned, &trade) {
            Ok(Some(fill)) => {
                let simulated = Simulated::moved(&fill, changes);
                self.compare(order, &ground.state, plan, &simulated).await?;
                within_bounds(order.intent(), min_out, &fill)?;
            }
            Ok(None) => tracing::debug!("the node does not say what the simulation moved"),
            Err(error) => {
                let nothing = Simulated::nothing(simulation.slot, changes);
                self.compare(order, &ground.state, plan, &nothing).await?;
                return Err(Failure::new(Code::SimulationFailed, error.to_string()));
            }
        }
        Ok(simulation.units)
    }
}

/// The bounds that an order's transaction must keep.
pub(crate) fn bounds(intent: &Intent, min_out: Atoms) -> Bounds {
    Bounds {
        mint_in: intent.token_in().mint,
        mint_out: intent.token_out().mint,
        amount_in: intent.amount_in(),
        min_out,
    }
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

fn unbuildable(error: &BuildError) -> Failure {
    match error {
        // The router takes care that it fits. It may not know yet that a lookup table is gone.
        BuildError::TooLong { .. } | BuildError::TooManyAccounts { .. } => Failure::new(
            Code::SimulationFailed,
            format!("{error}; the router and the executors must have the same LOOKUP_TABLES"),
        ),
        BuildError::Encoding(_) | BuildError::OtherWallet { .. } => {
            Failure::new(Code::Unsupported, error.to_string())
        }
    }
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
