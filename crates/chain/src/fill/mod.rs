//! Fills: the amounts that a transaction moved, read from the chain's own balances.

use crate::tip::tip;
use crate::transaction::{self, BuildError, Draft};
use order_core::order::{self, Fill, Intent, SignedTransaction};
use order_core::route::Leftover;
use order_core::token::NATIVE_MINT;
use order_core::{Atoms, Mint, Token};
use solana_pubkey::Pubkey;
use std::collections::{BTreeSet, HashMap};

/// Whose balances a swap changes, and of which tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trade {
    /// Who pays and receives.
    pub wallet: Pubkey,
    /// The wallet's account for wrapped SOL, which the transaction opens and closes. Lamports that somebody
    /// sent to its address before are the wallet's, and no part of the trade.
    pub temporary: Pubkey,
    /// The token that is spent.
    pub token_in: Token,
    /// The token that is bought.
    pub token_out: Token,
    /// The most that the order spends, in atoms of the input token.
    pub max_in: Atoms,
    /// The least that the order accepts, in atoms of the output token.
    pub min_out: Atoms,
    /// The lamports that the transaction pays as a tip, which are no part of the trade.
    pub tip: Atoms,
    /// The order's marker, which the transaction creates; None if it was signed before there were markers.
    pub marker: Option<Pubkey>,
    /// Accounts that programs keep for the wallet: lamports that are locked in them have not left it.
    pub kept: Vec<Pubkey>,
}

impl Trade {
    /// The trade of an order's transaction. The wallet is the one that signed, whichever is configured now.
    ///
    /// # Errors
    /// The bytes are no transaction.
    pub fn of(
        id: order::Id,
        intent: &Intent,
        min_out: Atoms,
        transaction: &SignedTransaction,
    ) -> Result<Self, BuildError> {
        let message = transaction::message(&transaction.bytes)?;
        let wallet = message.static_account_keys().first().copied().unwrap_or_default();
        let temporary = match &transaction.marker {
            Some(marker) => transaction::temporary_account(&wallet, marker),
            None => transaction::unmarked_temporary_account(&wallet, id),
        };
        let tip = tip(&message, &temporary).map_or(Atoms::ZERO, |tip| tip.lamports);
        let marker = transaction.marker.as_ref().map(|marker| marker.address.pubkey());
        Ok(Self { marker, ..Self::unmarked(wallet, temporary, intent, min_out, tip) })
    }

    /// The trade of an order's transaction that is not signed yet.
    pub fn planned(draft: &Draft, intent: &Intent, min_out: Atoms) -> Self {
        let wallet = draft.marker.wallet.pubkey();
        let tip = draft.tip.map_or(Atoms::ZERO, |tip| tip.lamports);
        let temporary = transaction::temporary_account(&wallet, &draft.marker);
        let marker = Some(draft.marker.address.pubkey());
        Self { marker, ..Self::unmarked(wallet, temporary, intent, min_out, tip) }
    }

    fn unmarked(wallet: Pubkey, temporary: Pubkey, intent: &Intent, min_out: Atoms, tip: Atoms) -> Self {
        Self {
            wallet,
            temporary,
            token_in: intent.token_in().clone(),
            token_out: intent.token_out().clone(),
            max_in: intent.amount_in(),
            min_out,
            tip,
            marker: None,
            kept: Vec::new(),
        }
    }

    /// The same trade, of a wallet for which programs keep these accounts.
    #[must_use]
    pub fn keeping(self, kept: impl Into<Vec<Pubkey>>) -> Self {
        Self { kept: kept.into(), ..self }
    }

    /// True if a fill is one that the chain may have let happen: no more is spent, and no less received, than
    /// the transaction says.
    pub fn allows(&self, fill: &Fill) -> bool {
        fill.amount_in <= self.max_in && fill.amount_out >= self.min_out
    }
}

/// Every balance that a transaction touched, before and after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balances {
    /// The network fee that the wallet paid, in lamports.
    pub network_fee: Atoms,
    /// Lamports of each of the transaction's accounts before it.
    pub lamports_before: Vec<u64>,
    /// Lamports of each of the transaction's accounts after it.
    pub lamports_after: Vec<u64>,
    /// Token accounts among them before it.
    pub tokens_before: Vec<TokenBalance>,
    /// Token accounts among them after it.
    pub tokens_after: Vec<TokenBalance>,
}

/// The balance of one token account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenBalance {
    /// The account's place among the transaction's accounts.
    pub account_index: usize,
    /// The token that it holds.
    pub mint: Mint,
    /// Whose it is.
    pub owner: Pubkey,
    /// How much it held, in atoms.
    pub amount: u64,
}

/// Balances that cannot be those of the trade.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the node's balances of the transaction do not fit the trade: {0}")]
pub struct InvalidBalances(pub(crate) String);

impl Balances {
    /// The fill of the trade. `accounts` are the transaction's accounts, in its order.
    ///
    /// The network fee and the tip are taken out. The rent of a token account that the transaction opened for
    /// the wallet still belongs to the wallet and is not counted as spent.
    ///
    /// # Errors
    /// Balances are missing, or something moved the wrong way.
    pub fn fill(&self, trade: &Trade, accounts: &[Pubkey], slot: u64) -> Result<Fill, InvalidBalances> {
        let spent = self.change(trade, &trade.token_in, accounts)?;
        let bought = self.change(trade, &trade.token_out, accounts)?;
        Ok(Fill {
            amount_in: atoms(spent.checked_neg(), &trade.token_in)?,
            amount_out: atoms(Some(bought), &trade.token_out)?,
            network_fee: self.network_fee,
            tip: trade.tip,
            leftovers: self.leftovers(trade, accounts)?,
            slot,
        })
    }

    /// By how much each token account changed that was there before and after, in atoms.
    pub fn token_changes(&self, accounts: &[Pubkey]) -> HashMap<Pubkey, i128> {
        let held = |balances: &[TokenBalance]| -> HashMap<usize, i128> {
            balances.iter().map(|balance| (balance.account_index, i128::from(balance.amount))).collect()
        };
        let after = held(&self.tokens_after);
        let changes = held(&self.tokens_before).into_iter().filter_map(|(index, before)| {
            let change = after.get(&index)?.saturating_sub(before);
            Some((*accounts.get(index)?, change))
        });
        changes.collect()
    }

    /// The other tokens that the wallet has more of afterwards. The lamports of the marker are not counted as spent.
    fn leftovers(&self, trade: &Trade, accounts: &[Pubkey]) -> Result<Vec<Leftover>, InvalidBalances> {
        let traded = [trade.token_in.mint, trade.token_out.mint];
        let ours = self.tokens_after.iter().filter(|balance| balance.owner == trade.wallet);
        let mut changes: Vec<(Mint, i128)> = Vec::new();
        if !traded.contains(&NATIVE_MINT) {
            let marker =
                trade.marker.and_then(|marker| accounts.iter().position(|account| *account == marker));
            let lamports =
                |of: &[u64]| marker.and_then(|place| of.get(place)).map_or(0, |of| i128::from(*of));
            let locked = lamports(&self.lamports_after).saturating_sub(lamports(&self.lamports_before));
            changes.push((NATIVE_MINT, self.change_of_sol(trade, accounts)?.saturating_add(locked)));
        }
        for TokenBalance { mint, .. } in ours {
            let known = traded.contains(mint) || changes.iter().any(|(known, _)| known == mint);
            if !known && *mint != NATIVE_MINT {
                changes.push((*mint, self.change_of(trade, *mint)));
            }
        }
        let leftover = |(mint, change): (Mint, i128)| {
            let amount = Atoms::new(u64::try_from(change).ok()?);
            (!amount.is_zero()).then_some(Leftover { mint, amount })
        };
        Ok(changes.into_iter().filter_map(leftover).collect())
    }

    /// By how much the wallet's holding of a token grew, network fee and tip apart.
    fn change(&self, trade: &Trade, token: &Token, accounts: &[Pubkey]) -> Result<i128, InvalidBalances> {
        if token.is_native() {
            self.change_of_sol(trade, accounts)
        } else {
            self.change_of_token(trade, token)
        }
    }

    fn change_of_token(&self, trade: &Trade, token: &Token) -> Result<i128, InvalidBalances> {
        let ours = |balance: &TokenBalance| balance.owner == trade.wallet && balance.mint == token.mint;
        if !self.tokens_before.iter().chain(&self.tokens_after).any(ours) {
            return Err(InvalidBalances(format!("no balance of {} is among them", token.symbol)));
        }
        Ok(self.change_of(trade, token.mint))
    }

    /// By how much the wallet's accounts of a token grew.
    fn change_of(&self, trade: &Trade, mint: Mint) -> i128 {
        let ours = |balance: &&TokenBalance| balance.owner == trade.wallet && balance.mint == mint;
        let held = |balances: &[TokenBalance]| -> i128 {
            balances.iter().filter(ours).map(|balance| i128::from(balance.amount)).sum()
        };
        held(&self.tokens_after).saturating_sub(held(&self.tokens_before))
    }

    /// The wallet's lamports, and those in its token accounts and in what programs keep for it: what opens or fills
    /// one has not left it.
    fn change_of_sol(&self, trade: &Trade, accounts: &[Pubkey]) -> Result<i128, InvalidBalances> {
        let wallet = accounts.iter().position(|account| *account == trade.wallet);
        let wallet = wallet.ok_or_else(|| InvalidBalances("the wallet is not among them".to_owned()))?;
        let tokens = self.tokens_before.iter().chain(&self.tokens_after);
        let mut ours: BTreeSet<usize> = tokens
            .filter(|balance| balance.owner == trade.wallet)
            .map(|balance| balance.account_index)
            .collect();
        ours.insert(wallet);
        let own = |account: &Pubkey| *account == trade.temporary || trade.kept.contains(account);
        ours.extend(accounts.iter().enumerate().filter(|(_, account)| own(account)).map(|(place, _)| place));
        let held = |lamports: &[u64]| -> Result<i128, InvalidBalances> {
            let mut sum = 0i128;
            for index in &ours {
                let lamports = lamports.get(*index).copied();
                let lamports =
                    lamports.ok_or_else(|| InvalidBalances(format!("account {index} is missing")))?;
                sum = sum.saturating_add(i128::from(lamports));
            }
            Ok(sum)
        };
        let change = held(&self.lamports_after)?.saturating_sub(held(&self.lamports_before)?);
        let paid = i128::from(self.network_fee.get()).saturating_add(i128::from(trade.tip.get()));
        Ok(change.saturating_add(paid))
    }
}

/// The amount, if the token moved the way the trade goes.
fn atoms(moved: Option<i128>, token: &Token) -> Result<Atoms, InvalidBalances> {
    moved
        .and_then(|moved| u64::try_from(moved).ok())
        .map(Atoms::new)
        .filter(|atoms| !atoms.is_zero())
        .ok_or_else(|| InvalidBalances(format!("{} did not move the way the trade goes", token.symbol)))
}

#[cfg(test)]
mod tests;
