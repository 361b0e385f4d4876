use crate::deadline::Deadline;
use crate::executor::Executor;
use order_core::failure::Code;
use order_core::order::Intent;
use order_core::quote::{Mode, Swap};
use order_core::{Atoms, Failure, Order, Quote};
use proto::quote::Request;
use std::time::Duration;

/// The router answers from memory: what takes longer is asked again.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

impl Executor {
    /// Asks the router for the best route, and accepts it only if it keeps the order's floor.
    pub(crate) async fn route(
        &self,
        order: &Order,
        min_out: Option<Atoms>,
        deadline: &Deadline,
    ) -> Result<Quote, Failure> {
        let intent = order.intent();
        let request = Request {
            mint_in: intent.token_in().mint,
            mint_out: intent.token_out().mint,
            amount: intent.amount_in(),
            mode: Mode::ExactIn,
        };
        let timeout = deadline.remaining().min(ANSWER_WITHIN);
        let quote = self.router.quote(&request, timeout, service::trace::traceparent().as_deref()).await?;
        acceptable(intent, min_out, &quote)?;
        tracing::info!(
            quote.id = %quote.id,
            dex = quote.dex().map(tracing::field::display),
            amount_out = quote.amount_out.get(),
            pools = quote.route.len(),
            alternatives = quote.alternatives.len(),
            slot = quote.slot,
            "the best route"
        );
        Ok(quote)
    }
}

/// Whether the order may go this way.
fn acceptable(intent: &Intent, min_out: Option<Atoms>, quote: &Quote) -> Result<(), Failure> {
    let min_out = min_out.unwrap_or_else(|| intent.max_slippage().min_out(quote.amount_out));
    if min_out.is_zero() {
        return Err(Failure::new(Code::NoRoute, "the amount is too small to buy anything"));
    }
    if quote.amount_out < min_out {
        return Err(Failure::new(
            Code::SlippageExceeded,
            format!(
                "the best route gives {}, the order accepts no less than {} {}",
                quote.amount_out.to_decimal(intent.token_out().decimals),
                min_out.to_decimal(intent.token_out().decimals),
                intent.token_out().symbol
            ),
        ));
    }
    legs(intent, quote, min_out).map(drop)
}

/// One pool's part of an order, with its part of the floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leg<'a> {
    /// The swap.
    pub(crate) swap: &'a Swap,
    /// The least that it must give.
    pub(crate) min_out: Atoms,
}

/// The parts of a route, with floors that add up to at least the order's. Each is rounded up and
/// none exceeds what its pool promises.
pub(crate) fn legs<'a>(intent: &Intent, quote: &'a Quote, min_out: Atoms) -> Result<Vec<Leg<'a>>, Failure> {
    let (mut spent, mut bought) = (Atoms::ZERO, Atoms::ZERO);
    let mut legs = Vec::with_capacity(quote.route.len());
    for swap in &quote.route {
        if swap.mint_in != intent.token_in().mint || swap.mint_out != intent.token_out().mint {
            return Err(Failure::new(Code::Unsupported, "the best route goes through a third token"));
        }
        let floor = swap.amount_out.mul_div_ceil(min_out.get(), quote.amount_out.get());
        spent = spent.checked_add(swap.amount_in).ok_or_else(unsound)?;
        bought = bought.checked_add(swap.amount_out).ok_or_else(unsound)?;
        legs.push(Leg { swap, min_out: floor.ok_or_else(unsound)? });
    }
    if spent != intent.amount_in()
        || bought != quote.amount_out
        || legs.iter().any(|leg| leg.min_out.is_zero())
    {
        return Err(unsound());
    }
    Ok(legs)
}

fn unsound() -> Failure {
    Failure::new(Code::RouterUnavailable, "the router's route does not add up to the order")
}

#[cfg(test)]
mod tests {
    use super::*;
    use order_core::{Fraction, Mint, PoolAddress, Slippage, Timestamp, Token, Venue, quote, token};
    use uuid::Uuid;

    fn known(symbol: &str) -> Token {
        token::known().find(|token| token.symbol == symbol).unwrap()
    }

    fn intent() -> Intent {
        let half = Slippage::parse("0.5").unwrap();
        Intent::market(known("SOL"), known("USDC"), Atoms::new(100), half, None).unwrap()
    }

    fn swap(mint_out: Mint, amount_in: u64, amount_out: u64) -> Swap {
        Swap {
            venue: Venue::RaydiumCpmm,
            pool: PoolAddress::new([7; 32]),
            mint_in: known("SOL").mint,
            mint_out,
            amount_in: Atoms::new(amount_in),
            amount_out: Atoms::new(amount_out),
            share: Fraction::ONE,
        }
    }

    fn quote(amount_out: u64, route: Vec<Swap>) -> Quote {
        Quote {
            id: quote::Id(Uuid::nil()),
            amount_in: Atoms::new(100),
            amount_out: Atoms::new(amount_out),
            fee: Fraction::ZERO,
            price_impact: Fraction::ZERO,
            route,
            alternatives: Vec::new(),
            slot: 1,
            state_age_ms: 0,
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn code<T: std::fmt::Debug>(outcome: Result<T, Failure>) -> Code {
        outcome.unwrap_err().code
    }

    #[test]
    fn a_direct_route_carries_the_whole_floor() {
        let quote = quote(1_000, vec![swap(known("USDC").mint, 100, 1_000)]);
        let legs = legs(&intent(), &quote, Atoms::new(995)).unwrap();
        assert_eq!(legs, [Leg { swap: &quote.route[0], min_out: Atoms::new(995) }]);
    }

    #[test]
    fn parallel_floors_add_up_to_no_less_than_the_order_s() {
        let usdc = known("USDC").mint;
        let quote = quote(1_000, vec![swap(usdc, 33, 333), swap(usdc, 67, 667)]);
        for min_out in 1..=1_000 {
            let legs = legs(&intent(), &quote, Atoms::new(min_out)).unwrap();
            assert!(legs.iter().map(|leg| leg.min_out.get()).sum::<u64>() >= min_out);
            assert!(legs.iter().all(|leg| leg.min_out <= leg.swap.amount_out));
        }
    }

    #[test]
    fn what_does_not_add_up_is_refused() {
        let usdc = known("USDC").mint;
        for route in [
            vec![],
            vec![swap(usdc, 99, 1_000)],
            vec![swap(usdc, 100, 999)],
            vec![swap(usdc, 100, u64::MAX); 2],
        ] {
            assert_eq!(code(legs(&intent(), &quote(1_000, route), Atoms::new(995))), Code::RouterUnavailable);
        }
    }

    #[test]
    fn a_third_token_is_not_supported() {
        let route = vec![swap(known("USDT").mint, 100, 1_000)];
        assert_eq!(code(legs(&intent(), &quote(1_000, route), Atoms::new(995))), Code::Unsupported);
    }

    #[test]
    fn the_floor_of_the_first_quote_binds_the_later_ones() {
        let quote = quote(994, vec![swap(known("USDC").mint, 100, 994)]);
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
        let quote = quote(1, vec![swap(known("USDC").mint, 100, 1)]);
        assert_eq!(code(acceptable(&intent(), None, &quote)), Code::NoRoute);
    }
}
