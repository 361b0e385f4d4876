use super::{exceeded, exclusions, price_impact};
use journal::Trading;
use order_core::failure::Code;
use order_core::quote::Mode;
use order_core::{Atoms, Failure, Fraction, InputBuffer, Order, Quote, UsdMicros, token};
use proto::RouterClient;
use proto::quote::Request;
use std::time::Duration;

/// Time for the router to answer; it does so from memory. Then it is asked again.
const PRICE_WITHIN: Duration = Duration::from_secs(3);

/// Values orders in US dollars.
pub(crate) struct Valuation {
    pub(crate) router: RouterClient,
    pub(crate) trading: Trading,
    pub(crate) max_price_impact: Fraction,
}

impl Valuation {
    /// The order's worth in US dollars, a stablecoin being taken for one: by the side that is such a coin, or else
    /// by what the input would fetch in USDC now.
    pub(super) async fn value(&self, order: &Order, quote: &Quote) -> Result<UsdMicros, Failure> {
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
            use_full_input: false,
            excluded: exclusions(&self.trading, order).await,
        };
        let priced =
            self.router.quote(&request, PRICE_WITHIN, service::trace::traceparent().as_deref()).await;
        let unknown = |reason: &str| {
            let symbol = &token_in.symbol;
            exceeded(format!("what {symbol} is worth in USD is not known, and there is a limit: {reason}"))
        };
        match priced {
            // Of pools that are too small for the amount it would fetch next to nothing.
            Ok(priced) => match price_impact::check(&priced, self.max_price_impact) {
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

/// The dollars of an amount of a dollar token.
fn dollars(amount: Atoms) -> UsdMicros {
    UsdMicros::new(amount.get())
}
