use crate::{Error, Journal};
use order_core::order::{self, Recorded, Status};
use order_core::{Dex, Mint, Timestamp};

/// Which orders to list; what is None does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Their status.
    pub status: Option<Status>,
    /// The exchange of their latest route.
    pub dex: Option<Dex>,
    /// What they spend.
    pub token_in: Option<Mint>,
    /// What they buy.
    pub token_out: Option<Mint>,
    /// Accepted at this moment or later.
    pub from: Option<Timestamp>,
    /// Accepted before this moment.
    pub to: Option<Timestamp>,
}

/// An order of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub id: order::Id,
    /// All its events, in order.
    pub history: Vec<Recorded>,
}

impl Journal {
    /// Up to `limit` orders that match, newest first (by id), those older than `cursor` if given.
    ///
    /// # Errors
    /// The database does not answer, or an event is unreadable.
    pub async fn list(
        &self,
        _filter: &Filter,
        _cursor: Option<order::Id>,
        _limit: u32,
    ) -> Result<Vec<Listed>, Error> {
        unimplemented!()
    }
}
