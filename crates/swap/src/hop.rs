//! One hop with its limit, in one state of its pool.

use crate::allocation::Allocation;
use amm::{Limit, Market, SwapQuote, Swapped, Trader};
use chain::Instruction;
use order_core::failure::Code;
use order_core::quote::Mode;
use order_core::{Atoms, Failure, Mint, PoolAddress, Pubkey, Token};

/// One pool's swap: what is fixed, and its bound.
#[derive(Debug, Clone)]
pub struct PlannedHop {
    market: Market,
    token_in: Token,
    token_out: Token,
    limit: Limit,
}

/// The hops of a path, in the order they are swapped.
///
/// Of two, the second sells an amount that the first is sure to give. Either the first buys exactly that, and
/// nothing of the intermediate token is left over; or it sells its part of the input exactly, for no less than that
/// amount, and the rest stays with the trader. The route says which. If the first pool has moved since the quote, the
/// amount follows from the pool as it is now. Then its price has the same tolerance again.
///
/// # Errors
/// A pool does not trade now, does not swap exact outputs although the route has one, or together they no longer keep
/// the minimum output.
pub(crate) fn plan(
    part: &Allocation<'_>,
    market: impl Fn(PoolAddress) -> Result<Market, Failure>,
) -> Result<Vec<PlannedHop>, Failure> {
    let first = part.path.first();
    let pool = market(first.pool)?;
    let Some(second) = part.path.second() else {
        let limit = Limit::ExactIn { amount_in: part.amount_in, min_out: part.min_out };
        return Ok(vec![PlannedHop::new(pool, first.mint_in, limit)]);
    };
    let (intermediate, limit) = if part.path.buys_exactly() {
        let amount_out = bought_exactly(&pool, part)?;
        (amount_out, Limit::ExactOut { amount_out, max_in: part.amount_in })
    } else {
        let min_out = given_at_least(&pool, part, second.amount_in)?;
        (min_out, Limit::ExactIn { amount_in: part.amount_in, min_out })
    };
    let first = PlannedHop::new(pool, first.mint_in, limit);
    let limit = Limit::ExactIn { amount_in: intermediate, min_out: part.min_out };
    let last = PlannedHop::new(market(second.pool)?, second.mint_in, limit);
    let gives = quote(&last.market, second.mint_in, Mode::ExactIn, intermediate)?.amount_out;
    if gives < part.min_out {
        let decimal = |atoms: Atoms| atoms.to_decimal(last.token_out.decimals);
        let (gives, least) = (decimal(gives), decimal(part.min_out));
        let symbol = &last.token_out.symbol;
        let message = format!("the two hops now give {gives} {symbol}, their minimum output is {least}");
        return Err(Failure::new(Code::SlippageExceeded, message));
    }
    Ok(vec![first, last])
}

impl PlannedHop {
    fn new(market: Market, mint_in: Mint, limit: Limit) -> Self {
        let [one, other] = market.tokens().map(|token| token.token());
        let (token_in, token_out) = if one.mint == mint_in { (one, other) } else { (other, one) };
        Self { market, token_in, token_out, limit }
    }

    /// The pool in the state that the hop is planned on.
    pub fn market(&self) -> &Market {
        &self.market
    }

    /// The token that goes in.
    pub fn token_in(&self) -> &Token {
        &self.token_in
    }

    /// The token that comes out.
    pub fn token_out(&self) -> &Token {
        &self.token_out
    }

    /// The amount that is fixed, and its bound.
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// The result of the swap by our maths; None if it cannot keep its limit.
    pub fn swapped(&self) -> Option<Swapped> {
        self.market.swap(self.token_in.mint, self.limit).ok()
    }

    /// The same swap in another state of its pool.
    pub(crate) fn on(&self, market: Market) -> Self {
        Self::new(market, self.token_in.mint, self.limit)
    }

    /// The pool's instruction, between the owner's token accounts that `account` gives.
    pub(crate) fn instruction(
        &self,
        owner: Pubkey,
        account: impl Fn(&Token) -> Pubkey,
    ) -> Result<Instruction, Failure> {
        let trader = Trader { owner, source: account(&self.token_in), destination: account(&self.token_out) };
        let built = self.market.instruction(&trader, self.token_in.mint, self.limit);
        built.map_err(|error| Failure::new(Code::SimulationFailed, format!("building the swap: {error}")))
    }
}

/// The least that an exact-in first hop must give: the quoted amount while the pool gives what was quoted, and else
/// the same part of what it gives now.
fn given_at_least(market: &Market, part: &Allocation<'_>, quoted: Atoms) -> Result<Atoms, Failure> {
    let first = part.path.first();
    let given = quote(market, first.mint_in, Mode::ExactIn, part.amount_in)?.amount_out;
    if given == first.amount_out {
        return Ok(quoted);
    }
    let least = given.mul_div_floor(quoted.get(), first.amount_out.get());
    least.filter(|least| !least.is_zero()).ok_or_else(too_small)
}

/// The amount of an exact-out first hop: the quoted one while the pool is as it was, and else the exact output that
/// the quoted input buys now.
fn bought_exactly(market: &Market, part: &Allocation<'_>) -> Result<Atoms, Failure> {
    let first = part.path.first();
    let (mint_in, amount_in, quoted) = (first.mint_in, first.amount_in, first.amount_out);
    if quote(market, mint_in, Mode::ExactOut, quoted).is_ok_and(|now| now.amount_in == amount_in) {
        return Ok(quoted);
    }
    let bought = quote(market, mint_in, Mode::ExactIn, amount_in)?.amount_out;
    let taken = quote(market, mint_in, Mode::ExactOut, bought)?.amount_in;
    // Some programs round both ways against the trader.
    let fits =
        if taken <= amount_in { Some(bought) } else { bought.mul_div_floor(amount_in.get(), taken.get()) };
    fits.filter(|fits| !fits.is_zero()).ok_or_else(too_small)
}

fn too_small() -> Failure {
    Failure::new(Code::NoRoute, "the amount is too small for two hops")
}

fn quote(market: &Market, mint_in: Mint, mode: Mode, amount: Atoms) -> Result<SwapQuote, Failure> {
    market
        .quote(mint_in, mode, amount)
        .map_err(|error| Failure::new(Code::SimulationFailed, format!("pool {}: {error}", market.address())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{USDC, hop, known, market, route};
    use crate::{Bounds, SwapPlan};
    use order_core::{Route, Venue};

    /// The most that the first hop of two may take, and what it was quoted to take.
    const PART: Atoms = Atoms::new(1_000_000_000);
    const SPENT: Atoms = Atoms::new(999_000_000);

    fn planned(
        route: &Route,
        min_out: u64,
        market: impl Fn(PoolAddress) -> Result<Market, Failure>,
    ) -> Result<SwapPlan, Failure> {
        let (mint_in, mint_out) = (route.mint_in(), route.mint_out());
        let bounds = Bounds { mint_in, mint_out, amount_in: PART, min_out: Atoms::new(min_out) };
        SwapPlan::new(route, &bounds, market)
    }

    /// JUP for SOL for USDC, with this minimum output.
    fn on_two_pools(first: Venue, min_out: u64) -> Result<SwapPlan, Failure> {
        // The pool has moved since: no pool here gives so little for this.
        let route = route([hop(1, "JUP", "SOL", SPENT.get(), 1), hop(2, "SOL", USDC, 1, min_out)]);
        planned(&route, min_out, |pool| {
            Ok(match pool == PoolAddress::new([1; 32]) {
                true => market(first, ["JUP", "SOL"], [3_000_000_000_000, 10_000_000_000_000]),
                false => market(Venue::RaydiumCpmm, ["SOL", USDC], [60_000_000_000_000, 9_000_000_000_000]),
            })
        })
    }

    #[test]
    fn one_hop_spends_its_part_exactly() {
        let route = route([hop(1, "SOL", USDC, PART.get(), 8)]);
        let pool = |_| Ok(market(Venue::RaydiumCpmm, ["SOL", USDC], [60_000_000_000_000, 9_000_000_000_000]));
        let plan = planned(&route, 8, pool).unwrap();
        let [hop] = plan.hops() else { panic!("{plan:?}") };
        assert_eq!(hop.limit(), Limit::ExactIn { amount_in: PART, min_out: Atoms::new(8) });
        assert_eq!((hop.token_in(), hop.token_out()), (&known("SOL"), &known(USDC)));
        assert_eq!(plan.intermediates(), []);
    }

    #[test]
    fn of_two_hops_the_first_buys_exactly_what_the_second_sells() {
        let exact_out = [
            Venue::RaydiumCpmm,
            Venue::RaydiumAmmV4,
            Venue::MeteoraDammV2,
            Venue::RaydiumClmm,
            Venue::OrcaWhirlpool,
        ];
        for venue in exact_out {
            let plan = on_two_pools(venue, 1).unwrap();
            let [first, second] = plan.hops() else { panic!("{plan:?}") };
            let bought = first.market().quote(known("JUP").mint, Mode::ExactIn, SPENT).unwrap().amount_out;
            let taken = first.market().quote(known("JUP").mint, Mode::ExactOut, bought).unwrap().amount_in;
            assert!(taken <= SPENT, "{venue} takes {taken:?}");
            assert_eq!(first.limit(), Limit::ExactOut { amount_out: bought, max_in: PART });
            assert_eq!(second.limit(), Limit::ExactIn { amount_in: bought, min_out: Atoms::new(1) });
            assert_eq!(plan.intermediates(), [known("SOL")]);
            let given = second.market().quote(known("SOL").mint, Mode::ExactIn, bought).unwrap().amount_out;
            assert_eq!(plan.expected(), Some((taken, given)));
        }
    }

    #[test]
    fn while_the_pool_is_as_it_was_the_quoted_amount_is_bought() {
        let pools = |pool: PoolAddress| {
            Ok(match pool == PoolAddress::new([1; 32]) {
                true => market(Venue::RaydiumCpmm, ["JUP", "SOL"], [3_000_000_000_000, 10_000_000_000_000]),
                false => market(Venue::RaydiumCpmm, ["SOL", USDC], [60_000_000_000_000, 9_000_000_000_000]),
            })
        };
        let first = pools(PoolAddress::new([1; 32])).unwrap();
        let between = first.quote(known("JUP").mint, Mode::ExactIn, PART).unwrap().amount_out;
        // One base unit of JUP buys several lamports.
        let quoted = between.checked_sub(Atoms::new(1)).unwrap();
        let taken = first.quote(known("JUP").mint, Mode::ExactOut, quoted).unwrap().amount_in;
        let hops = [hop(1, "JUP", "SOL", taken.get(), quoted.get()), hop(2, "SOL", USDC, quoted.get(), 1)];
        let plan = planned(&route(hops), 1, pools).unwrap();
        assert_eq!(plan.hops()[0].limit(), Limit::ExactOut { amount_out: quoted, max_in: PART });
        assert_eq!(plan.hops()[1].limit(), Limit::ExactIn { amount_in: quoted, min_out: Atoms::new(1) });
    }

    #[test]
    fn two_hops_that_no_longer_keep_the_minimum_output_are_refused() {
        let (_, given) = on_two_pools(Venue::RaydiumCpmm, 1).unwrap().expected().unwrap();
        let given = given.get();
        assert!(on_two_pools(Venue::RaydiumCpmm, given).is_ok());
        let failure = on_two_pools(Venue::RaydiumCpmm, given + 1).unwrap_err();
        assert_eq!(failure.code, Code::SlippageExceeded);
    }

    #[test]
    fn a_pool_that_swaps_no_exact_output_cannot_buy_exactly() {
        for venue in [Venue::MeteoraDlmm, Venue::MeteoraDammV1] {
            assert_eq!(on_two_pools(venue, 1).unwrap_err().code, Code::SimulationFailed);
        }
    }

    #[test]
    fn an_exact_in_first_hop_of_any_venue_gives_no_less_than_the_second_sells() {
        for venue in Venue::ALL {
            let first = market(venue, ["JUP", "SOL"], [3_000_000_000_000, 10_000_000_000_000]);
            let last = market(Venue::RaydiumCpmm, ["SOL", USDC], [60_000_000_000_000, 9_000_000_000_000]);
            let given = first.quote(known("JUP").mint, Mode::ExactIn, PART).unwrap().amount_out.get();
            let planned = |quoted: u64, sold: u64| {
                let hops = [hop(1, "JUP", "SOL", PART.get(), quoted), hop(2, "SOL", USDC, sold, 1)];
                let pool = |pool: PoolAddress| {
                    Ok(if pool == PoolAddress::new([1; 32]) { first.clone() } else { last.clone() })
                };
                let plan = planned(&route(hops), 1, pool).unwrap();
                [plan.hops()[0].limit(), plan.hops()[1].limit()]
            };
            let limits = |sold: u64| {
                let sold = Atoms::new(sold);
                [
                    Limit::ExactIn { amount_in: PART, min_out: sold },
                    Limit::ExactIn { amount_in: sold, min_out: Atoms::new(1) },
                ]
            };
            assert_eq!(planned(given, given - 7), limits(given - 7), "{venue}: it is as it was");
            // It was quoted to give twice that: half of the buffer is half of the amount.
            assert_eq!(planned(2 * given, 2 * given - 2_000), limits(given - 1_000), "{venue}: it moved");
        }
    }
}
