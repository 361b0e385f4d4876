//! The turn of a request: the right to be worked on, of which the connections of a client share some.

use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The turn of one request. Clones are the same turn.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    turns: Arc<Semaphore>,
    permit: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

impl Turn {
    /// Waits for one of `turns`.
    pub(crate) async fn take(turns: Arc<Semaphore>) -> Self {
        let turn = Self { turns, permit: Arc::default() };
        turn.take_again().await;
        turn
    }

    /// Gives the turn back, for example while the request waits for its client.
    pub(crate) fn give_back(&self) {
        *self.permit.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Waits for a turn after the last one was given back.
    pub(crate) async fn take_again(&self) {
        // Turns are never closed.
        let permit = Arc::clone(&self.turns).acquire_owned().await.ok();
        *self.permit.lock().unwrap_or_else(PoisonError::into_inner) = permit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_that_is_given_back_is_another_requests() {
        let turns = Arc::new(Semaphore::new(1));
        let first = Turn::take(Arc::clone(&turns)).await;
        assert_eq!(turns.available_permits(), 0);
        first.clone().give_back();
        let second = Turn::take(Arc::clone(&turns)).await;
        second.give_back();
        first.take_again().await;
        assert_eq!(turns.available_permits(), 0);
        drop(first);
        assert_eq!(turns.available_permits(), 1);
    }
}
