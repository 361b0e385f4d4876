//! Pools for a local cluster: their parameters and the accounts that make them.

use amm::PoolToken;
use order_core::token::Program;
use order_core::{Atoms, Fraction, Mint, PoolAddress, Pubkey};

/// A pool to be put on a local cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed {
    /// Address, if the program lets its pools be anywhere: any that is free. Programs whose pools
    /// are at addresses of their own making take no notice.
    pub pool: PoolAddress,
    /// Tokens that it trades, in any order.
    pub tokens: [PoolToken; 2],
    /// Amounts that it holds of each, in the same order; none is zero.
    pub reserves: [Atoms; 2],
    /// The rate of its trade fee.
    pub fee: Fraction,
}

impl Seed {
    /// The tokens with their reserves in the order of their mints' bytes, as many programs want them.
    pub(crate) fn sides_by_mint(&self) -> Result<[(PoolToken, Atoms); 2], SeedError> {
        let [first, second] = self.tokens;
        let [reserve_first, reserve_second] = self.reserves;
        if first.mint == second.mint {
            return Err(SeedError::EqualTokens { mint: first.mint });
        }
        if reserve_first.is_zero() || reserve_second.is_zero() {
            return Err(SeedError::Reserves);
        }
        let mut sides = [(first, reserve_first), (second, reserve_second)];
        sides.sort_by_key(|(token, _)| token.mint);
        Ok(sides)
    }

    /// The fee in whole millionths.
    pub(crate) fn fee_in_millionths(&self) -> Result<u32, SeedError> {
        let billionths = u32::try_from(self.fee.billionths()).ok();
        billionths
            .filter(|billionths| billionths.is_multiple_of(1000))
            .and_then(|billionths| billionths.checked_div(1000))
            .ok_or(SeedError::Fee { fee: self.fee })
    }
}

/// Why a pool cannot be put on a cluster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SeedError {
    /// The program's fields cannot hold this fee exactly.
    #[error("a fee of {} cannot be stored by the program", fee.to_decimal())]
    Fee {
        /// The fee.
        fee: Fraction,
    },
    /// A reserve is zero, or the ratio of the two is beyond the program's prices.
    #[error("these reserves make no price the program can hold")]
    Reserves,
    /// The program knows the original token program only.
    #[error("the program keeps no {mint}, which is not of the SPL Token program")]
    TokenProgram {
        /// The token.
        mint: Mint,
    },
    /// Both tokens are the same.
    #[error("a pool of {mint} needs another token")]
    EqualTokens {
        /// The token.
        mint: Mint,
    },
}

/// The accounts that make a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeded {
    /// Where it is.
    pub pool: PoolAddress,
    /// The accounts besides the mints and the vaults; the pool's own is the first.
    pub accounts: Vec<SeededAccount>,
    /// The token accounts it needs, in the pool's own order.
    pub vaults: [SeededVault; 2],
}

/// An account that is part of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeededAccount {
    /// Its address.
    pub address: Pubkey,
    /// The program that keeps it.
    pub owner: Pubkey,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// A token account of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeededVault {
    /// Its address.
    pub address: Pubkey,
    /// Token that it holds.
    pub mint: Mint,
    /// The program that keeps it.
    pub program: Program,
    /// Who may move what it holds.
    pub authority: Pubkey,
    /// Balance in base units; at most a few units away from the reserve that was asked for.
    pub amount: Atoms,
}
