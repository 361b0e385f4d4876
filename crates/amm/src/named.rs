use crate::market::Market;
use crate::swap::{Limit, Trader};
use crate::token::token_program_id;
use order_core::{Atoms, Pubkey};
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

/// Each stands for a trader, and for its token accounts. What the transactions of both name is no trader's own.
const TRADERS: [Pubkey; 2] = [Pubkey::new_from_array([0xA1; 32]), Pubkey::new_from_array([0xA2; 32])];

/// The system program opens the accounts that tokens are received on.
const SYSTEM: Pubkey = Pubkey::new_from_array([0; 32]);

/// Every account that transactions name which swap on these pools as they are now: what an address lookup
/// table should have. Those that most of the pools share come first. The trader's own are not among them.
pub fn named_accounts(markets: &[Market]) -> Vec<Pubkey> {
    let mut count: HashMap<Pubkey, u32> = HashMap::new();
    for account in markets.iter().flat_map(of_one) {
        let count = count.entry(account).or_default();
        *count = count.saturating_add(1);
    }
    let mut named: Vec<(Pubkey, u32)> = count.into_iter().collect();
    named.sort_unstable_by_key(|(account, count)| (Reverse(*count), *account));
    named.into_iter().map(|(account, _)| account).collect()
}

/// Each once.
fn of_one(market: &Market) -> BTreeSet<Pubkey> {
    let [one, other] = TRADERS.map(|trader| by_trader(market, trader));
    one.intersection(&other).copied().collect()
}

fn by_trader(market: &Market, trader: Pubkey) -> BTreeSet<Pubkey> {
    let trader = Trader { owner: trader, source: trader, destination: trader };
    let limit = Limit::ExactIn { amount_in: Atoms::new(1), min_out: Atoms::new(1) };
    let mut named = BTreeSet::from([SYSTEM]);
    for token in market.tokens() {
        named.extend([token.mint.pubkey(), token_program_id(token.program)]);
        // Both directions may need other accounts.
        if let Ok(swap) = market.instruction(&trader, token.mint, limit) {
            named.extend(swap.accounts.iter().map(|account| account.pubkey));
            // A program that is called is never looked up.
            named.remove(&swap.program_id);
        }
    }
    named
}
