use crate::metrics;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The nodes and senders that took a transaction, in the order in which they said so: which of them may claim its
/// landing. One that says so after the landing may claim it too: it was slow to answer, and not to send.
#[derive(Debug, Default)]
pub struct Receipt(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    takers: Vec<String>,
    in_a_block: bool,
}

impl Receipt {
    /// Notes that a node or sender took the transaction.
    pub(crate) fn take(&self, name: &str) {
        let mut known = self.known();
        if known.takers.iter().any(|taker| taker == name) {
            return;
        }
        if known.in_a_block {
            metrics::in_a_block(name, known.takers.is_empty());
        }
        known.takers.push(name.to_owned());
    }

    /// Notes that the transaction is in a block, and counts it for all who took it.
    pub(crate) fn land(&self) {
        let mut known = self.known();
        if !std::mem::replace(&mut known.in_a_block, true) {
            for (place, taker) in known.takers.iter().enumerate() {
                metrics::in_a_block(taker, place == 0);
            }
        }
    }

    /// Who took it so far, the first one first.
    #[cfg(test)]
    pub(crate) fn takers(&self) -> Vec<String> {
        self.known().takers.clone()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
