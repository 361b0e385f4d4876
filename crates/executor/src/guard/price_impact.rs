use order_core::failure::Code;
use order_core::{Failure, Fraction, Quote};

/// Checks that the pools are large enough for the order. Slippage does not tell: where no quote was named, it is
/// measured from what these very pools offer.
pub(crate) fn check(quote: &Quote, most: Fraction) -> Result<(), Failure> {
    if quote.price_impact <= most {
        return Ok(());
    }
    let (impact, most) = (quote.price_impact.to_percent(), most.to_percent());
    let message =
        format!("the best route moves the price by {impact}%, {most}% is the most that is accepted");
    Err(Failure::new(Code::PriceImpactTooHigh, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::quote;
    use order_core::Venue;

    #[test]
    fn pools_that_are_too_small_are_refused_whatever_the_slippage() {
        let moves = |billionths| {
            let quote = Quote {
                price_impact: Fraction::from_billionths(billionths),
                transfer_fee: Fraction::ZERO,
                ..quote(Venue::RaydiumCpmm, 100, 1_000)
            };
            check(&quote, Fraction::from_billionths(100_000_000))
        };
        assert_eq!(moves(100_000_000), Ok(()));
        let failure = moves(100_000_001).unwrap_err();
        assert_eq!(failure.code, Code::PriceImpactTooHigh);
        assert_eq!(
            failure.message,
            "the best route moves the price by 10.0000001%, 10% is the most that is accepted"
        );
    }
}
