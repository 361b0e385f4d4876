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

use journal::{Spending, Trading};
use order_core::failure::Code;
use order_core::quote::Exclusions;
use order_core::{Failure, Order, Quote};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// The pause before a database that did not answer is asked again. The attempt's deadline ends this.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// The last checks before a signature.
pub(crate) struct Guard {
    pub(crate) trading: Trading,
    pub(crate) limits: Limits,
    pub(crate) valuation: Valuation,
    pub(crate) state: Arc<TradingState>,
}

impl Guard {
    /// Checks that the order may be signed now. It is the last question before the signature: a halt, or a venue that was
    /// disabled, stops whatever has not been signed by then.
    pub(crate) async fn check(&self, order: &Order, quote: &Quote) -> Result<(), Failure> {
        self.spend(order, quote).await?;
        let stops = answered(|| self.trading.stops()).await;
        self.state.show(&stops);
        trading_state::check(&stops, quote)
    }

    /// Counts the order's value, once per order, if that keeps the limits.
    async fn spend(&self, order: &Order, quote: &Quote) -> Result<(), Failure> {
        if self.limits.are_none() {
            return Ok(());
        }
        let value = self.valuation.value(order, quote).await?;
        self.limits.check(value)?;
        let Some(per_day) = self.limits.per_day() else { return Ok(()) };
        match answered(|| self.trading.spend(order.id(), value, per_day)).await {
            Spending::Counted => Ok(()),
            Spending::Exceeded { today } => Err(exceeded(format!(
                "the order is worth {value} USD, and with the {today} of today's that is more than {per_day}"
            ))),
        }
    }
}

/// The venues and pools that the order must not be routed over.
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
