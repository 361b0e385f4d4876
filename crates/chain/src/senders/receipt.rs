use std::sync::{Mutex, PoisonError};

/// The nodes and senders that took a transaction, in the order in which they said so: which of them may claim its
/// landing.
#[derive(Debug, Default)]
pub struct Receipt(Mutex<Vec<String>>);

impl Receipt {
    /// Notes that a node or sender took the transaction.
    pub(crate) fn take(&self, name: &str) {
        let mut takers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !takers.iter().any(|taker| taker == name) {
            takers.push(name.to_owned());
        }
    }

    /// Who took it so far, the first one first.
    pub(crate) fn takers(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
