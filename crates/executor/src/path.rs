//! The ways side by side that a route takes, each with its part of the order.

use order_core::failure::Code;
use order_core::order::Intent;
use order_core::quote::Swap;
use order_core::{Atoms, Failure, Quote};

/// One way through a route: a pool, or two with a third token between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Path<'a> {
    /// The swap that takes the order's input.
    pub(crate) first: &'a Swap,
    /// The swap of all that the first one buys, where that is not yet the order's output.
    pub(crate) second: Option<&'a Swap>,
    /// The most that may be spent on it. A single swap spends all of it; the first of two is quoted to
    /// take less, and what it does not take stays with the trader.
    pub(crate) amount_in: Atoms,
    /// The least of the order's output that it must give.
    pub(crate) min_out: Atoms,
}

/// The paths of a route. What they spend adds up to the order's amount, and their floors to at least the
/// order's: each is rounded up, and none exceeds what its pools promise.
///
/// What the quote does not spend is room for the first swaps of two, for each in proportion to what it
/// takes: so far their price may rise until the transaction lands.
///
/// # Errors
/// The swaps do not join to paths between the order's tokens, or do not add up.
pub(crate) fn paths<'a>(intent: &Intent, quote: &'a Quote, min_out: Atoms) -> Result<Vec<Path<'a>>, Failure> {
    let (mut spent, mut bought) = (Atoms::ZERO, Atoms::ZERO);
    let mut paths = Vec::with_capacity(quote.route.len());
    let mut swaps = quote.route.iter();
    while let Some(first) = swaps.next() {
        let direct = first.mint_out == intent.token_out().mint;
        let second = if direct { None } else { Some(swaps.next().ok_or_else(unsound)?) };
        if !joins(intent, first, second) {
            return Err(unsound());
        }
        let amount_out = second.unwrap_or(first).amount_out;
        let floor = amount_out.mul_div_ceil(min_out.get(), quote.amount_out.get()).ok_or_else(unsound)?;
        spent = spent.checked_add(first.amount_in).ok_or_else(unsound)?;
        bought = bought.checked_add(amount_out).ok_or_else(unsound)?;
        paths.push(Path { first, second, amount_in: first.amount_in, min_out: floor });
    }
    let unspent = intent.amount_in().checked_sub(spent).ok_or_else(unsound)?;
    give_room(&mut paths, unspent).ok_or_else(unsound)?;
    let empty = paths.is_empty() || paths.iter().any(|path| path.min_out.is_zero());
    if empty || spent != quote.amount_in || bought != quote.amount_out || repeats_a_pool(quote) {
        return Err(unsound());
    }
    Ok(paths)
}

/// Lets the paths of two swaps spend more by this together, rounded down; None if there are none.
fn give_room(paths: &mut [Path<'_>], unspent: Atoms) -> Option<()> {
    let in_two = |path: &&mut Path<'_>| path.second.is_some();
    let quoted =
        paths.iter_mut().filter(in_two).try_fold(Atoms::ZERO, |sum, path| sum.checked_add(path.amount_in))?;
    if unspent.is_zero() {
        return Some(());
    }
    for path in paths.iter_mut().filter(in_two) {
        let room = unspent.mul_div_floor(path.amount_in.get(), quoted.get())?;
        path.amount_in = path.amount_in.checked_add(room)?;
    }
    (!quoted.is_zero()).then_some(())
}

/// Whether the swaps lead from the order's input to its output.
fn joins(intent: &Intent, first: &Swap, second: Option<&Swap>) -> bool {
    let (token_in, token_out) = (intent.token_in().mint, intent.token_out().mint);
    first.mint_in == token_in
        && match second {
            None => first.mint_out == token_out,
            Some(second) => {
                first.mint_out != token_in
                    && (first.mint_out, first.amount_out) == (second.mint_in, second.amount_in)
                    && second.mint_out == token_out
            }
        }
}

/// A second swap on a pool would meet another state than the one it was quoted on.
fn repeats_a_pool(quote: &Quote) -> bool {
    let mut pools: Vec<_> = quote.route.iter().map(|swap| swap.pool).collect();
    pools.sort_unstable();
    pools.windows(2).any(|pair| pair.first() == pair.last())
}

fn unsound() -> Failure {
    Failure::new(Code::RouterUnavailable, "the router's route does not add up to the order")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{USDC, intent, quote, swap};

    const USDT: &str = "USDT";

    fn paths_of(amount_in: u64, amount_out: u64, route: Vec<Swap>) -> Result<Vec<(u64, u64)>, Code> {
        let quote = quote(amount_in, amount_out, route);
        let paths = paths(&intent(), &quote, Atoms::new(995)).map_err(|failure| failure.code)?;
        Ok(paths.iter().map(|path| (path.amount_in.get(), path.min_out.get())).collect())
    }

    #[test]
    fn a_direct_route_carries_the_whole_floor() {
        assert_eq!(paths_of(100, 1_000, vec![swap(1, "SOL", USDC, 100, 1_000)]), Ok(vec![(100, 995)]));
    }

    #[test]
    fn parallel_floors_add_up_to_no_less_than_the_order_s() {
        let route = vec![
            swap(1, "SOL", USDC, 33, 333),
            swap(2, "SOL", USDT, 27, 400),
            swap(3, USDT, USDC, 400, 267),
            swap(4, "SOL", USDC, 40, 400),
        ];
        let quote = quote(100, 1_000, route);
        for min_out in 1..=1_000 {
            let paths = paths(&intent(), &quote, Atoms::new(min_out)).unwrap();
            assert_eq!(paths.iter().map(|path| path.amount_in.get()).collect::<Vec<_>>(), [33, 27, 40]);
            assert!(paths.iter().map(|path| path.min_out.get()).sum::<u64>() >= min_out);
            assert!(paths.iter().all(|path| path.min_out <= path.second.unwrap_or(path.first).amount_out));
        }
    }

    #[test]
    fn what_two_swaps_leave_of_the_amount_may_still_be_spent_on_them() {
        let hops = [swap(2, "SOL", USDT, 57, 400), swap(3, USDT, USDC, 400, 600)];
        let alone = vec![swap(1, "SOL", USDT, 98, 700), swap(2, USDT, USDC, 700, 1_000)];
        assert_eq!(paths_of(98, 1_000, alone), Ok(vec![(100, 995)]));
        let mut split = vec![swap(1, "SOL", USDC, 40, 400)];
        split.extend(hops);
        assert_eq!(paths_of(97, 1_000, split), Ok(vec![(40, 398), (60, 597)]));
        let two = vec![
            swap(1, "SOL", USDT, 60, 300),
            swap(2, USDT, USDC, 300, 700),
            swap(3, "SOL", "RAY", 30, 100),
            swap(4, "RAY", USDC, 100, 300),
        ];
        // Of ten that are left six and two thirds, and three and a third.
        assert_eq!(paths_of(90, 1_000, two), Ok(vec![(66, 697), (33, 299)]));
    }

    #[test]
    fn what_does_not_add_up_is_refused() {
        let direct = |amount_in, amount_out| swap(1, "SOL", USDC, amount_in, amount_out);
        let two = |first: Swap, second: Swap| vec![first, second];
        for (amount_in, route) in [
            (100, vec![]),
            (100, vec![direct(99, 1_000)]),
            (99, vec![direct(99, 1_000)]),
            (101, vec![direct(101, 1_000)]),
            (100, vec![direct(100, 999)]),
            (100, vec![direct(50, u64::MAX), swap(2, "SOL", USDC, 50, u64::MAX)]),
            // The same pool twice.
            (100, vec![direct(50, 500), direct(50, 500)]),
            // No second swap, one of another token, of another amount, to another token, and a way back.
            (100, vec![swap(1, "SOL", USDT, 100, 1_000)]),
            (100, two(swap(1, "SOL", USDT, 100, 700), swap(2, "RAY", USDC, 700, 1_000))),
            (100, two(swap(1, "SOL", USDT, 100, 700), swap(2, USDT, USDC, 701, 1_000))),
            (100, two(swap(1, "SOL", USDT, 100, 700), swap(2, USDT, "RAY", 700, 1_000))),
            (100, two(swap(1, "SOL", "SOL", 100, 100), swap(2, "SOL", USDC, 100, 1_000))),
            (100, vec![swap(1, "RAY", USDC, 100, 1_000)]),
            (99, two(swap(1, "SOL", USDT, 98, 700), swap(2, USDT, USDC, 700, 1_000))),
        ] {
            assert_eq!(paths_of(amount_in, 1_000, route.clone()), Err(Code::RouterUnavailable), "{route:?}");
        }
    }
}
