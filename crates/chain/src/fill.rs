//! What a transaction moved, read from the chain's own balances.

use order_core::order::Fill;
use order_core::{Atoms, Mint, Token};
use solana_pubkey::Pubkey;

/// Whose balances a swap changes, and of which tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trade {
    /// Who pays and receives.
    pub wallet: Pubkey,
    /// What is spent.
    pub token_in: Token,
    /// What is bought.
    pub token_out: Token,
}

/// Every balance that a transaction touched, before and after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balances {
    /// What the wallet paid for the transaction itself, in lamports.
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

/// What one token account held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenBalance {
    /// The account's place among the transaction's accounts.
    pub account_index: usize,
    /// What it holds.
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
    /// What the trade moved. `accounts` are the transaction's accounts, in its order.
    ///
    /// The network fee is taken out. The rent of a token account that the transaction opened for
    /// the wallet still belongs to the wallet and is not counted as spent.
    ///
    /// # Errors
    /// Balances are missing, or something moved the wrong way.
    pub fn fill(&self, trade: &Trade, accounts: &[Pubkey], slot: u64) -> Result<Fill, InvalidBalances> {
        let _ = (trade, accounts, slot);
        unimplemented!()
    }
}
