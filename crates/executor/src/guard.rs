//! The guard between an order and its signature: the limits on what may be spent, and the operator's
//! kill switch.

use crate::executor::Executor;
use crate::metrics;
use crate::route::bearable;
use anyhow::Context as _;
use journal::{Spending, Stops};
use order_core::failure::Code;
use order_core::quote::{Exclusions, Mode};
use order_core::{Atoms, Failure, InputBuffer, Order, Quote, UsdMicros, token};
use proto::quote::Request;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
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

/// The halts of the last look: each change is logged once.
#[derive(Debug, Default)]
pub(crate) struct Switch(Mutex<Stops>);

impl Switch {
    /// Tells operators what the journal says.
    pub(crate) fn show(&self, stops: &Stops) {
        metrics::stopped(stops);
        let before =
            std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), stops.clone());
        match (&before.halt, &stops.halt) {
            (None, Some(halt)) => {
                tracing::warn!(reason = halt.reason, since = %halt.at, "trading is halted: nothing is signed")
            }
            (Some(_), None) => tracing::info!("trading goes on"),
            (None, None) | (Some(_), Some(_)) => {}
        }
        for stopped in stops.venues.iter().filter(|stopped| !before.stops(stopped.venue)) {
            let (venue, reason) = (stopped.venue, &stopped.reason);
            tracing::warn!(%venue, reason, since = %stopped.since, "no order goes over the venue");
        }
        for enabled in before.venues.iter().filter(|enabled| !stops.stops(enabled.venue)) {
            tracing::info!(venue = %enabled.venue, "orders may go over the venue again");
        }
    }
}

impl Executor {
    /// Checks that the order may be signed now. The last thing that is asked before it is: an operator's
    /// halt, or a venue that was disabled, stops whatever has not been signed by then.
    pub(crate) async fn permit(&self, order: &Order, quote: &Quote) -> Result<(), Failure> {
        if !self.limits.are_none() {
            let value = self.value(order, quote).await?;
            self.limits.allow(value)?;
            if let Some(per_day) = self.limits.per_day {
                let spend = || self.journal.trading.spend(order.id(), value, per_day);
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
        let stops = answered(|| self.journal.trading.stops()).await;
        self.switch.show(&stops);
        allowed(&stops, quote)
    }

    /// Venues and pools that the order is not to be routed over.
    pub(crate) async fn to_avoid(&self, order: &Order) -> Exclusions {
        answered(|| self.journal.trading.exclusions(order.id())).await
    }

    /// The order's worth in US dollars, a stablecoin being taken for one: by the side that is such a
    /// coin, or else by what the input would fetch in USDC now.
    async fn value(&self, order: &Order, quote: &Quote) -> Result<UsdMicros, Failure> {
        let (token_in, token_out) = (order.intent().token_in(), order.intent().token_out());
        if token_in.is_dollar() {
            return Ok(dollars(order.intent().amount_in()));
        }
        if token_out.is_dollar() {
            return Ok(dollars(quote.amount_out()));
        }
        let request = Request {
            mint_in: token_in.mint,
            mint_out: token::USDC_MINT,
            amount: order.intent().amount_in(),
            mode: Mode::ExactIn,
            input_buffer: InputBuffer::STANDARD,
            excluded: self.to_avoid(order).await,
        };
        let priced =
            self.router.quote(&request, PRICE_WITHIN, service::trace::traceparent().as_deref()).await;
        let unknown = |reason: &str| {
            let symbol = &token_in.symbol;
            exceeded(format!("what {symbol} is worth in USD is not known, and there is a limit: {reason}"))
        };
        match priced {
            // Of pools that are too small for the amount it would fetch next to nothing.
            Ok(priced) => match bearable(&priced, self.max_price_impact) {
                Ok(()) => Ok(dollars(priced.amount_out())),
                Err(failure) => Err(unknown(&failure.message)),
            },
            // Other venues, or the same later, may tell.
            Err(failure) if failure.code == Code::NoRoute && request.excluded.is_empty() => {
                Err(unknown(&failure.message))
            }
            Err(failure) => Err(failure),
        }
    }
}

/// Checks that what is stopped leaves the route alone.
fn allowed(stops: &Stops, quote: &Quote) -> Result<(), Failure> {
    if let Some(halt) = &stops.halt {
        let message = format!("an operator has stopped trading: {}", halt.reason);
        return Err(Failure::new(Code::Halted, message));
    }
    let on_route = |venue| quote.route.hops().any(|hop| hop.venue == venue);
    match stops.venues.iter().find(|stopped| on_route(stopped.venue)) {
        None => Ok(()),
        Some(stopped) => {
            let message = format!("{} was disabled after it was quoted: {}", stopped.venue, stopped.reason);
            Err(Failure::new(Code::NoRoute, message))
        }
    }
}

/// Asks the journal until it answers: not knowing is no permission, and not the order's fault either.
pub(crate) async fn answered<T, F, Fut>(ask: F) -> T
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

/// The dollars of an amount of a dollar token.
fn dollars(amount: Atoms) -> UsdMicros {
    UsdMicros::new(amount.get())
}

fn exceeded(message: String) -> Failure {
    Failure::new(Code::LimitExceeded, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::quote;
    use journal::{DisabledVenue, Halt};
    use order_core::{Timestamp, Venue};

    #[test]
    fn what_is_stopped_stops_the_routes_over_it() {
        let at = Timestamp::UNIX_EPOCH;
        let code =
            |stops: &Stops| allowed(stops, &quote(Venue::RaydiumCpmm, 1, 1)).map_err(|failure| failure.code);
        let stopped = |venue| Stops {
            halt: None,
            venues: vec![DisabledVenue { venue, reason: "a test".to_owned(), since: at }],
        };
        assert_eq!(code(&Stops::default()), Ok(()));
        assert_eq!(code(&stopped(Venue::RaydiumClmm)), Ok(()));
        assert_eq!(code(&stopped(Venue::RaydiumCpmm)), Err(Code::NoRoute));
        let halt = Some(Halt { reason: "a test".to_owned(), at });
        assert_eq!(code(&Stops { halt, ..stopped(Venue::RaydiumCpmm) }), Err(Code::Halted));
    }

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
