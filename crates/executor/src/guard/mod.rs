//! The guard between an order and its signature: limits on what may be spent, an operator's halt, disabled venues,
//! price impact, and pools whose programs do not do what our maths says.

mod drift;
mod limits;
pub(crate) mod price_impact;
mod tally;
mod trading_state;
mod value;

pub(crate) use drift::{DriftCheck, Simulated};
pub(crate) use limits::Limits;
pub(crate) use trading_state::TradingState;
pub(crate) use value::Valuation;

use journal::{Need, Policies, Short, Spending, Trading};
use order_core::failure::Code;
use order_core::quote::Exclusions;
use order_core::{AccountAddress, AccountPolicy, Failure, Order, Quote, order};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// The pause before a database that did not answer is asked again. The attempt's deadline ends this.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// The funds that an order takes from its wallet, and the balances as they were in a slot.
pub(crate) struct Funds {
    pub(crate) wallet: AccountAddress,
    pub(crate) needs: Vec<Need>,
    pub(crate) slot: u64,
}

/// The last checks before a signature.
pub(crate) struct Guard {
    pub(crate) trading: Trading,
    pub(crate) policies: Policies,
    pub(crate) limits: Limits,
    pub(crate) valuation: Valuation,
    pub(crate) state: Arc<TradingState>,
}

impl Guard {
    /// Checks that the order may be signed now. It is the last question before the signature: a halt, or a venue that was
    /// disabled, stops whatever has not been signed by then.
    pub(crate) async fn check(&self, order: &Order, quote: &Quote) -> Result<(), Failure> {
        let policy = policy(&self.policies, order).await;
        allowed(&policy, order, quote)?;
        self.spend(order, quote, &policy).await?;
        let stops = answered(|| self.trading.stops()).await;
        self.state.show(&stops);
        trading_state::check(&stops, quote)
    }

    /// Reserves the funds of an order's next transaction, so that orders side by side do not overspend.
    pub(crate) async fn reserve(&self, id: order::Id, funds: &Funds) -> Result<(), Failure> {
        let Funds { wallet, needs, slot } = funds;
        let short = answered(|| self.trading.reserve(id, wallet, needs, *slot)).await;
        let Some(Short { mint, reserved }) = short else { return Ok(()) };
        let base_units = reserved.get();
        let message =
            format!("orders in flight may still take {base_units} base units of {mint} from the wallet");
        Err(Failure::new(Code::FundsReserved, message))
    }

    /// Counts the order's value, once per order, if that keeps the limits: those of all, and those of its account.
    async fn spend(&self, order: &Order, quote: &Quote, policy: &AccountPolicy) -> Result<(), Failure> {
        let per_day = self.limits.per_day();
        if self.limits.are_none() && policy.max_order_value.or(policy.max_day_value).is_none() {
            return Ok(());
        }
        let value = self.valuation.value(order, quote).await?;
        self.limits.check(value)?;
        if let Some(most) = policy.max_order_value.filter(|most| value > *most) {
            let message =
                format!("the order is worth {value} USD, {most} is its account's most for one order");
            return Err(exceeded(message));
        }
        if per_day.or(policy.max_day_value).is_none() {
            return Ok(());
        }
        match answered(|| self.trading.spend(order.id(), order.account(), value, per_day)).await {
            Spending::Counted => Ok(()),
            Spending::Exceeded { of_account, today, most } => {
                let whose = if of_account { "its account" } else { "all accounts" };
                Err(exceeded(format!(
                    "the order is worth {value} USD, and with the {today} of {whose} today that is more than {most}"
                )))
            }
        }
    }
}

/// The bounds of the order's account.
pub(crate) async fn policy(policies: &Policies, order: &Order) -> Arc<AccountPolicy> {
    answered(|| policies.of(order.account())).await
}

/// Checks what the gateway has checked, and the route: an operator may have changed the policy since.
fn allowed(policy: &AccountPolicy, order: &Order, quote: &Quote) -> Result<(), Failure> {
    let intent = order.intent();
    if let Some(token) =
        [intent.token_in(), intent.token_out()].into_iter().find(|token| !policy.allows_token(token.mint))
    {
        return Err(exceeded(format!("the account may not trade {}", token.symbol)));
    }
    if let Some(most) = policy.max_slippage.filter(|most| intent.max_slippage() > *most) {
        return Err(exceeded(format!("the account's slippage may be {} at most", most.to_decimal())));
    }
    match policy.refused_venues().find(|venue| quote.route.hops().any(|hop| hop.venue == *venue)) {
        None => Ok(()),
        Some(venue) => {
            Err(Failure::new(Code::NoRoute, format!("the account may no longer trade over {venue}")))
        }
    }
}

/// The venues and pools that the order must not be routed over, whoever owns it.
pub(crate) async fn exclusions(trading: &Trading, order: &Order) -> Exclusions {
    answered(|| trading.exclusions(order.id())).await
}

/// Asks the journal until it answers: not knowing is no permission, and not the order's fault either.
async fn answered<T, F, Fut>(ask: F) -> T
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<T, journal::Error>>,
{
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) => tracing::warn!(%error, "asking the database again"),
        }
        sleep(ASK_AGAIN_AFTER).await;
    }
}

fn exceeded(message: String) -> Failure {
    Failure::new(Code::LimitExceeded, message)
}
