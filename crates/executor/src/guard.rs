//! What stands between an order and its signature: the limits on what may be spent, and the operator's
//! kill switch.

use crate::executor::Executor;
use crate::metrics;
use anyhow::Context as _;
use journal::{Halt, Spending};
use order_core::failure::Code;
use order_core::quote::Mode;
use order_core::{Atoms, Failure, Order, Quote, Room, UsdMicros, token};
use proto::quote::Request;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::sleep;

/// The router answers from memory: what takes longer is asked again.
const PRICE_WITHIN: Duration = Duration::from_secs(3);

/// The pause before a database that did not answer is asked again. The attempt's deadline ends this.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// The most that may be spent; nothing where there is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    per_order: Option<UsdMicros>,
    per_day: Option<UsdMicros>,
}

impl Limits {
    /// # Errors
    /// Real money is traded without both limits.
    pub(crate) fn new(
        per_order: Option<UsdMicros>,
        per_day: Option<UsdMicros>,
        live: bool,
    ) -> anyhow::Result<Self> {
        if live {
            per_order.context("--live needs MAX_ORDER_VALUE, the most that an order may be worth in USD")?;
            per_day.context("--live needs MAX_DAY_VALUE, the most that a day's orders may come to in USD")?;
        }
        Ok(Self { per_order, per_day })
    }

    fn are_none(self) -> bool {
        self.per_order.or(self.per_day).is_none()
    }

    fn allow(self, value: UsdMicros) -> Result<(), Failure> {
        match self.per_order {
            Some(most) if value > most => {
                Err(exceeded(format!("the order is worth {value} USD, {most} is the most for one order")))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether trading was halted when it was last asked: each change is said once.
#[derive(Debug, Default)]
pub(crate) struct Switch(AtomicBool);

impl Switch {
    /// Tells operators what the journal says.
    pub(crate) fn show(&self, halt: Option<&Halt>) {
        metrics::halted(halt.is_some());
        if self.0.swap(halt.is_some(), Ordering::Relaxed) == halt.is_some() {
            return;
        }
        match halt {
            Some(halt) => {
                tracing::warn!(reason = halt.reason, since = %halt.at, "trading is halted: nothing is signed")
            }
            None => tracing::info!("trading goes on"),
        }
    }
}

impl Executor {
    /// Whether the order may be signed now. The last thing that is asked before it is: an operator's
    /// halt stops whatever has not been signed by then.
    pub(crate) async fn permit(&self, order: &Order, quote: &Quote) -> Result<(), Failure> {
        if !self.limits.are_none() {
            let value = self.value(order, quote).await?;
            self.limits.allow(value)?;
            if let Some(per_day) = self.limits.per_day {
                let spend = || self.journal.spend(order.id(), value, per_day);
                match answered(spend).await {
                    Spending::Counted => {}
                    Spending::Exceeded { today } => {
                        return Err(exceeded(format!(
                            "the order is worth {value} USD, and with the {today} of today's that is more than {per_day}"
                        )));
                    }
                }
            }
        }
        let halt = answered(|| self.journal.halted()).await;
        self.switch.show(halt.as_ref());
        halt.map_or(Ok(()), |halt| {
            Err(Failure::new(Code::Halted, format!("an operator has stopped trading: {}", halt.reason)))
        })
    }

    /// What the order is worth in US dollars, a stablecoin being taken for one: by the side that is such a
    /// coin, or else by what the input would fetch in USDC now.
    async fn value(&self, order: &Order, quote: &Quote) -> Result<UsdMicros, Failure> {
        let (token_in, token_out) = (order.intent().token_in(), order.intent().token_out());
        if token_in.is_dollar() {
            return Ok(dollars(order.intent().amount_in()));
        }
        if token_out.is_dollar() {
            return Ok(dollars(quote.amount_out));
        }
        let request = Request {
            mint_in: token_in.mint,
            mint_out: token::USDC_MINT,
            amount: order.intent().amount_in(),
            mode: Mode::ExactIn,
            room: Room::STANDARD,
        };
        let priced =
            self.router.quote(&request, PRICE_WITHIN, service::trace::traceparent().as_deref()).await;
        match priced {
            Ok(priced) => Ok(dollars(priced.amount_out)),
            Err(failure) if failure.code == Code::NoRoute => Err(exceeded(format!(
                "what {} is worth in USD is not known, and there is a limit: {}",
                token_in.symbol, failure.message
            ))),
            Err(failure) => Err(failure),
        }
    }
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
            Err(error) => tracing::warn!(%error, "asking again"),
        }
        sleep(ASK_AGAIN_AFTER).await;
    }
}

/// What an amount of a token that is a dollar comes to.
fn dollars(amount: Atoms) -> UsdMicros {
    UsdMicros::new(amount.get())
}

fn exceeded(message: String) -> Failure {
    Failure::new(Code::LimitExceeded, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_may_be_worth_its_limit_and_no_more() {
        let limits = Limits::new(Some(UsdMicros::new(10_000_000)), None, false).unwrap();
        assert_eq!(limits.allow(UsdMicros::new(10_000_000)), Ok(()));
        let failure = limits.allow(UsdMicros::new(10_000_001)).unwrap_err();
        assert_eq!(failure.code, Code::LimitExceeded);
        assert_eq!(failure.message, "the order is worth 10.000001 USD, 10 is the most for one order");
        assert_eq!(Limits::new(None, None, false).unwrap().allow(UsdMicros::new(u64::MAX)), Ok(()));
    }
}
