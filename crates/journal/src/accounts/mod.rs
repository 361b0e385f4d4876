//! Accounts and their API keys.

mod api_key;
mod keys;

pub use api_key::{ApiKey, InvalidApiKey, KeyId};
pub use keys::{IssuedKey, KeyRequest, StoredKey};

pub(crate) use keys::KeyReads;

use crate::database::writer::Writer;
use crate::database::{Error, metrics};
use order_core::{AccountId, Timestamp};
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

    /// All accounts by name, with the time of their creation.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn list(&self) -> Result<Vec<(AccountId, Timestamp)>, Error> {
        const DOING: &str = "list the accounts";
        let list = sqlx::query_as(LIST).fetch_all(&self.pool);
        let rows: Vec<(String, Timestamp)> = metrics::statement("accounts", list)
            .await
            .map_err(|error| Error::from_statement(DOING, error))?;
        let account = |(id, created_at): (String, Timestamp)| match id.parse() {
            Ok(id) => Ok((id, created_at)),
            Err(invalid) => Err(Error::from_statement(
                DOING,
                sqlx::Error::Decode(Box::<order_core::InvalidAccountId>::new(invalid)),
            )),
        };
        rows.into_iter().map(account).collect()
    }
}

const CREATE: &str = "INSERT INTO accounts (id) VALUES ($1) ON CONFLICT DO NOTHING";

const LIST: &str = "SELECT id, created_at FROM accounts ORDER BY id";

#[cfg(test)]
mod tests;
