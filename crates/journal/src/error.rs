use order_core::order;
use std::sync::Arc;

/// Why the journal did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The database did not answer. Nothing was recorded; the same call may be made again.
    #[error("the journal could not {doing}, nothing was recorded: {source}")]
    Unavailable {
        /// What was being done.
        doing: &'static str,
        /// What the database's client said.
        source: Arc<sqlx::Error>,
    },
    /// The connection was lost, and stayed lost, while a statement was on its way: it may or may
    /// not have been recorded. The same call tells, made again.
    #[error("the journal lost the database while it was to {doing}, which may or may not be recorded: {source}")]
    Unknown {
        /// What was being done.
        doing: &'static str,
        /// What the database's client said.
        source: Arc<sqlx::Error>,
    },
    /// More is waiting to be written than the bound allows. Nothing was recorded.
    #[error("the journal has too much waiting to {doing}, nothing was recorded: try again later")]
    Overloaded {
        /// What was being done.
        doing: &'static str,
    },
    /// The database refused the values: a rule of the schema was broken. Nothing was recorded.
    #[error("the journal refused to {doing}: {rule}")]
    Refused {
        /// What was being done.
        doing: &'static str,
        /// Which rule was broken.
        rule: String,
    },
    /// What is recorded of an order does not add up to one.
    #[error("the recorded events of order {id} are no order: {reason}")]
    Corrupt {
        /// The order.
        id: order::Id,
        /// What is wrong with its events.
        reason: String,
    },
    /// The database lacks a migration of this version of the program.
    #[error("the database lacks migration {version}: run `journal migrate` first")]
    NotMigrated {
        /// The first that is missing.
        version: i64,
    },
}
