//! Amounts that signed orders may still take from a wallet, so that orders side by side do not overspend.

use super::Trading;
use crate::database::columns::{atoms, bigint, numeric};
use crate::database::writer::{Statement, half_done};
use crate::database::{Error, metrics};
use order_core::token::NATIVE_MINT;
use order_core::{AccountAddress, Atoms, Mint, order};
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use uuid::Uuid;

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
    /// have reserved before; then nothing is reserved. Made again, the call replaces what it reserved before. Written
    /// together with whatever else waits to be reserved.
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
        let (wallet, needs) = (*wallet, needs.to_vec());
        self.reserves.write(Reservation { order: id.0, wallet, needs, slot }).await
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

/// An order's amounts on their way to the database.
#[derive(Debug)]
pub(crate) struct Reservation {
    order: Uuid,
    wallet: AccountAddress,
    needs: Vec<Need>,
    slot: u64,
}

/// The reservations' statement for the writer.
#[derive(Debug)]
pub(crate) enum Reserves {}

impl Statement for Reserves {
    type Item = Reservation;
    type Outcome = Option<Short>;
    const NAME: &'static str = "reserve";
    const DOING: &'static str = "reserve funds";
    /// None: the guard asks again.
    const PATIENCE: Duration = Duration::ZERO;

    async fn write(
        connection: &mut PgConnection,
        items: &[Reservation],
    ) -> Result<Vec<Option<Short>>, sqlx::Error> {
        let reserved = reserve_many(connection, items).await?;
        let mut outcomes = Vec::with_capacity(items.len());
        for item in items {
            outcomes.push(match reserved.contains(&item.order) {
                true => None,
                // Perhaps short: only one that is looked at by itself is refused.
                false => reserve(connection, item).await.map_err(half_done)?,
            });
        }
        Ok(outcomes)
    }
}

const RESERVE_MANY: &str = "
SELECT reserved FROM reserve_many($1, $2, $3, $4::text[]::numeric[], $5::text[]::numeric[], $6) AS reserved";

const RESERVE: &str = "
SELECT short, reserved::text
FROM reserve($1, $2, $3, $4::text[]::numeric[], $5::text[]::numeric[], $6)";

/// Reserves the amounts of those for which there is surely enough.
async fn reserve_many(
    connection: &mut PgConnection,
    items: &[Reservation],
) -> Result<HashSet<Uuid>, sqlx::Error> {
    // An order may be there twice, when somebody has just taken it over: then neither is of the group.
    let mut times: HashMap<Uuid, usize> = HashMap::new();
    for item in items {
        *times.entry(item.order).or_default() += 1;
    }
    let once = items.iter().filter(|item| times.get(&item.order) == Some(&1));
    let rows: Vec<(&Reservation, &Need)> =
        once.flat_map(|item| item.needs.iter().map(move |need| (item, need))).collect();
    let reserved: Vec<Uuid> = sqlx::query_scalar(RESERVE_MANY)
        .bind(rows.iter().map(|(item, _)| item.order).collect::<Vec<_>>())
        .bind(rows.iter().map(|(item, _)| item.wallet.to_string()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, need)| need.mint.to_string()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, need)| numeric(need.amount.get())).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, need)| numeric(need.balance.get())).collect::<Vec<_>>())
        .bind(rows.iter().map(|(item, _)| bigint(item.slot)).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    Ok(reserved.into_iter().collect())
}

/// Reserves the amounts of one, or says what it lacks.
async fn reserve(connection: &mut PgConnection, item: &Reservation) -> Result<Option<Short>, sqlx::Error> {
    let Reservation { order, wallet, needs, slot } = item;
    let short: Option<(String, String)> = sqlx::query_as(RESERVE)
        .bind(order)
        .bind(wallet.to_string())
        .bind(needs.iter().map(|need| need.mint.to_string()).collect::<Vec<_>>())
        .bind(needs.iter().map(|need| numeric(need.amount.get())).collect::<Vec<_>>())
        .bind(needs.iter().map(|need| numeric(need.balance.get())).collect::<Vec<_>>())
        .bind(bigint(*slot))
        .fetch_optional(connection)
        .await?;
    let read = |(mint, reserved): (String, String)| {
        let mint = mint.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        Ok(Short { mint, reserved: atoms(&reserved)? })
    };
    short.map(read).transpose()
}
