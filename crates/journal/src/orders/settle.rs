//! The operator's last word on an order that no node decides.

use super::{Claimed, Orders, Unrecorded};
use crate::database::Error;
use order_core::order::{self, Event};

/// Why an order was not settled.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// It is unknown, has ended, or has no transaction that may land.
    #[error("the order is not submitted, so there is nothing to settle")]
    NotSubmitted,
    /// This version cannot read its events.
    #[error("the order cannot be read: {0}")]
    Unreadable(String),
    /// Its transaction was decided meanwhile, or the database refused.
    #[error(transparent)]
    Append(#[from] Unrecorded),
    /// The database does not answer.
    #[error(transparent)]
    Journal(#[from] Error),
}

impl Orders {
    /// Ends a submitted order by an operator's evidence: it landed, or it did not and never will. The executor that
    /// waits for it lets go. The evidence is kept as an event, in the operator's words.
    ///
    /// # Errors
    /// See [`SettleError`].
    pub async fn settle(&self, id: order::Id, landed: bool, evidence: &str) -> Result<(), SettleError> {
        match self.seize(id).await? {
            None => Err(SettleError::NotSubmitted),
            Some(Claimed::Unreadable { reason, .. }) => Err(SettleError::Unreadable(reason)),
            Some(Claimed::Order(claim)) => {
                let evidence = evidence.to_owned();
                self.append(*claim, Event::Settled { landed, evidence }).await?;
                Ok(())
            }
        }
    }
}
