//! The sweep: orders that the queue may have lost go back onto it.

use crate::{Error, Journal, Queue, QueueError};
use futures_util::stream::{self, StreamExt as _};
use std::time::Duration;

/// How many publications are under way at once.
const PUBLISH_AT_ONCE: usize = 32;

/// Why a sweep did not put every order that it found on the queue. The next one finds the others.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The queue is out of reach, or did not take some of them.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The database did not answer.
    #[error(transparent)]
    Journal(#[from] Error),
}

impl Journal {
    /// Puts up to `limit` orders on the queue that could be claimed now and that it may have lost,
    /// oldest first, and says how many. These are orders whose lease ran out or was released and
    /// whose retry is due, at once, and any other that nobody has claimed for `grace` since it was
    /// accepted or last dispatched. Orders whose message is parked are left alone. Several processes
    /// may sweep at once; each order goes to one.
    ///
    /// # Errors
    /// See [`SweepError`]; all the orders were tried.
    pub async fn sweep(&self, queue: &Queue, limit: u32, grace: Duration) -> Result<usize, SweepError> {
        // Nothing is marked while the queue is away.
        queue.ping().await?;
        let lost = self.undispatched(limit, grace).await?;
        let found = lost.len();
        let mut published = stream::iter(lost)
            .map(|dispatch| async move { (dispatch.id, queue.republish(&dispatch).await) })
            .buffer_unordered(PUBLISH_AT_ONCE);
        let mut failed = Vec::new();
        let mut first_failure = None;
        while let Some((id, outcome)) = published.next().await {
            if let Err(error) = outcome {
                failed.push(id);
                first_failure.get_or_insert(error);
            }
        }
        let Some(error) = first_failure else { return Ok(found) };
        // They count as dispatched, and would wait for the whole grace.
        self.not_dispatched(&failed).await?;
        Err(error.into())
    }
}
