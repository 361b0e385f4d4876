//! The journal as a whole: opening it, bringing its schema up to date, and what concerns all of its rooms.

mod cluster;
mod keys;
pub(crate) mod migrations;

use crate::accounts::{Accounts, Policies};
use crate::chain::{Landings, Markers};
use crate::database::{Error, Roles, StoreUser, metrics, pools, privileges, unavailable};
use crate::orders::Orders;
use crate::queue::ParkedMessages;
use crate::reading::{History, Reports};
use crate::trading::Trading;
use crate::upkeep::Upkeep;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use std::time::Duration;

/// The pause before a database that was not there at the start is asked again, which doubles up to the
/// second figure.
const CONNECT_PAUSE_MIN: Duration = Duration::from_millis(100);
const CONNECT_PAUSE_MAX: Duration = Duration::from_secs(2);
/// How long the database may take to say that it is there.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

const PING: &str = "SELECT 1";

/// The durable record, with a handle for each of its rooms: whoever needs only some of them takes a clone of
/// those. Clones share the pools and the tasks that write in groups.
#[derive(Debug, Clone)]
pub struct Journal {
    /// Orders: taken on, claimed, and moved on by events.
    pub orders: Orders,
    /// Accounts and their keys.
    pub accounts: Accounts,
    /// The policies of accounts.
    pub policies: Policies,
    /// The events of orders.
    pub history: History,
    /// Lists and statistics.
    pub reports: Reports,
    /// Limits on trading.
    pub trading: Trading,
    /// Messages of the queue that nobody could work on.
    pub parked: ParkedMessages,
    /// Landings, until they are finalized or adopted.
    pub landings: Landings,
    /// Order markers, until their lamports are taken back.
    pub markers: Markers,
    /// Work that keeps the journal quick.
    pub upkeep: Upkeep,
    pub(crate) pool: PgPool,
}

impl Journal {
    /// Connects, and starts the tasks that write in groups. Needs a running tokio runtime.
    ///
    /// # Errors
    /// The database does not answer, or lacks a migration of this version.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, Error> {
        metrics::describe();
        let connecting = unavailable("connect to the database");
        let options: PgConnectOptions = url.parse().map_err(&connecting)?;
        let pool = pools::connect(options.clone(), max_connections).await.map_err(&connecting)?;
        migrations::require(&pool).await?;
        let history = History::start(pool.clone());
        Ok(Self {
            orders: Orders::start(pool.clone(), history.clone()),
            accounts: Accounts::start(pool.clone()),
            policies: Policies::new(pool.clone()),
            reports: Reports::new(pools::reports(options), pool.clone()),
            trading: Trading::start(pool.clone()),
            parked: ParkedMessages::new(pool.clone()),
            landings: Landings::new(pool.clone(), history.clone()),
            markers: Markers::new(pool.clone()),
            upkeep: Upkeep::new(pool.clone()),
            history,
            pool,
        })
    }

    /// As [`Journal::connect`], but waits for a database that does not answer, for ever.
    ///
    /// # Errors
    /// The URL is not one, or the database lacks a migration of this version.
    pub async fn connect_patiently(url: &str, max_connections: u32) -> Result<Self, Error> {
        let mut pause = CONNECT_PAUSE_MIN;
        loop {
            match Self::connect(url, max_connections).await {
                Err(Error::Unavailable { cause, .. }) if !matches!(*cause, sqlx::Error::Configuration(_)) => {
                    tracing::warn!(error = %cause, "waiting for the database; check DATABASE_URL");
                }
                outcome => return outcome,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(CONNECT_PAUSE_MAX);
        }
    }

    /// Ends when one of the tasks that write has died, which is a fault of ours: what it writes is
    /// refused from then on, so end the process.
    pub async fn stopped(&self) {
        tokio::select! {
            () = self.orders.stopped() => {}
            () = self.history.stopped() => {}
            () = self.accounts.stopped() => {}
            () = self.trading.stopped() => {}
        }
    }

    /// Brings the database's schema up to this version, and gives the services' roles their rights.
    ///
    /// # Errors
    /// The database does not answer, or a migration fails; those before it stay applied.
    pub async fn migrate(url: &str) -> Result<Roles, Error> {
        migrations::migrate(url).await
    }

    /// Lets a service log in under this name and password, with the rights of its role. The URL is the owner's. A
    /// login that is there gets the password.
    ///
    /// # Errors
    /// The login or the password is not one that a service may have, or the database refuses or does not answer.
    pub async fn let_in(url: &str, service: StoreUser, login: &str, password: &str) -> Result<(), Error> {
        privileges::let_in(url, service, login, password).await
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), Error> {
        const DOING: &str = "reach the database";
        let ping = metrics::statement("ping", sqlx::query(PING).execute(&self.pool));
        match tokio::time::timeout(PING_TIMEOUT, ping).await {
            Ok(result) => result.map(drop).map_err(unavailable(DOING)),
            Err(_) => Err(unavailable(DOING)(sqlx::Error::PoolTimedOut)),
        }
    }

    /// True if this login owns the tables, and so may do more than any service needs.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn is_owner(&self) -> Result<bool, Error> {
        let read = sqlx::query_scalar(OWNS).fetch_one(&self.pool);
        let owns = metrics::statement("is_owner", read).await;
        owns.map_err(|error| Error::from_statement("read the owner of the tables", error))
    }
}

const OWNS: &str = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'orders'::regclass";

#[cfg(test)]
mod tests;
