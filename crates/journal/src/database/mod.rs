//! The means of all rooms: connections, errors, columns, and the task that writes in groups.

pub(crate) mod columns;
pub(crate) mod error;
pub(crate) mod metrics;
pub(crate) mod pools;
pub(crate) mod privileges;
mod scram;
pub(crate) mod writer;

pub use error::Error;
pub use privileges::{Roles, StoreUser};

use std::sync::Arc;

/// The error of a database that did not do what it was asked, and recorded nothing.
pub(crate) fn unavailable(doing: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |error| Error::Unavailable { doing, cause: Arc::new(error) }
}
