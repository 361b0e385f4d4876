//! The operator's kill switch.

use super::Trading;
use crate::database::{Error, metrics};
use order_core::Timestamp;

/// Trading is stopped: no order is to be taken on, and none signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// Why, in the operator's words.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
}

impl Trading {
    /// The halt of trading; None if it is not halted.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn halted(&self) -> Result<Option<Halt>, Error> {
        self.stops().await.map(|stops| stops.halt)
    }

    /// Stops trading in every process, for a reason of 1 to 1000 bytes. Does nothing if it is
    /// stopped already.
    ///
    /// # Errors
    /// The database does not answer, or the reason is refused.
    pub async fn halt(&self, reason: &str) -> Result<(), Error> {
        let halt = sqlx::query(HALT).bind(reason).execute(&self.pool);
        let halted = metrics::statement("halt", halt).await;
        halted.map(drop).map_err(|error| Error::from_statement("halt trading", error))
    }

    /// Lets trading go on; true if it was stopped.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn resume(&self) -> Result<bool, Error> {
        let resume = sqlx::query(RESUME).execute(&self.pool);
        let resumed = metrics::statement("resume", resume).await;
        resumed
            .map(|done| done.rows_affected() > 0)
            .map_err(|error| Error::from_statement("resume trading", error))
    }
}

const HALT: &str = "INSERT INTO halts (reason) VALUES ($1) ON CONFLICT DO NOTHING";

const RESUME: &str = "UPDATE halts SET resumed_at = now() WHERE resumed_at IS NULL";
