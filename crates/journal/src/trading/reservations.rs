//! Amounts that signed orders may still take from a wallet, so that orders side by side do not overspend.

use super::Trading;
use crate::database::columns::{atoms, bigint, numeric};
use crate::database::{Error, metrics};
use order_core::token::NATIVE_MINT;
use order_core::{AccountAddress, Atoms, Mint, order};
use std::collections::HashMap;

/// An amount to be reserved, and the wallet's balance that must cover it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// The token; lamports are of wrapped SOL's mint.
    pub mint: Mint,
    /// Most that the order takes.
    pub amount: Atoms,
    /// The wallet's balance.
    pub balance: Atoms,
}

/// A balance that does not cover an order beside others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Short {
    /// The token.
    pub mint: Mint,
    /// The amount that other orders have reserved.
    pub reserved: Atoms,
}

impl Trading {
    /// Reserves amounts of a wallet for an order, until it ends without a swap or a later balance shows its landing.
    /// `slot` is that of the balances. Returns the first balance that is too small for this order and those that
    /// have reserved before; then nothing is reserved. Made again, the call replaces what it reserved before.
    ///
    /// # Errors
    /// The database does not answer. The same call may be made again.
    pub async fn reserve(
        &self,
        id: order::Id,
        wallet: &AccountAddress,
        needs: &[Need],
        slot: u64,
    ) -> Result<Option<Short>, Error> {
        const DOING: &str = "reserve funds";
        let reserve = sqlx::query_as(RESERVE)
            .bind(id.0)
            .bind(wallet.to_string())
            .bind(needs.iter().map(|need| need.mint.to_string()).collect::<Vec<_>>())
            .bind(needs.iter().map(|need| numeric(need.amount.get())).collect::<Vec<_>>())
            .bind(needs.iter().map(|need| numeric(need.balance.get())).collect::<Vec<_>>())
            .bind(bigint(slot))
            .fetch_optional(&self.pool);
        let short: Option<(String, String)> = metrics::statement("reserve", reserve)
            .await
            .map_err(|error| Error::from_statement(DOING, error))?;
        let read = |(mint, reserved): (String, String)| {
            let mint = mint.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
            Ok(Short { mint, reserved: atoms(&reserved)? })
        };
        short.map(read).transpose().map_err(|error| Error::from_statement(DOING, error))
    }

    /// Lamports that orders in flight have reserved, by wallet. Wallets without a reservation are absent.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn reserved_lamports(&self) -> Result<HashMap<AccountAddress, Atoms>, Error> {
        const DOING: &str = "read what is reserved";
        let read = sqlx::query_as(RESERVED).bind(NATIVE_MINT.to_string()).fetch_all(&self.pool);
        let rows: Vec<(String, String)> = metrics::statement("reserved", read)
            .await
            .map_err(|error| Error::from_statement(DOING, error))?;
        let read = |(wallet, lamports): (String, String)| {
            let wallet = wallet.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
            Ok((wallet, atoms(&lamports)?))
        };
        rows.into_iter()
            .map(read)
            .collect::<Result<_, _>>()
            .map_err(|error| Error::from_statement(DOING, error))
    }
}

/// As far as an open order or a landing stands behind it: see `reserve`.
const RESERVED: &str = "
SELECT wallet, sum(amount)::text
FROM reservations
WHERE mint = $1 AND (EXISTS (SELECT FROM ONLY orders WHERE id = reservations.order_id AND ended_at IS NULL)
  OR EXISTS (SELECT FROM landings WHERE landings.order_id = reservations.order_id))
GROUP BY wallet";

const RESERVE: &str = "
SELECT short, reserved::text
FROM reserve($1, $2, $3, $4::text[]::numeric[], $5::text[]::numeric[], $6)";
