//! A swap instruction as its program reads it.

use amm::{AccountOrder, Limit};
use order_core::{Mint, Pubkey};

/// A swap instruction as its program reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwapInstruction {
    /// Amount that is fixed, and its bound.
    pub limit: Limit,
    /// The pool.
    pub pool: Pubkey,
    /// The trader, who signs.
    pub owner: Pubkey,
    /// Where the input comes from.
    pub source: Pubkey,
    /// Where the output goes to.
    pub destination: Pubkey,
    /// The input token, if the instruction names it; else it is what the source holds.
    pub mint_in: Option<Mint>,
    /// The accounts that follow from the pool, the trader and the direction alone, in their order: not
    /// those at the end that follow from the pool's state too.
    pub fixed_accounts: Vec<Pubkey>,
}

impl SwapInstruction {
    /// Finds the accounts of a swap by their positions. None if there are too few.
    pub(crate) fn read(limit: Limit, order: &AccountOrder, accounts: &[Pubkey]) -> Option<Self> {
        let account = |position: usize| accounts.get(position).copied();
        let mint_in = match order.mint_in {
            Some(position) => Some(Mint::from(account(position)?)),
            None => None,
        };
        Some(Self {
            limit,
            pool: account(order.pool)?,
            owner: account(order.owner)?,
            source: account(order.source)?,
            destination: account(order.destination)?,
            mint_in,
            fixed_accounts: accounts.get(..order.least)?.get(..order.fixed)?.to_vec(),
        })
    }
}
