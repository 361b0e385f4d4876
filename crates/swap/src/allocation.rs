//! Each path's part of what the order may spend and must receive.

use order_core::failure::Code;
use order_core::route::Path;
use order_core::{Atoms, Failure, Mint, Route};

/// The bounds that an order's transaction must keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The token that is spent.
    pub mint_in: Mint,
    /// The token that is received.
    pub mint_out: Mint,
    /// The most that may be spent, in base units of the input token.
    pub amount_in: Atoms,
    /// The least that must be received, in base units of the output token.
    pub min_out: Atoms,
}

/// A path with its part of the bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocation<'a> {
    /// The path.
    pub path: &'a Path,
    /// The most that may be spent on it. An exact-out first hop is quoted to take less, and what it does not
    /// take stays with the trader. Every other path spends all of it.
    pub amount_in: Atoms,
    /// The least that it must give.
    pub min_out: Atoms,
}

/// Divides the bounds over the paths of a route. The inputs add up to at most the order's. The minimum outputs add
/// up to at least the order's: each is rounded up, and none exceeds what its path promises.
///
/// The input that the route does not spend is distributed over the paths that begin with an exact-out hop, in
/// proportion to their input, rounded down. It is their price tolerance.
///
/// # Errors
/// [`Code::RouterUnavailable`]: the route does not trade the order's tokens, spends more than the order or less
/// without an exact-out hop, or leaves a path without a minimum output.
pub fn allocate<'a>(route: &'a Route, bounds: &Bounds) -> Result<Vec<Allocation<'a>>, Failure> {
    if (route.mint_in(), route.mint_out()) != (bounds.mint_in, bounds.mint_out) {
        return Err(unsound());
    }
    let allocate = |path: &'a Path| {
        let min_out = path.amount_out().mul_div_ceil(bounds.min_out.get(), route.amount_out().get());
        let min_out = min_out.filter(|min_out| !min_out.is_zero()).ok_or_else(unsound)?;
        Ok(Allocation { path, amount_in: path.amount_in(), min_out })
    };
    let mut allocations: Vec<_> = route.paths().iter().map(allocate).collect::<Result<_, Failure>>()?;
    let unspent = bounds.amount_in.checked_sub(route.amount_in()).ok_or_else(unsound)?;
    distribute(&mut allocations, unspent).ok_or_else(unsound)?;
    Ok(allocations)
}

/// Adds the unspent input to the paths that begin with an exact-out hop. Without any, a base unit for each path may be
/// left by the rounding of a program; None if more is.
fn distribute(allocations: &mut [Allocation<'_>], unspent: Atoms) -> Option<()> {
    let rounding = u64::try_from(allocations.len()).unwrap_or(u64::MAX);
    if unspent.is_zero() {
        return Some(());
    }
    if !allocations.iter().any(|allocation| allocation.path.buys_exactly()) {
        return (unspent.get() <= rounding).then_some(());
    }
    let exact_out = |allocation: &&mut Allocation<'_>| allocation.path.buys_exactly();
    let inputs = allocations.iter_mut().filter(exact_out).map(|allocation| allocation.amount_in);
    let sum = inputs.into_iter().try_fold(Atoms::ZERO, Atoms::checked_add)?;
    for allocation in allocations.iter_mut().filter(exact_out) {
        let part = unspent.mul_div_floor(allocation.amount_in.get(), sum.get())?;
        allocation.amount_in = allocation.amount_in.checked_add(part)?;
    }
    (!sum.is_zero()).then_some(())
}

fn unsound() -> Failure {
    Failure::new(Code::RouterUnavailable, "the router's route does not add up to the order")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{USDC, hop, known, route};

    const USDT: &str = "USDT";

    fn bounds(min_out: u64) -> Bounds {
        let (mint_in, mint_out) = (known("SOL").mint, known(USDC).mint);
        Bounds { mint_in, mint_out, amount_in: Atoms::new(100), min_out: Atoms::new(min_out) }
    }

    fn allocated(route: &Route) -> Result<Vec<(u64, u64)>, Code> {
        let allocations = allocate(route, &bounds(995)).map_err(|failure| failure.code)?;
        Ok(allocations.iter().map(|part| (part.amount_in.get(), part.min_out.get())).collect())
    }

    #[test]
    fn a_direct_route_carries_the_whole_minimum() {
        assert_eq!(allocated(&route([hop(1, "SOL", USDC, 100, 1_000)])), Ok(vec![(100, 995)]));
    }

    #[test]
    fn parallel_minimums_add_up_to_no_less_than_the_order_s() {
        let route = route([
            hop(1, "SOL", USDC, 33, 333),
            hop(2, "SOL", USDT, 27, 400),
            hop(3, USDT, USDC, 400, 267),
            hop(4, "SOL", USDC, 40, 400),
        ]);
        for min_out in 1..=1_000 {
            let parts = allocate(&route, &bounds(min_out)).unwrap();
            assert_eq!(parts.iter().map(|part| part.amount_in.get()).collect::<Vec<_>>(), [33, 27, 40]);
            assert!(parts.iter().map(|part| part.min_out.get()).sum::<u64>() >= min_out);
            assert!(parts.iter().all(|part| part.min_out <= part.path.amount_out()));
        }
    }

    #[test]
    fn two_hop_paths_may_spend_what_the_route_leaves() {
        let hops = [hop(2, "SOL", USDT, 57, 400), hop(3, USDT, USDC, 400, 600)];
        let alone = [hop(1, "SOL", USDT, 98, 700), hop(2, USDT, USDC, 700, 1_000)];
        assert_eq!(allocated(&route(alone)), Ok(vec![(100, 995)]));
        let mut split = vec![hop(1, "SOL", USDC, 40, 400)];
        split.extend(hops);
        assert_eq!(allocated(&route(split)), Ok(vec![(40, 398), (60, 597)]));
        let two = [
            hop(1, "SOL", USDT, 60, 300),
            hop(2, USDT, USDC, 300, 700),
            hop(3, "SOL", "RAY", 30, 100),
            hop(4, "RAY", USDC, 100, 300),
        ];
        // Of ten that are left six and two thirds, and three and a third.
        assert_eq!(allocated(&route(two)), Ok(vec![(66, 697), (33, 299)]));
    }

    #[test]
    fn an_exact_in_first_hop_spends_its_part_and_no_more() {
        let floored = [hop(1, "SOL", USDT, 60, 300), hop(2, USDT, USDC, 299, 700)];
        let exact = [hop(3, "SOL", "RAY", 30, 100), hop(4, "RAY", USDC, 100, 300)];
        let both: Vec<_> = floored.into_iter().chain(exact).collect();
        assert_eq!(allocated(&route(both)), Ok(vec![(60, 697), (40, 299)]));
    }

    #[test]
    fn a_program_may_leave_a_base_unit_of_each_path() {
        assert_eq!(allocated(&route([hop(1, "SOL", USDC, 99, 1_000)])), Ok(vec![(99, 995)]));
    }

    #[test]
    fn a_route_that_does_not_add_up_to_the_order_is_refused() {
        for other in [
            route([hop(1, "SOL", USDC, 98, 1_000)]),
            route([hop(1, "SOL", USDC, 101, 1_000)]),
            route([hop(1, "SOL", USDT, 100, 1_000)]),
            route([hop(1, "RAY", USDC, 100, 1_000)]),
            route([hop(1, "SOL", USDT, 101, 700), hop(2, USDT, USDC, 700, 1_000)]),
            route([hop(1, "SOL", USDT, 98, 700), hop(2, USDT, USDC, 699, 1_000)]),
        ] {
            assert_eq!(allocated(&other), Err(Code::RouterUnavailable), "{other:?}");
        }
        let whole = route([hop(1, "SOL", USDC, 100, 1_000)]);
        let nothing = allocate(&whole, &bounds(0)).map_err(|failure| failure.code);
        assert_eq!(nothing, Err(Code::RouterUnavailable), "no minimum output is no bound");
    }
}
