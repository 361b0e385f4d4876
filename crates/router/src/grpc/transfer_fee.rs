//! Transfer fees of a route: the part of the input that the tokens withhold between the trader and the pools.

use crate::book::Book;
use order_core::route::{Hop, Path};
use order_core::{Atoms, Fraction, Route};

const ONE: i128 = Fraction::ONE_IN_BILLIONTHS as i128;

/// The fees of all paths by their shares, as a fraction of the input.
pub(super) fn of(book: &Book, route: &Route) -> Fraction {
    let paths = route.paths().iter().map(|path| {
        let share = i128::from(path.share().billionths());
        of_path(book, path).saturating_mul(share).checked_div(ONE).unwrap_or(0)
    });
    let sum = paths.sum::<i128>().clamp(0, ONE);
    i64::try_from(sum).map_or(Fraction::ONE, Fraction::from_billionths)
}

/// Compounds the fees of the transfers into and out of each pool: `1 − (1 − a)(1 − b) …`, in billionths.
fn of_path(book: &Book, path: &Path) -> i128 {
    let kept = path
        .hops()
        .flat_map(|hop| of_hop(book, hop))
        .fold(ONE, |kept, rate| kept.saturating_mul(ONE.saturating_sub(rate)).checked_div(ONE).unwrap_or(0));
    ONE.saturating_sub(kept)
}

/// The fees of one hop's two transfers, in billionths of what is sent.
fn of_hop(book: &Book, hop: &Hop) -> [i128; 2] {
    let Some(Ok(market)) = book.entry(hop.pool).map(|entry| entry.market.as_ref()) else { return [0; 2] };
    let fee =
        |mint| market.tokens().into_iter().find(|token| token.mint == mint).map(|token| token.transfer_fee);
    let into = fee(hop.mint_in).map_or(0, |fee| rate(fee.of(hop.amount_in.get()), hop.amount_in));
    let sent = |fee: amm::TransferFee| fee.before(hop.amount_out.get()).map(Atoms::new);
    let out_of = fee(hop.mint_out)
        .and_then(sent)
        .map_or(0, |sent| rate(sent.get().saturating_sub(hop.amount_out.get()), sent));
    [into, out_of]
}

/// A part of an amount, in billionths, rounded up.
fn rate(part: u64, whole: Atoms) -> i128 {
    let scaled = u128::from(part).saturating_mul(u128::from(Fraction::ONE_IN_BILLIONTHS));
    let rate = if whole.is_zero() { 0 } else { scaled.div_ceil(u128::from(whole.get())) };
    i128::try_from(rate).unwrap_or(ONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, SOL, usdc};
    use order_core::quote::Mode;
    use tokio::time::Instant;

    #[test]
    fn fee_of_a_route_is_what_its_tokens_withhold_of_the_input() {
        let mut pool = testing::pool(1);
        let plain = testing::book(&[pool.clone()], 10, Instant::now());
        pool.tax(usdc(), 1000);
        let taxed = testing::book(&[pool.clone()], 10, Instant::now());
        let route = |book: &Book| {
            let entry = book.entry(pool.address).unwrap();
            let market = entry.market.as_ref().unwrap();
            let quoted = market.quote(SOL, Mode::ExactIn, Atoms::new(1_000_000_000)).unwrap();
            let hop = Hop {
                venue: entry.venue,
                pool: entry.address,
                mint_in: SOL,
                mint_out: usdc(),
                amount_in: quoted.amount_in,
                amount_out: quoted.amount_out,
            };
            Route::new(vec![Path::direct(Fraction::ONE, hop)]).unwrap()
        };
        assert_eq!(of(&plain, &route(&plain)), Fraction::ZERO);
        // Each transfer's fee is rounded up to a unit.
        let fee = of(&taxed, &route(&taxed)).billionths();
        assert!((100_000_000..100_000_020).contains(&fee), "{fee}");
    }
}
