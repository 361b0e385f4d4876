//! Keys that all processes share.

use super::Journal;
use crate::database::{Error, metrics};
use std::sync::Arc;

/// The length of a key, in bytes.
const LENGTH: usize = 32;

impl Journal {
    /// The key that authenticates quotes which were kept elsewhere. It was made with the database.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn quote_key(&self) -> Result<[u8; LENGTH], Error> {
        const DOING: &str = "read the key of quotes";
        let read = sqlx::query_scalar(QUOTE_KEY).fetch_one(&self.pool);
        let key: Vec<u8> = metrics::statement("quote_key", read)
            .await
            .map_err(|error| Error::from_statement(DOING, error))?;
        let length = key.len();
        key.try_into().map_err(|_| Error::Unavailable {
            doing: DOING,
            cause: Arc::new(sqlx::Error::Decode(format!("it has {length} bytes").into())),
        })
    }
}

const QUOTE_KEY: &str = "SELECT value FROM shared_keys WHERE name = 'quotes'";
