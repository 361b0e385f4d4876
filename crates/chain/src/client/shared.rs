//! Answers that all orders of a process share, because they are the same for all and change slowly.

use super::{Blockhash, Client};
use crate::{AllowedFormats, Error, Formats};
use solana_pubkey::Pubkey;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// A blockhash serves for 150 blocks, about a minute: one that is this old has lost one or two of them.
const BLOCKHASH_AGE_MAX: Duration = Duration::from_millis(500);
/// Fees are a percentile over many slots: that of a few slots ago is as good.
const FEES_AGE_MAX: Duration = Duration::from_secs(2);
/// Tables only grow, and a version that the cluster takes stays; the router reads them as often.
const FORMATS_AGE_MAX: Duration = Duration::from_secs(10);
/// The most routes whose fees are remembered.
const ROUTES_MAX: usize = 1_000;

/// Answers that the clones of a client remember together.
#[derive(Debug, Default)]
pub(super) struct Shared {
    blockhash: Kept<Blockhash>,
    formats: Kept<Formats>,
    fees: SyncMutex<HashMap<Vec<Pubkey>, Fees>>,
}

/// Fees of the routes over the same accounts.
type Fees = Arc<Kept<Vec<u64>>>;

/// One answer and its time. Whoever needs a newer one waits for the first who asks.
#[derive(Debug)]
struct Kept<T>(Mutex<Option<(Instant, T)>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Kept<T> {
    async fn get<Fut>(&self, age_max: Duration, ask: impl FnOnce() -> Fut) -> Result<T, Error>
    where
        Fut: Future<Output = Result<T, Error>>,
    {
        let mut kept = self.0.lock().await;
        if let Some((asked, answer)) = kept.as_ref()
            && asked.elapsed() < age_max
        {
            return Ok(answer.clone());
        }
        // Its age counts from the question: the answer may be as old.
        let asked = Instant::now();
        let answer = ask().await?;
        *kept = Some((asked, answer.clone()));
        Ok(answer)
    }
}

impl Shared {
    fn fees_of(&self, accounts: &[Pubkey]) -> Fees {
        let mut fees = self.fees.lock().unwrap_or_else(PoisonError::into_inner);
        if fees.len() >= ROUTES_MAX && !fees.contains_key(accounts) {
            fees.clear();
        }
        Arc::clone(fees.entry(accounts.to_vec()).or_default())
    }
}

impl Client {
    /// As [`Client::latest_blockhash`], at most half a second old.
    ///
    /// # Errors
    /// As there.
    pub async fn shared_blockhash(&self) -> Result<Blockhash, Error> {
        self.shared.blockhash.get(BLOCKHASH_AGE_MAX, || self.latest_blockhash()).await
    }

    /// As [`Client::recent_prioritization_fees`], at most two seconds old.
    ///
    /// # Errors
    /// As there.
    pub async fn shared_prioritization_fees(&self, writable: &[Pubkey]) -> Result<Vec<u64>, Error> {
        let mut accounts = writable.to_vec();
        accounts.sort_unstable();
        let kept = self.shared.fees_of(&accounts);
        kept.get(FEES_AGE_MAX, || self.recent_prioritization_fees(writable)).await
    }

    /// As [`Client::formats`], at most ten seconds old. A process allows the same formats each time.
    ///
    /// # Errors
    /// As there.
    pub async fn shared_formats(&self, allowed: &AllowedFormats) -> Result<Formats, Error> {
        self.shared.formats.get(FORMATS_AGE_MAX, || self.formats(allowed)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_shared_until_it_is_too_old_and_an_error_is_not() {
        let (kept, asked) = (Kept::default(), AtomicU64::new(0));
        let age_max = Duration::from_secs(2);
        let ask = || async { Ok(asked.fetch_add(1, Ordering::Relaxed)) };
        let fail = || async { Err(Error::Http("as told".to_owned())) };
        assert!(kept.get(age_max, fail).await.is_err());
        let (one, other) = tokio::join!(kept.get(age_max, ask), kept.get(age_max, ask));
        assert_eq!((one.unwrap(), other.unwrap()), (0, 0));
        tokio::time::advance(age_max - Duration::from_millis(1)).await;
        assert_eq!(kept.get(age_max, ask).await.unwrap(), 0);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(kept.get(age_max, ask).await.unwrap(), 1);
    }

    #[test]
    fn fees_of_the_same_accounts_are_kept_together_and_of_few_routes() {
        let (shared, key) =
            (Shared::default(), |n: usize| Pubkey::new_from_array([u8::try_from(n % 251).unwrap(); 32]));
        let accounts = |n: usize| vec![key(n), key(n / 251)];
        let first = shared.fees_of(&accounts(0));
        assert!(Arc::ptr_eq(&first, &shared.fees_of(&accounts(0))));
        for n in 0..=ROUTES_MAX {
            shared.fees_of(&accounts(n));
        }
        assert!(shared.fees.lock().unwrap().len() <= ROUTES_MAX);
    }
}
