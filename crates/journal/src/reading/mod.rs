//! Reading, for clients and operators: events, lists, counts.

mod history;
mod list;
mod open;
mod standing;
mod statistics;

pub use history::History;
pub use list::{Filter, Listed};
pub use open::OpenOrders;
pub use standing::Standing;
pub use statistics::{Ended, QueueStats};

#[cfg(test)]
pub(crate) use {
    list::LIST,
    statistics::{BACKLOG, BACKLOG_BY_ACCOUNT, QUEUE_STATS, WAITING_FOR_OTHER_WALLETS},
};

use sqlx::PgPool;

/// A handle on lists and statistics. They have connections of their own, which write nothing and give up early.
#[derive(Debug, Clone)]
pub struct Reports {
    pool: PgPool,
    /// For the backlog, on which the acceptance of orders depends.
    main: PgPool,
}

impl Reports {
    pub(crate) fn new(pool: PgPool, main: PgPool) -> Self {
        Self { pool, main }
    }
}

#[cfg(test)]
mod tests;
