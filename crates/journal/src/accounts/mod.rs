//! Accounts, their policies and their API keys.

mod api_key;
mod keys;
mod policies;

pub use api_key::{ApiKey, InvalidApiKey, KeyId};
pub use keys::{IssuedKey, KeyRequest, StoredKey};
pub use policies::{Account, Policies};

pub(crate) use keys::KeyReads;

use crate::database::writer::Writer;
use crate::database::{Error, metrics};
use order_core::AccountId;
use sqlx::PgPool;

/// A handle on accounts and keys. Clones share one reader.
#[derive(Debug, Clone)]
pub struct Accounts {
    pool: PgPool,
    reads: Writer<KeyReads>,
}

impl Accounts {
    /// Starts the task that reads keys in groups.
    pub(crate) fn start(pool: PgPool) -> Self {
        Self { reads: Writer::start(pool.clone()), pool }
    }

    /// Ends when the task has died.
    pub(crate) async fn stopped(&self) {
        self.reads.stopped().await;
    }

    /// Creates an account. False if it exists.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn create(&self, account: &AccountId) -> Result<bool, Error> {
        let create = sqlx::query(CREATE).bind(account.as_str()).execute(&self.pool);
        let created = metrics::statement("create_account", create)
            .await
            .map_err(|error| Error::from_statement("create an account", error))?;
        Ok(created.rows_affected() == 1)
    }
}

const CREATE: &str = "INSERT INTO accounts (id) VALUES ($1) ON CONFLICT DO NOTHING";

#[cfg(test)]
mod tests;
