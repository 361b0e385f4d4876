//! The route of a quote: paths side by side from one token to another.

use crate::{Atoms, Fraction, Mint, PoolAddress, Venue};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// One pool's swap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The pool's program.
    pub venue: Venue,
    /// The pool.
    pub pool: PoolAddress,
    /// The token that goes into the pool.
    pub mint_in: Mint,
    /// The token that comes out of it.
    pub mint_out: Mint,
    /// The input in base units of `mint_in`.
    pub amount_in: Atoms,
    /// The output in base units of `mint_out`, after every fee.
    pub amount_out: Atoms,
}

/// One hop from the input token to the output token, or two with an intermediate token between them.
///
/// The first of two is swapped in one of two ways, which its amounts tell. If it gives exactly what the second takes,
/// it is exact-out. If it gives more, it is exact-in, and what the second takes is the least that it must give; the
/// rest is the path's [leftover](Path::leftover).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    share: Fraction,
    first: Hop,
    second: Option<Hop>,
}

/// Paths side by side with the same input token and the same output token.
///
/// It is valid by construction: there is a path, the hops of each join, no amount is zero, no pool occurs
/// twice, the amounts add up in 64 bits, and the shares add up to one.
///
/// Events record it as the list of its hops, each with the share of its path. Executors of different versions
/// read the same list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<RecordedHop>", try_from = "Vec<RecordedHop>")]
pub struct Route {
    paths: Vec<Path>,
    mint_in: Mint,
    mint_out: Mint,
    amount_in: Atoms,
    amount_out: Atoms,
}

/// The part of an intermediate token that two-hop paths buy and do not sell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// The token.
    pub mint: Mint,
    /// The amount in base units; more than zero.
    pub amount: Atoms,
}

/// Hops that make no route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRoute {
    /// It has no path.
    #[error("the route has no path")]
    Empty,
    /// The hops of a path do not join, or a path leads from or to another token than the first path.
    #[error("the hops do not join to paths from the input token to the output token")]
    NotJoined,
    /// A second swap on a pool would meet another state than the one it was quoted on.
    #[error("the route goes over the same pool twice")]
    RepeatedPool,
    /// A hop takes or gives nothing.
    #[error("a hop of the route takes or gives nothing")]
    ZeroAmount,
    /// The amounts exceed 64 bits together.
    #[error("the amounts of the route exceed 64 bits")]
    TooLarge,
    /// A share is not between zero and one, or they do not add up to one.
    #[error("the shares of the paths do not add up to one")]
    Shares,
}

impl Path {
    /// A path over one pool. `share` is its part of the whole input.
    pub fn direct(share: Fraction, hop: Hop) -> Self {
        Self { share, first: hop, second: None }
    }

    /// A path over two pools.
    pub fn through(share: Fraction, first: Hop, second: Hop) -> Self {
        Self { share, first, second: Some(second) }
    }

    /// The path's part of the whole input, between zero and one.
    pub fn share(&self) -> Fraction {
        self.share
    }

    /// The hop that takes the input token.
    pub fn first(&self) -> &Hop {
        &self.first
    }

    /// The hop that takes the intermediate token, if there are two.
    pub fn second(&self) -> Option<&Hop> {
        self.second.as_ref()
    }

    /// The hop that gives the output token.
    pub fn last(&self) -> &Hop {
        self.second.as_ref().unwrap_or(&self.first)
    }

    /// Its hops in the order they are swapped.
    pub fn hops(&self) -> impl Iterator<Item = &Hop> {
        std::iter::once(&self.first).chain(&self.second)
    }

    /// The token between two hops.
    pub fn intermediate(&self) -> Option<Mint> {
        self.second.as_ref().map(|second| second.mint_in)
    }

    /// The intermediate token that the second hop does not sell, in base units: it stays with the trader. It is
    /// zero over one pool, and where the first of two is exact-out.
    pub fn leftover(&self) -> Atoms {
        let sold = self.second.as_ref().map_or(self.first.amount_out, |second| second.amount_in);
        self.first.amount_out.checked_sub(sold).unwrap_or(Atoms::ZERO)
    }

    /// True if the first of two hops is exact-out: it may take less than its part of the input.
    pub fn buys_exactly(&self) -> bool {
        self.second.is_some() && self.leftover().is_zero()
    }

    /// The input in base units.
    pub fn amount_in(&self) -> Atoms {
        self.first.amount_in
    }

    /// The output in base units, after every fee.
    pub fn amount_out(&self) -> Atoms {
        self.last().amount_out
    }

    fn joins(&self, mint_in: Mint, mint_out: Mint) -> bool {
        let ends = (self.first.mint_in, self.last().mint_out) == (mint_in, mint_out);
        let joined = self.second.as_ref().is_none_or(|second| {
            self.first.mint_out == second.mint_in
                && self.first.amount_out >= second.amount_in
                && ![mint_in, mint_out].contains(&second.mint_in)
        });
        ends && joined
    }
}

impl Route {
    /// A route of these paths, in the order they are swapped.
    ///
    /// # Errors
    /// They make no route: see [`InvalidRoute`].
    pub fn new(paths: Vec<Path>) -> Result<Self, InvalidRoute> {
        let first = paths.first().ok_or(InvalidRoute::Empty)?;
        let (mint_in, mint_out) = (first.first.mint_in, first.last().mint_out);
        if mint_in == mint_out || !paths.iter().all(|path| path.joins(mint_in, mint_out)) {
            return Err(InvalidRoute::NotJoined);
        }
        let (amount_in, amount_out) = sums(&paths)?;
        Ok(Self { paths, mint_in, mint_out, amount_in, amount_out })
    }

    /// A route from the list of its hops, each with the share of its path. A hop that does not give the output
    /// token, which is what the last hop gives, is followed by the second hop of its path.
    ///
    /// # Errors
    /// They make no route: see [`InvalidRoute`].
    pub fn from_hops(hops: impl IntoIterator<Item = (Hop, Fraction)>) -> Result<Self, InvalidRoute> {
        let hops: Vec<_> = hops.into_iter().collect();
        let mint_out = hops.last().ok_or(InvalidRoute::Empty)?.0.mint_out;
        let mut paths = Vec::new();
        let mut hops = hops.into_iter();
        while let Some((first, share)) = hops.next() {
            let direct = first.mint_out == mint_out;
            let second = if direct { None } else { Some(hops.next().ok_or(InvalidRoute::NotJoined)?.0) };
            paths.push(Path { share, first, second });
        }
        Self::new(paths)
    }

    /// The token that is spent.
    pub fn mint_in(&self) -> Mint {
        self.mint_in
    }

    /// The token that is received.
    pub fn mint_out(&self) -> Mint {
        self.mint_out
    }

    /// Its paths in the order they are swapped; never empty.
    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// The hops of all paths in the order they are swapped; never empty.
    pub fn hops(&self) -> impl Iterator<Item = &Hop> {
        self.paths.iter().flat_map(Path::hops)
    }

    /// The hops of all paths, each with the share of its path.
    pub fn hops_with_shares(&self) -> impl Iterator<Item = (&Hop, Fraction)> {
        self.paths.iter().flat_map(|path| path.hops().map(|hop| (hop, path.share)))
    }

    /// The number of its pools.
    pub fn hop_count(&self) -> usize {
        self.hops().count()
    }

    /// The tokens between two hops, each once, in the order they are first received.
    pub fn intermediates(&self) -> Vec<Mint> {
        let mut seen = HashSet::new();
        self.paths.iter().filter_map(Path::intermediate).filter(|mint| seen.insert(*mint)).collect()
    }

    /// The leftovers of all paths, one for each intermediate token that has some.
    pub fn leftovers(&self) -> Vec<Leftover> {
        let of = |mint: Mint| {
            let paths = self.paths.iter().filter(|path| path.intermediate() == Some(mint));
            let sum = paths.map(|path| path.leftover().get()).fold(0, u64::saturating_add);
            (sum > 0).then_some(Leftover { mint, amount: Atoms::new(sum) })
        };
        self.intermediates().into_iter().filter_map(of).collect()
    }

    /// The input of all paths, in base units of the input token.
    pub fn amount_in(&self) -> Atoms {
        self.amount_in
    }

    /// The output of all paths, in base units of the output token, after every fee.
    pub fn amount_out(&self) -> Atoms {
        self.amount_out
    }
}

/// The sums of the paths' inputs and outputs, if pools, amounts and shares make a route.
fn sums(paths: &[Path]) -> Result<(Atoms, Atoms), InvalidRoute> {
    let mut pools = HashSet::new();
    let (mut amount_in, mut amount_out, mut shares) = (Atoms::ZERO, Atoms::ZERO, 0i64);
    for path in paths {
        for hop in path.hops() {
            if !pools.insert(hop.pool) {
                return Err(InvalidRoute::RepeatedPool);
            }
            if hop.amount_in.is_zero() || hop.amount_out.is_zero() {
                return Err(InvalidRoute::ZeroAmount);
            }
        }
        if path.share < Fraction::ZERO {
            return Err(InvalidRoute::Shares);
        }
        shares = shares.checked_add(path.share.billionths()).ok_or(InvalidRoute::Shares)?;
        amount_in = amount_in.checked_add(path.amount_in()).ok_or(InvalidRoute::TooLarge)?;
        amount_out = amount_out.checked_add(path.amount_out()).ok_or(InvalidRoute::TooLarge)?;
    }
    if shares != Fraction::ONE.billionths() {
        return Err(InvalidRoute::Shares);
    }
    Ok((amount_in, amount_out))
}

/// A hop as events record it.
#[derive(Serialize, Deserialize)]
struct RecordedHop {
    #[serde(flatten)]
    hop: Hop,
    share: Fraction,
}

impl From<Route> for Vec<RecordedHop> {
    fn from(route: Route) -> Self {
        let recorded = |(hop, share): (&Hop, Fraction)| RecordedHop { hop: hop.clone(), share };
        route.hops_with_shares().map(recorded).collect()
    }
}

impl TryFrom<Vec<RecordedHop>> for Route {
    type Error = InvalidRoute;

    fn try_from(recorded: Vec<RecordedHop>) -> Result<Self, InvalidRoute> {
        Self::from_hops(recorded.into_iter().map(|RecordedHop { hop, share }| (hop, share)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const IN: u8 = 1;
    const OUT: u8 = 2;
    const BETWEEN: u8 = 3;

    fn hop(pool: u8, [mint_in, mint_out]: [u8; 2], amount_in: u64, amount_out: u64) -> Hop {
        Hop {
            venue: Venue::RaydiumCpmm,
            pool: PoolAddress::new([pool; 32]),
            mint_in: Mint::new([mint_in; 32]),
            mint_out: Mint::new([mint_out; 32]),
            amount_in: Atoms::new(amount_in),
            amount_out: Atoms::new(amount_out),
        }
    }

    fn half() -> Fraction {
        Fraction::from_billionths(500_000_000)
    }

    fn direct(share: Fraction, pool: u8, amount_in: u64, amount_out: u64) -> Path {
        Path::direct(share, hop(pool, [IN, OUT], amount_in, amount_out))
    }

    fn two(first: Hop, second: Hop) -> Result<Route, InvalidRoute> {
        Route::new(vec![Path::through(Fraction::ONE, first, second)])
    }

    #[test]
    fn a_route_adds_its_paths_up() {
        let through = Path::through(half(), hop(2, [IN, BETWEEN], 40, 7), hop(3, [BETWEEN, OUT], 7, 500));
        let route = Route::new(vec![direct(half(), 1, 50, 600), through]).unwrap();
        assert_eq!((route.amount_in().get(), route.amount_out().get()), (90, 1_100));
        assert_eq!((route.hop_count(), route.intermediates()), (3, vec![Mint::new([BETWEEN; 32])]));
    }

    #[test]
    fn what_is_no_route_cannot_be_built() {
        use InvalidRoute::{Empty, NotJoined, RepeatedPool, Shares, TooLarge, ZeroAmount};
        let whole = |hop| Route::new(vec![Path::direct(Fraction::ONE, hop)]);
        let pair = |one, other| Route::new(vec![one, other]);
        let first = || hop(1, [IN, BETWEEN], 100, 7);
        for (route, expected) in [
            (Route::new(vec![]), Empty),
            (Route::from_hops([]), Empty),
            (whole(hop(1, [IN, IN], 1, 1)), NotJoined),
            (pair(direct(half(), 1, 1, 1), Path::direct(half(), hop(2, [BETWEEN, OUT], 1, 1))), NotJoined),
            (pair(direct(half(), 1, 1, 1), Path::direct(half(), hop(2, [IN, BETWEEN], 1, 1))), NotJoined),
            // The second hop takes another token, more than there is, or leads back and forth.
            (two(first(), hop(2, [4, OUT], 7, 1)), NotJoined),
            (two(first(), hop(2, [BETWEEN, OUT], 8, 1)), NotJoined),
            (two(first(), hop(2, [BETWEEN, IN], 7, 1)), NotJoined),
            (two(hop(1, [IN, IN], 7, 7), hop(2, [IN, OUT], 7, 1)), NotJoined),
            (two(hop(1, [IN, OUT], 7, 7), hop(2, [OUT, OUT], 7, 1)), NotJoined),
            (two(first(), hop(1, [BETWEEN, OUT], 7, 1)), RepeatedPool),
            (pair(direct(half(), 1, 1, 1), direct(half(), 1, 1, 1)), RepeatedPool),
            (whole(hop(1, [IN, OUT], 0, 1)), ZeroAmount),
            (whole(hop(1, [IN, OUT], 1, 0)), ZeroAmount),
            (pair(direct(half(), 1, u64::MAX, 1), direct(half(), 2, 1, 1)), TooLarge),
            (pair(direct(half(), 1, 1, u64::MAX), direct(half(), 2, 1, 1)), TooLarge),
            (Route::new(vec![direct(half(), 1, 1, 1)]), Shares),
            (pair(direct(Fraction::ONE, 1, 1, 1), direct(half(), 2, 1, 1)), Shares),
            (
                pair(
                    direct(Fraction::from_billionths(1_500_000_000), 1, 1, 1),
                    direct(Fraction::from_billionths(-500_000_000), 2, 1, 1),
                ),
                Shares,
            ),
            (
                Route::from_hops([(first(), Fraction::ONE)]).and_then(|_| {
                    Route::from_hops([
                        (first(), half()),
                        (hop(2, [IN, OUT], 1, 1), half()),
                        (hop(3, [IN, BETWEEN], 1, 1), half()),
                    ])
                }),
                NotJoined,
            ),
        ] {
            assert_eq!(route, Err(expected));
        }
    }

    #[test]
    fn the_amounts_tell_how_the_first_of_two_is_swapped() {
        let path = |sold| {
            let (first, second) = (hop(1, [IN, BETWEEN], 100, 7), hop(2, [BETWEEN, OUT], sold, 9));
            let route = two(first, second).unwrap();
            (route.paths()[0].leftover().get(), route.paths()[0].buys_exactly())
        };
        assert_eq!((path(7), path(6)), ((0, true), (1, false)));
        let direct = direct(Fraction::ONE, 1, 1, 1);
        assert_eq!((direct.leftover(), direct.buys_exactly()), (Atoms::ZERO, false));
        let left = |pool: u8, sold: u64| {
            let second = hop(pool + 1, [BETWEEN, OUT], sold, 9);
            Path::through(half(), hop(pool, [IN, BETWEEN], 100, 7), second)
        };
        let leftovers = |paths| Route::new(paths).unwrap().leftovers();
        let three = Leftover { mint: Mint::new([BETWEEN; 32]), amount: Atoms::new(3) };
        assert_eq!(leftovers(vec![left(1, 6), left(3, 5)]), [three]);
        assert_eq!(leftovers(vec![left(1, 7), left(3, 7)]), []);
    }

    #[test]
    fn the_recorded_form_is_a_list_of_hops() {
        let route = two(hop(1, [IN, BETWEEN], 100, 7), hop(2, [BETWEEN, OUT], 7, 9)).unwrap();
        let recorded = serde_json::to_value(&route).unwrap();
        let key = |byte: u8| PoolAddress::new([byte; 32]).to_string();
        let expected = serde_json::json!([
            {"venue": "raydium_cpmm", "pool": key(1), "mint_in": key(IN), "mint_out": key(BETWEEN),
             "amount_in": 100, "amount_out": 7, "share": 1_000_000_000},
            {"venue": "raydium_cpmm", "pool": key(2), "mint_in": key(BETWEEN), "mint_out": key(OUT),
             "amount_in": 7, "amount_out": 9, "share": 1_000_000_000},
        ]);
        assert_eq!(recorded, expected);
        assert_eq!(serde_json::from_value::<Route>(recorded).unwrap(), route);
        assert!(serde_json::from_str::<Route>("[]").is_err());
    }

    proptest! {
        #[test]
        fn every_route_reads_back(parts in prop::collection::vec((1..u64::from(u32::MAX), 1..u64::from(u32::MAX), any::<bool>()), 1..5)) {
            let share = i64::try_from(1_000_000_000 / parts.len()).unwrap();
            let mut rest = 1_000_000_000;
            let mut paths = Vec::new();
            for (place, (amount_in, amount_out, in_two)) in parts.iter().enumerate() {
                let pool = u8::try_from(place * 2).unwrap();
                let share = if place + 1 == parts.len() { rest } else { share };
                rest -= share;
                let share = Fraction::from_billionths(share);
                paths.push(if *in_two {
                    let first = hop(pool, [IN, BETWEEN + pool], *amount_in, 5);
                    Path::through(share, first, hop(pool + 1, [BETWEEN + pool, OUT], 5, *amount_out))
                } else {
                    direct(share, pool, *amount_in, *amount_out)
                });
            }
            let route = Route::new(paths).unwrap();
            let hops: Vec<_> = route.hops_with_shares().map(|(hop, share)| (hop.clone(), share)).collect();
            prop_assert_eq!(Route::from_hops(hops), Ok(route.clone()));
            let recorded = serde_json::to_string(&route).unwrap();
            prop_assert_eq!(serde_json::from_str::<Route>(&recorded).unwrap(), route);
        }
    }
}
