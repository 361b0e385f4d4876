//! Keys, verified against the database at most once a second each.

use super::Caller;
use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use journal::{Accounts, ApiKey, KeyId, StoredKey};
use moka::future::Cache;
use order_core::AccountId;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// Time for which the database's word on a key is believed: a revoked key is refused by then.
const FRESH: Duration = Duration::from_secs(1);

/// Keys that are remembered, those that do not exist included.
const REMEMBERED: u64 = 10_000;

/// Interval at which the use of keys is recorded.
const RECORD_EVERY: Duration = Duration::from_secs(10);

/// Keys whose use one statement records.
const RECORDED_AT_ONCE: usize = 1_000;

/// The keys that this gateway knows.
pub(crate) struct Keys {
    accounts: Accounts,
    known: Cache<KeyId, Option<Arc<StoredKey>>>,
    used: Mutex<BTreeSet<KeyId>>,
    /// True once any key was issued. Never false again.
    required: AtomicBool,
}

impl Keys {
    /// The keys of the database. Reads none yet, and until [`Keys::look`] has said otherwise, keys are required.
    pub(crate) fn new(accounts: Accounts) -> Self {
        let known = Cache::builder().max_capacity(REMEMBERED).time_to_live(FRESH).build();
        Self { accounts, known, used: Mutex::default(), required: AtomicBool::new(true) }
    }

    /// Looks for keys in the database, until there was one.
    ///
    /// # Errors
    /// The database does not answer.
    pub(crate) async fn look(&self) -> Result<(), journal::Error> {
        self.required.store(self.accounts.has_keys().await?, Ordering::Relaxed);
        Ok(())
    }

    /// Returns true once any key was issued: from then on each request must show one.
    pub(crate) fn are_required(&self) -> bool {
        self.required.load(Ordering::Relaxed)
    }

    /// The caller that shows this key from this address.
    ///
    /// # Errors
    /// The key is unknown, revoked, expired, or not for this address; or the database does not answer.
    pub(crate) async fn verify(&self, text: &str, address: IpAddr) -> Result<Caller, Problem> {
        let key: ApiKey = text.parse().map_err(|_| refused())?;
        let stored = self.valid(key.id()).await?.filter(|stored| key.matches(&stored.secret_hash));
        self.admit(key.id(), &*stored.ok_or_else(refused)?, address)
    }

    /// The caller of a key that was verified before, as by a ticket.
    ///
    /// # Errors
    /// As [`Keys::verify`].
    pub(super) fn admit(&self, id: &KeyId, stored: &StoredKey, address: IpAddr) -> Result<Caller, Problem> {
        if !stored.networks.is_empty() && !stored.networks.iter().any(|network| network.contains(&address)) {
            return Err(Problem::new(Code::Forbidden, "the key may not be used from this address"));
        }
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
        Ok(Caller { account: stored.account.clone(), scopes: stored.scopes.clone(), key: Some(id.clone()) })
    }

    /// The key with this id, if it is valid.
    ///
    /// # Errors
    /// The database does not answer.
    pub(super) async fn valid(&self, id: &KeyId) -> Result<Option<Arc<StoredKey>>, Problem> {
        let read = async { self.accounts.valid_key(id).await.map(|stored| stored.map(Arc::new)) };
        let found = self.known.try_get_with_by_ref(id, read).await;
        found.map_err(|error| Problem::from((*error).clone()))
    }

    /// Returns true if the key is still valid and of this account. While the database does not answer, it is.
    pub(crate) async fn holds(&self, id: &KeyId, account: &AccountId) -> bool {
        match self.valid(id).await {
            Ok(stored) => stored.is_some_and(|stored| stored.account == *account),
            Err(_) => true,
        }
    }

    /// Records the use of keys until the process ends. Only shown to operators, so a failure loses it.
    pub(crate) async fn record_use(&self) {
        let mut due = tokio::time::interval(RECORD_EVERY);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            let used = std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner));
            let used: Vec<KeyId> = used.into_iter().collect();
            for ids in used.chunks(RECORDED_AT_ONCE) {
                if let Err(error) = self.accounts.record_use(ids).await {
                    tracing::debug!(%error, "database unavailable: the use of keys was not recorded");
                }
            }
        }
    }
}

/// The refusal of a key. It does not tell which part is wrong.
pub(super) fn refused() -> Problem {
    Problem::new(Code::Unauthorized, "the key is not valid: unknown, revoked or expired")
}
