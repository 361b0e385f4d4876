use crate::Error;

/// A handle on the durable record. Clones share one pool and one writer of each kind.
#[derive(Debug, Clone)]
pub struct Journal {}

impl Journal {
    /// Connects, and starts the tasks that write in groups. Needs a running tokio runtime.
    ///
    /// # Errors
    /// The database does not answer, or lacks a migration of this version.
    pub async fn connect(_url: &str, _max_connections: u32) -> Result<Self, Error> {
        unimplemented!()
    }

    /// Brings the database's schema up to this version.
    ///
    /// # Errors
    /// The database does not answer, or a migration fails; those before it stay applied.
    pub async fn migrate(_url: &str) -> Result<(), Error> {
        unimplemented!()
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), Error> {
        unimplemented!()
    }
}
