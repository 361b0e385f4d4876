use super::Deadline;
use super::sign::bounds;
use crate::guard::{exclusions, policy, price_impact};
use journal::{Policies, Trading};
use order_core::failure::Code;
use order_core::order::Intent;
use order_core::quote::Mode;
use order_core::{Atoms, Failure, Fraction, InputBuffer, Order, Quote};
use proto::RouterClient;
use proto::quote::Request;
use std::time::Duration;

/// Time for the router to answer; it does so from memory. Then it is asked again.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// Routes orders.
pub(crate) struct RouteStep {
    pub(crate) router: RouterClient,
    pub(crate) trading: Trading,
    pub(crate) policies: Policies,
    pub(crate) max_price_impact: Fraction,
}

impl RouteStep {
    /// Asks the router for the best route, and accepts it only if it keeps the order's floor.
    pub(crate) async fn route(
        &self,
        order: &Order,
        min_out: Option<Atoms>,
        deadline: &Deadline,
    ) -> Result<Quote, Failure> {
        let intent = order.intent();
        let mut excluded = exclusions(&self.trading, order).await;
        excluded.venues.extend(policy(&self.policies, order).await.refused_venues());
        let request = Request {
            mint_in: intent.token_in().mint,
            mint_out: intent.token_out().mint,
            amount: intent.amount_in(),
            mode: Mode::ExactIn,
            input_buffer: InputBuffer::of(order.attempt(), intent.max_slippage()),
            use_full_input: intent.use_full_input(),
            excluded,
        };
        let timeout = deadline.remaining().min(ANSWER_WITHIN);
        let trace = service::trace::traceparent();
        let quote = faults::effect!("route", self.router.quote(&request, timeout, trace.as_deref()).await)?;
        acceptable(intent, min_out, &quote)?;
        price_impact::check(&quote, self.max_price_impact)?;
        tracing::debug!(
            quote.id = %quote.id,
            dex = quote.dex().map(tracing::field::display),
            amount_out = quote.amount_out().get(),
            pools = quote.route.hop_count(),
            alternatives = quote.alternatives.len(),
            slot = quote.slot,
            "the best route"
        );
        Ok(quote)
    }
}

/// Checks that the order may go this way.
fn acceptable(intent: &Intent, min_out: Option<Atoms>, quote: &Quote) -> Result<(), Failure> {
    let min_out = min_out.unwrap_or_else(|| intent.max_slippage().min_out(quote.amount_out()));
    if min_out.is_zero() {
        return Err(Failure::new(Code::NoRoute, "the amount is too small to buy anything"));
    }
    if quote.amount_out() < min_out {
        return Err(Failure::new(
            Code::SlippageExceeded,
            format!(
                "the best route gives {}, the order accepts no less than {} {}",
                quote.amount_out().to_decimal(intent.token_out().decimals),
                min_out.to_decimal(intent.token_out().decimals),
                intent.token_out().symbol
            ),
        ));
    }
    swap::allocate(&quote.route, &bounds(intent, min_out)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{intent, quote};
    use order_core::Venue;

    fn gives(amount_out: u64) -> Quote {
        quote(Venue::RaydiumCpmm, 100, amount_out)
    }

    fn code<T: std::fmt::Debug>(outcome: Result<T, Failure>) -> Code {
        outcome.unwrap_err().code
    }

    #[test]
    fn the_floor_of_the_first_quote_binds_the_later_ones() {
        let quote = gives(994);
        assert_eq!(acceptable(&intent(), None, &quote), Ok(()));
        let failure = acceptable(&intent(), Some(Atoms::new(995)), &quote).unwrap_err();
        assert_eq!(failure.code, Code::SlippageExceeded);
        assert_eq!(
            failure.message,
            "the best route gives 0.000994, the order accepts no less than 0.000995 USDC"
        );
    }

    #[test]
    fn a_floor_of_nothing_is_no_floor() {
        assert_eq!(code(acceptable(&intent(), None, &gives(1))), Code::NoRoute);
    }
}
