use order_core::{Atoms, Pubkey, Token, token};
use serde_json::Value;
use std::collections::BTreeMap;
use system_tests::Cluster;

pub(crate) fn known(symbol: &str) -> Token {
    token::known().find(|token| token.symbol == symbol).unwrap()
}

/// An amount in an answer, which is a decimal string of whole tokens.
pub(crate) fn atoms(value: &Value, symbol: &str) -> Atoms {
    let text = value.as_str().unwrap_or_else(|| panic!("an amount is a decimal string, not {value}"));
    Atoms::parse(text, known(symbol).decimals).unwrap()
}

/// The lamports that an account without data holds, as the cluster asks for them.
pub(crate) const MARKER_RENT: i128 = 890_880;

/// The wallet's balances of some tokens, or their changes, in base units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Balances(BTreeMap<String, i128>);

impl Balances {
    /// As the cluster has them now.
    pub(crate) async fn read(cluster: &Cluster, wallet: Pubkey, symbols: &[&str]) -> Self {
        let mut balances = BTreeMap::new();
        for symbol in symbols {
            let token = known(symbol);
            let balance = match token.is_native() {
                true => cluster.lamports(wallet).await,
                false => cluster.tokens(wallet, token.mint).await,
            };
            balances.insert((*symbol).to_owned(), i128::from(balance.get()));
        }
        Self(balances)
    }

    /// How they have changed since `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self(self.0.iter().map(|(symbol, now)| (symbol.clone(), now - before.0[symbol])).collect())
    }

    /// How these orders say that they have changed.
    pub(crate) fn according_to(orders: &[Value], symbols: &[&str]) -> Self {
        let mut changes = Self(symbols.iter().map(|symbol| ((*symbol).to_owned(), 0)).collect());
        for order in orders {
            if order["status"] == "confirmed" {
                let (token_in, token_out) = pair(order);
                changes.add(token_in, -signed(atoms(&order["data"]["executedInput"], token_in)));
                changes.add(token_out, signed(atoms(&order["data"]["executedOutput"], token_out)));
                changes.add_marker();
                if order["data"]["tip"].is_string() {
                    changes.add("SOL", -signed(atoms(&order["data"]["tip"], "SOL")));
                }
                for left in order["data"]["leftovers"].as_array().unwrap() {
                    let symbol = left["token"].as_str().unwrap();
                    if symbols.contains(&symbol) {
                        changes.add(symbol, signed(atoms(&left["amount"], symbol)));
                    }
                }
            }
            // A transaction that was reverted has cost its fee too.
            if order["data"]["networkFee"].is_string() {
                changes.add("SOL", -signed(atoms(&order["data"]["networkFee"], "SOL")));
            }
        }
        changes
    }

    /// The marker of an order that landed keeps its rent until the order's transactions are old.
    fn add_marker(&mut self) {
        if let Some(lamports) = self.0.get_mut("SOL") {
            *lamports -= MARKER_RENT;
        }
    }

    fn add(&mut self, symbol: &str, change: i128) {
        *self.0.get_mut(symbol).unwrap() += change;
    }
}

/// The tokens of an order.
pub(crate) fn pair(order: &Value) -> (&str, &str) {
    (order["tokenIn"].as_str().unwrap(), order["tokenOut"].as_str().unwrap())
}

fn signed(atoms: Atoms) -> i128 {
    i128::from(atoms.get())
}
