//! The plan of an order's swaps, and the transaction that it makes.

use crate::allocation::{Bounds, allocate};
use crate::hop::{self, PlannedHop};
use amm::{Market, Payer};
use chain::Instruction;
use chain::transaction::token_account;
use order_core::order::Marker;
use order_core::{Atoms, Failure, Mint, PoolAddress, Pubkey, Route, Token};
use std::collections::HashMap;

/// The swaps of a route with their limits, in one state of its pools.
#[derive(Debug, Clone)]
pub struct SwapPlan {
    mint_in: Mint,
    mint_out: Mint,
    hops: Vec<PlannedHop>,
}

impl SwapPlan {
    /// Plans the swaps of a route within these bounds, on the pools that `market` gives.
    ///
    /// # Errors
    /// The route does not add up to the bounds, or its pools no longer keep them: see [`allocate`]. Those of
    /// `market` are passed on.
    pub fn new(
        route: &Route,
        bounds: &Bounds,
        market: impl Fn(PoolAddress) -> Result<Market, Failure>,
    ) -> Result<Self, Failure> {
        let mut hops = Vec::with_capacity(route.hop_count());
        for part in allocate(route, bounds)? {
            hops.append(&mut hop::plan(&part, &market)?);
        }
        Ok(Self { mint_in: bounds.mint_in, mint_out: bounds.mint_out, hops })
    }

    /// The same swaps with the same limits, in another state of their pools.
    ///
    /// # Errors
    /// Those of `market`.
    pub fn on(&self, market: impl Fn(PoolAddress) -> Result<Market, Failure>) -> Result<Self, Failure> {
        let again = |hop: &PlannedHop| Ok(hop.on(market(hop.market().address())?));
        let hops = self.hops.iter().map(again).collect::<Result<_, Failure>>()?;
        Ok(Self { mint_in: self.mint_in, mint_out: self.mint_out, hops })
    }

    /// Its hops in the order they are swapped; never empty.
    pub fn hops(&self) -> &[PlannedHop] {
        &self.hops
    }

    /// The pools in the order they are swapped on.
    pub fn markets(&self) -> impl Iterator<Item = &Market> {
        self.hops.iter().map(PlannedHop::market)
    }

    /// The tokens between two hops, each once.
    pub fn intermediates(&self) -> Vec<Token> {
        let mut tokens: Vec<Token> = Vec::new();
        for token in self.hops.iter().map(PlannedHop::token_out).filter(|token| token.mint != self.mint_out) {
            if !tokens.contains(token) {
                tokens.push(token.clone());
            }
        }
        tokens
    }

    /// The input that the swaps take and the output that they give by our maths, in base units; None if a hop
    /// cannot keep its limit.
    pub fn expected(&self) -> Option<(Atoms, Atoms)> {
        let (mut taken, mut given) = (Atoms::ZERO, Atoms::ZERO);
        for hop in &self.hops {
            let swapped = hop.swapped()?;
            if hop.token_in().mint == self.mint_in {
                taken = taken.checked_add(swapped.amount_in)?;
            }
            if hop.token_out().mint == self.mint_out {
                given = given.checked_add(swapped.received)?;
            }
        }
        Some((taken, given))
    }

    /// The pools whose token accounts changed by other amounts than our maths says. `changes` has the changed
    /// balances by account; accounts that it does not have are not compared.
    pub fn strays(&self, changes: &HashMap<Pubkey, i128>) -> Vec<&Market> {
        // Pools may share a token account.
        let mut expected: HashMap<Pubkey, i128> = HashMap::new();
        for swapped in self.hops.iter().filter_map(PlannedHop::swapped) {
            let [by_trader, by_vault] =
                [Payer::Trader, Payer::Vault].map(|payer| swapped.paid_by(payer).get());
            let sent = swapped.amount_in.get().saturating_sub(by_trader);
            let arrives = i128::from(swapped.token_in.transfer_fee.after(sent));
            let of = expected.entry(swapped.vault_in).or_default();
            *of = of.saturating_add(arrives);
            let of = expected.entry(swapped.vault_out).or_default();
            *of =
                of.saturating_sub(i128::from(swapped.amount_out.get()).saturating_add(i128::from(by_vault)));
        }
        let differs =
            |vault: &Pubkey| changes.get(vault).is_some_and(|change| expected.get(vault) != Some(change));
        self.markets().filter(|market| market.vaults().iter().any(differs)).collect()
    }

    /// The pools that a wrong result may come from: those that stray, or else all of them.
    pub fn suspects(&self, changes: &HashMap<Pubkey, i128>) -> Vec<&Market> {
        let strays = self.strays(changes);
        if strays.is_empty() { self.markets().collect() } else { strays }
    }

    /// The pools' instructions between the wallet's token accounts, in the order of the hops.
    ///
    /// # Errors
    /// A limit that makes no instruction.
    pub fn instructions(&self, wallet: Pubkey, marker: &Marker) -> Result<Vec<Instruction>, Failure> {
        // Several hops share an account, and deriving an address takes longer than a quote.
        let mut accounts: HashMap<Mint, Pubkey> = HashMap::new();
        for token in self.hops.iter().flat_map(|hop| [hop.token_in(), hop.token_out()]) {
            accounts.entry(token.mint).or_insert_with(|| token_account(&wallet, token, marker));
        }
        let account = |token: &Token| {
            let known = accounts.get(&token.mint).copied();
            known.unwrap_or_else(|| token_account(&wallet, token, marker))
        };
        self.hops.iter().map(|hop| hop.instruction(wallet, account)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{USDC, hop, known, market, route};
    use amm::{Limit, Trader};
    use order_core::Venue;

    #[test]
    fn the_pool_whose_accounts_changed_otherwise_is_suspected_and_else_all_are() {
        let route = route([hop(1, "JUP", "SOL", 1_000, 1), hop(2, "SOL", USDC, 1, 1)]);
        let bounds = Bounds {
            mint_in: known("JUP").mint,
            mint_out: known(USDC).mint,
            amount_in: Atoms::new(1_000_000_000),
            min_out: Atoms::new(1),
        };
        let first = market(Venue::RaydiumCpmm, ["JUP", "SOL"], [3_000_000_000_000, 10_000_000_000_000]);
        let second = market(Venue::MeteoraDammV2, ["SOL", USDC], [60_000_000_000_000, 9_000_000_000_000]);
        let pool =
            |address| Ok(if address == PoolAddress::new([1; 32]) { first.clone() } else { second.clone() });
        let plan = SwapPlan::new(&route, &bounds, pool).unwrap();
        let venues =
            |markets: Vec<&Market>| -> Vec<Venue> { markets.into_iter().map(Market::venue).collect() };
        let both = [Venue::RaydiumCpmm, Venue::MeteoraDammV2];
        let swapped: Vec<_> = plan.hops().iter().map(|hop| hop.swapped().unwrap()).collect();
        let mut changes = HashMap::new();
        for swapped in &swapped {
            changes.insert(swapped.vault_in, i128::from(swapped.amount_in.get()));
            changes.insert(swapped.vault_out, -i128::from(swapped.amount_out.get()));
        }
        assert_eq!(venues(plan.suspects(&HashMap::new())), both);
        assert_eq!(venues(plan.strays(&changes)), []);
        assert_eq!(venues(plan.suspects(&changes)), both, "it must come from somewhere");
        *changes.get_mut(&swapped[1].vault_out).unwrap() += 1;
        assert_eq!(venues(plan.suspects(&changes)), [Venue::MeteoraDammV2]);
        *changes.get_mut(&swapped[0].vault_in).unwrap() += 1;
        assert_eq!(venues(plan.suspects(&changes)), both);
    }

    /// The accounts that a lookup table should have.
    #[test]
    fn a_table_has_what_swaps_name_the_shared_accounts_first() {
        let markets = [
            market(Venue::RaydiumCpmm, ["SOL", USDC], [1_000_000_000_000, 150_000_000_000]),
            market(Venue::MeteoraDammV2, ["JUP", USDC], [1_000_000_000_000, 500_000_000_000]),
        ];
        let addresses = amm::named_accounts(&markets);
        let place = |address| addresses.iter().position(|known| *known == address);
        let [owner, source, destination] = [1, 2, 3].map(|seed| Pubkey::new_from_array([seed; 32]));
        let trader = Trader { owner, source, destination };
        for market in &markets {
            for mint in market.mints() {
                assert!(place(mint.pubkey()).is_some(), "its account is opened");
                let limit = Limit::ExactIn { amount_in: Atoms::new(5), min_out: Atoms::new(1) };
                let swap = market.instruction(&trader, mint, limit).unwrap();
                let own = [trader.owner, trader.source, trader.destination, swap.program_id];
                for account in swap.accounts.iter().filter(|account| !own.contains(&account.pubkey)) {
                    assert!(place(account.pubkey).is_some(), "{} of {}", account.pubkey, market.venue());
                }
                assert_eq!(place(swap.program_id), None, "a program that is called is never looked up");
            }
        }
        let [shared, own] = [known(USDC).mint.pubkey(), known("JUP").mint.pubkey()].map(place);
        assert!(shared < own, "{shared:?} {own:?}");
    }
}
