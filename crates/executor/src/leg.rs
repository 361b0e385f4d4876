//! How paths are swapped in one state of their pools.

use crate::path::Path;
use crate::pools::State;
use amm::{Limit, Market, SwapQuote, Swapped, Trader};
use chain::Instruction;
use order_core::failure::Code;
use order_core::quote::Mode;
use order_core::{Atoms, Failure, Mint, PoolAddress, Pubkey, Token};

/// One pool's swap.
#[derive(Debug)]
pub(crate) struct Leg {
    /// The pool as it is now.
    pub(crate) market: Market,
    /// What goes in.
    token_in: Token,
    /// What comes out.
    token_out: Token,
    /// What is fixed, and its bound.
    limit: Limit,
}

/// The swaps of a path, in their order.
///
/// Where there are two, the first buys exactly what the second sells, so nothing of the token between
/// them stays behind. If the pool has moved since the quote, how much that is follows from the pool as it is
/// now, so that its price has the same room to move again.
///
/// # Errors
/// A pool does not trade now, does not buy exact amounts, or together they no longer keep the floor.
pub(crate) fn legs(
    path: &Path<'_>,
    market: impl Fn(PoolAddress) -> Result<Market, Failure>,
) -> Result<Vec<Leg>, Failure> {
    let pool = market(path.first.pool)?;
    let Some(second) = path.second else {
        let limit = Limit::ExactIn { amount_in: path.amount_in, min_out: path.min_out };
        return Ok(vec![Leg::new(pool, path.first.mint_in, limit)]);
    };
    let between = intermediate(&pool, path)?;
    let limit = Limit::ExactOut { amount_out: between, max_in: path.amount_in };
    let first = Leg::new(pool, path.first.mint_in, limit);
    let limit = Limit::ExactIn { amount_in: between, min_out: path.min_out };
    let last = Leg::new(market(second.pool)?, second.mint_in, limit);
    let gives = quote(&last.market, second.mint_in, Mode::ExactIn, between)?.amount_out;
    if gives < path.min_out {
        let name = |atoms: Atoms| atoms.to_decimal(last.token_out.decimals);
        let (gives, least) = (name(gives), name(path.min_out));
        let symbol = &last.token_out.symbol;
        let message = format!("two swaps now give {gives} {symbol}, their part of the order is {least}");
        return Err(Failure::new(Code::SlippageExceeded, message));
    }
    Ok(vec![first, last])
}

impl Leg {
    fn new(market: Market, mint_in: Mint, limit: Limit) -> Self {
        let [one, other] = market.tokens().map(|token| token.token());
        let (token_in, token_out) = if one.mint == mint_in { (one, other) } else { (other, one) };
        Self { market, token_in, token_out, limit }
    }

    /// The pool's instruction, between the owner's accounts that `account` names.
    pub(crate) fn instruction(
        &self,
        owner: Pubkey,
        account: impl Fn(&Token) -> Pubkey,
    ) -> Result<Instruction, Failure> {
        let trader = Trader { owner, source: account(&self.token_in), destination: account(&self.token_out) };
        let built = self.market.instruction(&trader, self.token_in.mint, self.limit);
        built.map_err(|error| Failure::new(Code::SimulationFailed, format!("building the swap: {error}")))
    }

    /// What our maths says that the swap does; None if it cannot keep the limit.
    pub(crate) fn swapped(&self) -> Option<Swapped> {
        self.market.swap(self.token_in.mint, self.limit).ok()
    }

    /// The same swap in another state of its pool.
    pub(crate) fn now(&self, state: &State) -> Result<Self, Failure> {
        Ok(Self::new(state.market(self.market.address())?, self.token_in.mint, self.limit))
    }
}

/// What the legs together take of one token and give of another by our maths; None if one of them cannot
/// keep its limit.
pub(crate) fn expected(legs: &[Leg], token_in: Mint, token_out: Mint) -> Option<(Atoms, Atoms)> {
    let (mut taken, mut given) = (Atoms::ZERO, Atoms::ZERO);
    for leg in legs {
        let swapped = leg.swapped()?;
        if leg.token_in.mint == token_in {
            taken = taken.checked_add(swapped.amount_in)?;
        }
        if leg.token_out.mint == token_out {
            given = given.checked_add(swapped.received)?;
        }
    }
    Some((taken, given))
}

/// The tokens that are bought and sold again on the way to one, each once.
pub(crate) fn intermediates(legs: &[Leg], token_out: Mint) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    for token in legs.iter().map(|leg| &leg.token_out).filter(|token| token.mint != token_out) {
        if !tokens.contains(token) {
            tokens.push(token.clone());
        }
    }
    tokens
}

/// How much of the token between is bought: what the quote says while the pool is as it was, and else as
/// much as what was to be spent buys now, as an exact output that takes no more than that.
fn intermediate(market: &Market, path: &Path<'_>) -> Result<Atoms, Failure> {
    let (mint_in, amount_in) = (path.first.mint_in, path.first.amount_in);
    let quoted = path.first.amount_out;
    if quote(market, mint_in, Mode::ExactOut, quoted).is_ok_and(|now| now.amount_in == amount_in) {
        return Ok(quoted);
    }
    let bought = quote(market, mint_in, Mode::ExactIn, amount_in)?.amount_out;
    let taken = quote(market, mint_in, Mode::ExactOut, bought)?.amount_in;
    // Some programs round both ways against the trader.
    let fits =
        if taken <= amount_in { Some(bought) } else { bought.mul_div_floor(amount_in.get(), taken.get()) };
    fits.filter(|fits| !fits.is_zero())
        .ok_or_else(|| Failure::new(Code::NoRoute, "the amount is too small for two swaps"))
}

fn quote(market: &Market, mint_in: Mint, mode: Mode, amount: Atoms) -> Result<SwapQuote, Failure> {
    market
        .quote(mint_in, mode, amount)
        .map_err(|error| Failure::new(Code::SimulationFailed, format!("pool {}: {error}", market.address())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{USDC, known, market, swap};
    use order_core::Venue;
    use order_core::quote::Swap;

    /// The most that the first swap of two may take, and what it was quoted to take.
    const PART: Atoms = Atoms::new(1_000_000_000);
    const SPENT: Atoms = Atoms::new(999_000_000);

    /// JUP for SOL for USDC, with this least.
    fn on_two_pools(first: Venue, min_out: u64) -> Result<Vec<Leg>, Failure> {
        // The pool has moved since: no pool here gives so little for this.
        let swaps: [Swap; 2] = [swap(1, "JUP", "SOL", SPENT.get(), 1), swap(2, "SOL", USDC, 1, 1)];
        let path =
            Path { first: &swaps[0], second: Some(&swaps[1]), amount_in: PART, min_out: Atoms::new(min_out) };
        legs(&path, |pool| {
            Ok(match pool == swaps[0].pool {
                true => market(first, ["JUP", "SOL"], [3_000_000_000_000, 10_000_000_000_000]),
                false => market(Venue::RaydiumCpmm, ["SOL", USDC], [60_000_000_000_000, 9_000_000_000_000]),
            })
        })
    }

    #[test]
    fn one_swap_spends_its_part_exactly() {
        let direct = swap(1, "SOL", USDC, 7, 8);
        let (amount_in, min_out) = (Atoms::new(7_000), Atoms::new(8));
        let path = Path { first: &direct, second: None, amount_in, min_out };
        let pool = |_| Ok(market(Venue::RaydiumCpmm, ["SOL", USDC], [60_000_000_000_000, 9_000_000_000_000]));
        let legs = legs(&path, pool).unwrap();
        assert_eq!(legs[0].limit, Limit::ExactIn { amount_in, min_out });
        assert_eq!((&legs[0].token_in, &legs[0].token_out), (&known("SOL"), &known(USDC)));
        assert_eq!(intermediates(&legs, known(USDC).mint), []);
    }

    #[test]
    fn of_two_swaps_the_first_buys_exactly_what_the_second_sells() {
        let exact_out = [
            Venue::RaydiumCpmm,
            Venue::RaydiumAmmV4,
            Venue::MeteoraDammV2,
            Venue::RaydiumClmm,
            Venue::OrcaWhirlpool,
        ];
        for venue in exact_out {
            let legs = on_two_pools(venue, 1).unwrap();
            let bought = legs[0].market.quote(known("JUP").mint, Mode::ExactIn, SPENT).unwrap().amount_out;
            let taken = legs[0].market.quote(known("JUP").mint, Mode::ExactOut, bought).unwrap().amount_in;
            assert!(taken <= SPENT, "{venue} takes {taken:?}");
            assert_eq!(legs[0].limit, Limit::ExactOut { amount_out: bought, max_in: PART });
            assert_eq!(legs[1].limit, Limit::ExactIn { amount_in: bought, min_out: Atoms::new(1) });
            assert_eq!(intermediates(&legs, known(USDC).mint), [known("SOL")]);
            let given = legs[1].market.quote(known("SOL").mint, Mode::ExactIn, bought).unwrap().amount_out;
            assert_eq!(expected(&legs, known("JUP").mint, known(USDC).mint), Some((taken, given)));
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
        // One atom of JUP buys several lamports.
        let quoted = between.checked_sub(Atoms::new(1)).unwrap();
        let taken = first.quote(known("JUP").mint, Mode::ExactOut, quoted).unwrap().amount_in;
        let swaps = [swap(1, "JUP", "SOL", taken.get(), quoted.get()), swap(2, "SOL", USDC, quoted.get(), 1)];
        let path =
            Path { first: &swaps[0], second: Some(&swaps[1]), amount_in: PART, min_out: Atoms::new(1) };
        let legs = legs(&path, pools).unwrap();
        assert_eq!(legs[0].limit, Limit::ExactOut { amount_out: quoted, max_in: PART });
        assert_eq!(legs[1].limit, Limit::ExactIn { amount_in: quoted, min_out: Atoms::new(1) });
    }

    #[test]
    fn two_swaps_that_no_longer_keep_the_floor_are_refused() {
        let legs = on_two_pools(Venue::RaydiumCpmm, 1).unwrap();
        let (_, given) = expected(&legs, known("JUP").mint, known(USDC).mint).unwrap();
        let given = given.get();
        assert!(on_two_pools(Venue::RaydiumCpmm, given).is_ok());
        let failure = on_two_pools(Venue::RaydiumCpmm, given + 1).unwrap_err();
        assert_eq!(failure.code, Code::SlippageExceeded);
    }

    #[test]
    fn a_pool_that_sells_no_exact_output_cannot_be_the_first_of_two() {
        for venue in [Venue::MeteoraDlmm, Venue::MeteoraDammV1] {
            assert_eq!(on_two_pools(venue, 1).unwrap_err().code, Code::SimulationFailed);
        }
    }
}
