use crate::{Error, Journal};
use order_core::order::{self, Recorded};
use std::collections::HashMap;

impl Journal {
    /// The events of an order after `after`, in order; all of them after 0. None if there is no
    /// such order.
    ///
    /// # Errors
    /// The database does not answer, or an event is unreadable.
    pub async fn history(&self, _id: order::Id, _after: u64) -> Result<Option<Vec<Recorded>>, Error> {
        unimplemented!()
    }

    /// The events of many orders, of each after its own number, in order. Orders without such an
    /// event are absent.
    ///
    /// # Errors
    /// The database does not answer, or an event is unreadable.
    pub async fn histories(
        &self,
        _after: &[(order::Id, u64)],
    ) -> Result<HashMap<order::Id, Vec<Recorded>>, Error> {
        unimplemented!()
    }
}
