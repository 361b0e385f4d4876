//! Signing: the transaction is planned on fresh pools, simulated, guarded, and signed. Nothing is sent.

mod fee;
mod funds;
mod ground;
mod occupied;
mod simulate;

pub(crate) use ground::Survey;
pub(crate) use simulate::Simulator;

use crate::guard::{Guard, policy};
use crate::tips::Tips;
use crate::wallets::Wallets;
use chain::transaction::{self, BuildError, Draft, SignError};
use chain::{Client, Wallet};
use ground::Ground;
use journal::Policies;
use order_core::failure::Code;
use order_core::order::{Event, Intent, Marker, SignedTransaction};
use order_core::{Atoms, Failure, Order, Quote};
use swap::{Bounds, SwapPlan};

/// Signs orders' transactions.
pub(crate) struct SignStep {
    pub(crate) wallets: Wallets,
    pub(crate) policies: Policies,
    pub(crate) cluster: Client,
    pub(crate) survey: Survey,
    pub(crate) simulator: Simulator,
    pub(crate) guard: Guard,
    /// Most lamports that are paid for priority, per transaction.
    pub(crate) max_priority_fee: Atoms,
    pub(crate) tips: Tips,
}

impl SignStep {
    /// Signs the order's transaction, or finds one of its transactions on the chain that it had given up. Nothing
    /// is sent.
    pub(crate) async fn sign(&self, order: &Order, quote: &Quote, min_out: Atoms) -> Result<Event, Failure> {
        let policy = policy(&self.policies, order).await;
        let wallet = self.wallets.of(order, &policy)?;
        let generation = order.marker_generation();
        let marker = wallet.marker(order.id(), order.intent(), generation).await;
        let marker = marker.map_err(|error| unsigned(&error.into()))?;
        match self.sign_with(wallet, order, quote, min_out, &marker).await {
            Ok(transaction) => Ok(Event::TransactionSigned { transaction }),
            Err(failure) if failure.code == Code::MarkerInUse => {
                occupied::resolve(&self.cluster, order, &marker, failure).await
            }
            Err(failure) => Err(failure),
        }
    }

    /// Builds the transaction, runs it through a simulation, and signs it.
    async fn sign_with(
        &self,
        wallet: &Wallet,
        order: &Order,
        quote: &Quote,
        min_out: Atoms,
        marker: &Marker,
    ) -> Result<SignedTransaction, Failure> {
        let ground = self.survey.ground(order, quote, marker).await?;
        let address = wallet.pubkey();
        let bounds = bounds(order.intent(), min_out);
        let plan = SwapPlan::new(&quote.route, &bounds, |pool| ground.pools.market(pool))?;
        let draft = self.draft(order, &plan, &ground, marker)?;
        let usage = self.simulator.simulate(order, &draft, &plan, &ground, min_out).await?;
        let unit_limit = fee::unit_limit(usage.units);
        let unit_price =
            fee::unit_price(&ground.recent_fees, order.attempt(), unit_limit, self.max_priority_fee);
        let draft = Draft {
            compute_unit_limit: unit_limit,
            compute_unit_price: unit_price,
            loaded_bytes_limit: fee::loaded_bytes_limit(usage.loaded_bytes),
            ..draft
        };
        self.guard.reserve(order.id(), &funds::needed(&draft, &ground)?).await?;
        self.guard.check(order, quote).await?;
        let built = transaction::build(&address, &draft, &ground.formats, &ground.blockhash);
        let built = built.map_err(|error| unbuildable(&error))?;
        let signed = faults::effect!("sign", built.sign(wallet).await);
        let transaction = signed.map_err(|error| unsigned(&error))?;
        tracing::info!(
            signature = %transaction.signature,
            min_out = min_out.get(),
            version = %built.version(),
            units = usage.units,
            unit_price,
            tip = transaction.tip.map(|tip| tip.lamports.get()),
            "signed"
        );
        Ok(transaction)
    }

    /// The transaction as it is simulated: with all the compute units and loaded bytes there are.
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
            swaps: plan.instructions(marker.wallet.pubkey(), marker)?,
            compute_unit_limit: fee::UNITS_MAX,
            compute_unit_price: 0,
            loaded_bytes_limit: transaction::LOADED_BYTES_MAX,
            token_account_rent: ground.rent.token_account,
            marker_rent: ground.rent.marker,
            tip: self.tips.of(order.id(), order.attempt()),
        })
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

fn unbuildable(error: &BuildError) -> Failure {
    match error {
        // The router takes care that it fits. It may not know yet that a lookup table is gone, or it knows of a
        // version that this executor may not use.
        BuildError::TooLong { .. } | BuildError::TooManyAccounts { .. } => Failure::new(
            Code::SimulationFailed,
            format!(
                "{error}; the router and the executors must have the same LOOKUP_TABLES, MAX_TRANSACTION_VERSION \
                 and MAX_TIP_LAMPORTS"
            ),
        ),
        BuildError::Encoding(_) => Failure::new(Code::Unsupported, error.to_string()),
    }
}

fn unsigned(error: &SignError) -> Failure {
    match error {
        SignError::Signer(_) => Failure::new(Code::SignerUnavailable, error.to_string()),
        SignError::OtherWallet { .. } => Failure::new(Code::Unsupported, error.to_string()),
    }
}
