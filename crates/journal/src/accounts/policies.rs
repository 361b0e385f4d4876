//! The policies of accounts: what operators allow their orders.

use super::Accounts;
use super::keys::{all_parsed, parsed};
use crate::database::columns::{bigint, count};
use crate::database::{Error, metrics};
use moka::future::Cache;
use order_core::{AccountId, AccountPolicy, Slippage, Timestamp, UsdMicros};
use sqlx::{FromRow, PgPool};
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// Time for which the database's word on a policy is believed.
const FRESH: Duration = Duration::from_secs(1);

/// Policies that are remembered.
const REMEMBERED: u64 = 10_000;

/// An account as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name.
    pub id: AccountId,
    /// The time of its creation.
    pub created_at: Timestamp,
    /// The bounds of its orders.
    pub policy: AccountPolicy,
}

/// The policies of accounts, each read at most once a second. Clones share what they know.
#[derive(Debug, Clone)]
pub struct Policies {
    pool: PgPool,
    known: Cache<AccountId, Arc<AccountPolicy>>,
}

impl Policies {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool, known: Cache::builder().max_capacity(REMEMBERED).time_to_live(FRESH).build() }
    }

    /// The policy of an account, as it was a second ago at most. An account that does not exist has no bounds.
    ///
    /// # Errors
    /// The database does not answer, or a later version has written the policy.
    pub async fn of(&self, account: &AccountId) -> Result<Arc<AccountPolicy>, Error> {
        let read = self.known.try_get_with_by_ref(account, self.read(account));
        read.await.map_err(|error| (*error).clone())
    }

    async fn read(&self, account: &AccountId) -> Result<Arc<AccountPolicy>, Error> {
        const DOING: &str = "read the policy of an account";
        let read = sqlx::query_as(POLICY).bind(account.as_str()).fetch_optional(&self.pool);
        let row: Option<PolicyRow> =
            metrics::statement("policy", read).await.map_err(|error| Error::from_statement(DOING, error))?;
        let policy = row.map(AccountPolicy::try_from).transpose();
        Ok(Arc::new(policy.map_err(|error| Error::from_statement(DOING, error))?.unwrap_or_default()))
    }
}

impl Accounts {
    /// All accounts by name.
    ///
    /// # Errors
    /// The database does not answer, or a later version has written a policy.
    pub async fn list(&self) -> Result<Vec<Account>, Error> {
        const DOING: &str = "list the accounts";
        let list = sqlx::query_as(LIST).fetch_all(&self.pool);
        let rows: Vec<AccountRow> = metrics::statement("accounts", list)
            .await
            .map_err(|error| Error::from_statement(DOING, error))?;
        let accounts: Result<_, sqlx::Error> = rows.into_iter().map(Account::try_from).collect();
        accounts.map_err(|error| Error::from_statement(DOING, error))
    }

    /// Sets the policy of an account in place of the one it had. Executors and gateways keep it within two seconds.
    /// False if there is no such account.
    ///
    /// # Errors
    /// [`Error::Refused`] if a list is empty or too long; or the database does not answer.
    pub async fn set_policy(&self, account: &AccountId, policy: &AccountPolicy) -> Result<bool, Error> {
        let usd = |value: Option<UsdMicros>| value.map(|value| bigint(value.get()));
        let tokens = policy.tokens.as_ref().map(|tokens| tokens.iter().map(ToString::to_string).collect());
        let venues = policy.venues.as_ref().map(|venues| venues.iter().map(|venue| venue.name()).collect());
        let set = sqlx::query(SET_POLICY)
            .bind(account.as_str())
            .bind(usd(policy.max_order_value))
            .bind(usd(policy.max_day_value))
            .bind(policy.max_slippage.map(|slippage| i64::from(u32::from(slippage))))
            .bind::<Option<Vec<String>>>(tokens)
            .bind::<Option<Vec<&str>>>(venues)
            .bind(policy.max_working.map(|orders| i64::from(orders.get())))
            .bind(policy.wallet.map(|wallet| wallet.to_string()))
            .execute(&self.pool);
        let set = metrics::statement("set_policy", set)
            .await
            .map_err(|error| Error::from_statement("set the policy of an account", error))?;
        Ok(set.rows_affected() == 1)
    }
}

macro_rules! policy_columns {
    () => {
        "max_order_usd_micros, max_day_usd_micros, max_slippage_billionths::bigint AS max_slippage_billionths,
  tokens, venues, max_working::bigint AS max_working, wallet"
    };
}

const POLICY: &str = concat!("SELECT ", policy_columns!(), " FROM accounts WHERE id = $1");

const LIST: &str = concat!("SELECT id, created_at, ", policy_columns!(), " FROM accounts ORDER BY id");

const SET_POLICY: &str = "
UPDATE accounts SET max_order_usd_micros = $2, max_day_usd_micros = $3, max_slippage_billionths = $4, tokens = $5,
  venues = $6, max_working = $7, wallet = $8
WHERE id = $1";

#[derive(FromRow)]
struct AccountRow {
    id: String,
    created_at: Timestamp,
    #[sqlx(flatten)]
    policy: PolicyRow,
}

#[derive(FromRow)]
struct PolicyRow {
    max_order_usd_micros: Option<i64>,
    max_day_usd_micros: Option<i64>,
    max_slippage_billionths: Option<i64>,
    tokens: Option<Vec<String>>,
    venues: Option<Vec<String>>,
    max_working: Option<i64>,
    wallet: Option<String>,
}

impl TryFrom<AccountRow> for Account {
    type Error = sqlx::Error;

    fn try_from(row: AccountRow) -> Result<Self, sqlx::Error> {
        Ok(Self { id: parsed(&row.id)?, created_at: row.created_at, policy: row.policy.try_into()? })
    }
}

/// A bound that this version cannot read is an error, never no bound. A venue of a later version is left out of the list:
/// this one has no pools of it.
impl TryFrom<PolicyRow> for AccountPolicy {
    type Error = sqlx::Error;

    fn try_from(row: PolicyRow) -> Result<Self, sqlx::Error> {
        let slippage = |billionths: i64| match u32::try_from(billionths).ok().map(Slippage::try_from) {
            Some(Ok(slippage)) => Ok(slippage),
            Some(Err(_)) | None => Err(sqlx::Error::Decode("a slippage is out of range".into())),
        };
        let known = |venues: Vec<String>| venues.iter().filter_map(|venue| venue.parse().ok()).collect();
        Ok(Self {
            max_order_value: row.max_order_usd_micros.map(|value| UsdMicros::new(count(value))),
            max_day_value: row.max_day_usd_micros.map(|value| UsdMicros::new(count(value))),
            max_slippage: row.max_slippage_billionths.map(slippage).transpose()?,
            tokens: row.tokens.map(|tokens| all_parsed::<_, BTreeSet<_>>(&tokens)).transpose()?,
            venues: row.venues.map(known),
            max_working: row.max_working.and_then(|orders| NonZeroU32::new(u32::try_from(orders).ok()?)),
            wallet: row.wallet.map(|wallet| parsed(&wallet)).transpose()?,
        })
    }
}
