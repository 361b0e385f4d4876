//! Keys in the database: issued, listed, revoked, rotated, and read to verify a request.

use super::{Accounts, ApiKey, KeyId};
use crate::database::columns::milliseconds;
use crate::database::writer::Statement;
use crate::database::{Error, metrics};
use ipnet::IpNet;
use order_core::{AccountId, Scope, Timestamp};
use sqlx::{FromRow, PgConnection};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// The properties of a key to be issued.
#[derive(Debug, Clone)]
pub struct KeyRequest {
    /// The account that the key acts for.
    pub account: AccountId,
    /// A text by which people know the key; at most 255 bytes.
    pub label: String,
    /// The rights; at least one.
    pub scopes: BTreeSet<Scope>,
    /// The networks that the key may be used from; everywhere if there are none. At most 100.
    pub networks: Vec<IpNet>,
    /// The time from now after which the key is no longer valid; for ever if None.
    pub lifetime: Option<Duration>,
}

/// A key as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedKey {
    /// The id.
    pub id: KeyId,
    /// The account that the key acts for.
    pub account: AccountId,
    /// A text by which people know the key.
    pub label: String,
    /// The rights.
    pub scopes: BTreeSet<Scope>,
    /// The networks that the key may be used from; everywhere if there are none.
    pub networks: Vec<IpNet>,
    /// The time of issue.
    pub created_at: Timestamp,
    /// The key is not valid from then on.
    pub expires_at: Option<Timestamp>,
    /// The key has not been valid since.
    pub revoked_at: Option<Timestamp>,
    /// The last use, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// A key as it is needed to verify a request. Revoked and expired ones are not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// The account that the key acts for.
    pub account: AccountId,
    /// The hash of the secret.
    pub secret_hash: [u8; 32],
    /// The rights.
    pub scopes: BTreeSet<Scope>,
    /// The networks that the key may be used from; everywhere if there are none.
    pub networks: Vec<IpNet>,
}

impl Accounts {
    /// Issues a key.
    ///
    /// # Errors
    /// [`Error::Refused`] if there is no such account, or no scope; or the database does not answer.
    pub async fn issue(&self, key: &ApiKey, request: &KeyRequest) -> Result<(), Error> {
        let issue = sqlx::query(ISSUE)
            .bind(key.id().as_str())
            .bind(request.account.as_str())
            .bind(&request.label)
            .bind(key.hash().as_slice())
            .bind(request.scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>())
            .bind(request.networks.iter().map(IpNet::to_string).collect::<Vec<_>>())
            .bind(request.lifetime.map(milliseconds))
            .execute(&self.pool);
        let issued = metrics::statement("issue_key", issue).await;
        issued.map(drop).map_err(|error| Error::from_statement("issue a key", error))
    }

    /// The keys of an account, or of all, oldest first.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn keys(&self, account: Option<&AccountId>) -> Result<Vec<IssuedKey>, Error> {
        const DOING: &str = "list the keys";
        let list = sqlx::query_as(KEYS).bind(account.map(AccountId::as_str)).fetch_all(&self.pool);
        let rows: Vec<KeyRow> =
            metrics::statement("keys", list).await.map_err(|error| Error::from_statement(DOING, error))?;
        let issued: Result<_, sqlx::Error> = rows.into_iter().map(IssuedKey::try_from).collect();
        issued.map_err(|error| Error::from_statement(DOING, error))
    }

    /// Revokes a key for good. False if there is no such key; true again if it was revoked before.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn revoke(&self, id: &KeyId) -> Result<bool, Error> {
        let revoke = sqlx::query(REVOKE).bind(id.as_str()).execute(&self.pool);
        let revoked = metrics::statement("revoke_key", revoke)
            .await
            .map_err(|error| Error::from_statement("revoke a key", error))?;
        Ok(revoked.rows_affected() == 1)
    }

    /// Issues a key with the properties of another, which stays valid for `overlap` at most. False if that one
    /// is not valid.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn rotate(&self, id: &KeyId, successor: &ApiKey, overlap: Duration) -> Result<bool, Error> {
        let rotate = sqlx::query(ROTATE)
            .bind(id.as_str())
            .bind(successor.id().as_str())
            .bind(successor.hash().as_slice())
            .bind(milliseconds(overlap))
            .execute(&self.pool);
        let rotated = metrics::statement("rotate_key", rotate)
            .await
            .map_err(|error| Error::from_statement("rotate a key", error))?;
        Ok(rotated.rows_affected() == 1)
    }

    /// The key with this id, if it is valid now. Read together with whatever else waits to be read.
    ///
    /// # Errors
    /// The database does not answer, or more is waiting to be read than the bound allows.
    pub async fn valid_key(&self, id: &KeyId) -> Result<Option<StoredKey>, Error> {
        self.reads.write(id.clone()).await
    }

    /// Returns true once any key has ever been issued.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn has_keys(&self) -> Result<bool, Error> {
        let read = sqlx::query_scalar(HAS_KEYS).fetch_one(&self.pool);
        metrics::statement("has_keys", read)
            .await
            .map_err(|error| Error::from_statement("look for keys", error))
    }

    /// Records that keys were used, to the minute.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn record_use(&self, ids: &[KeyId]) -> Result<(), Error> {
        let ids: Vec<&str> = ids.iter().map(KeyId::as_str).collect();
        let record = sqlx::query(RECORD_USE).bind(ids).execute(&self.pool);
        let recorded = metrics::statement("record_key_use", record).await;
        recorded.map(drop).map_err(|error| Error::from_statement("record the use of keys", error))
    }
}

const ISSUE: &str = "
INSERT INTO api_keys (id, account, label, secret_hash, scopes, networks, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 millisecond')";

const KEYS: &str = "
SELECT id, account, label, scopes, networks, created_at, expires_at, revoked_at, last_used_at
FROM api_keys WHERE $1::text IS NULL OR account = $1 ORDER BY created_at, id";

const REVOKE: &str = "UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1";

const ROTATE: &str = "
WITH old AS (
  UPDATE api_keys SET expires_at = least(expires_at, now() + $4 * interval '1 millisecond')
  WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
  RETURNING account, label, scopes, networks
), lifetime AS (
  SELECT expires_at FROM api_keys WHERE id = $1
)
INSERT INTO api_keys (id, account, label, secret_hash, scopes, networks, expires_at)
SELECT $2, old.account, old.label, $3, old.scopes, old.networks, lifetime.expires_at FROM old, lifetime";

const HAS_KEYS: &str = "SELECT EXISTS (SELECT FROM api_keys)";

const RECORD_USE: &str = "
UPDATE api_keys SET last_used_at = date_trunc('minute', now())
WHERE id = ANY ($1::text[]) AND (last_used_at IS NULL OR last_used_at < date_trunc('minute', now()))";

const VALID_KEYS: &str = "
SELECT id, account, secret_hash, scopes, networks FROM api_keys
WHERE id = ANY ($1::text[]) AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())";

/// The statement that reads keys for the writer, which groups reads as it does writes.
#[derive(Debug)]
pub(crate) enum KeyReads {}

impl Statement for KeyReads {
    type Item = KeyId;
    type Outcome = Option<StoredKey>;
    const NAME: &'static str = "valid_key";
    const DOING: &'static str = "verify a key";
    /// None: a caller can ask again.
    const PATIENCE: Duration = Duration::ZERO;

    async fn write(
        connection: &mut PgConnection,
        items: &[KeyId],
    ) -> Result<Vec<Option<StoredKey>>, sqlx::Error> {
        let ids: Vec<&str> = items.iter().map(KeyId::as_str).collect();
        let rows: Vec<StoredRow> = sqlx::query_as(VALID_KEYS).bind(ids).fetch_all(connection).await?;
        let valid: HashMap<String, StoredKey> =
            rows.into_iter().map(StoredRow::read).collect::<Result<_, _>>()?;
        Ok(items.iter().map(|id| valid.get(id.as_str()).cloned()).collect())
    }
}

#[derive(FromRow)]
struct StoredRow {
    id: String,
    account: String,
    secret_hash: Vec<u8>,
    scopes: Vec<String>,
    networks: Vec<String>,
}

impl StoredRow {
    fn read(self) -> Result<(String, StoredKey), sqlx::Error> {
        let secret_hash = <[u8; 32]>::try_from(self.secret_hash)
            .map_err(|hash| sqlx::Error::Decode(format!("a hash has {} bytes", hash.len()).into()))?;
        let stored = StoredKey {
            account: parsed(&self.account)?,
            secret_hash,
            scopes: all_parsed(&self.scopes)?,
            networks: all_parsed(&self.networks)?,
        };
        Ok((self.id, stored))
    }
}

#[derive(FromRow)]
struct KeyRow {
    id: String,
    account: String,
    label: String,
    scopes: Vec<String>,
    networks: Vec<String>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
}

impl TryFrom<KeyRow> for IssuedKey {
    type Error = sqlx::Error;

    fn try_from(row: KeyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: parsed(&row.id)?,
            account: parsed(&row.account)?,
            label: row.label,
            scopes: all_parsed(&row.scopes)?,
            networks: all_parsed(&row.networks)?,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
        })
    }
}

pub(super) fn parsed<T>(text: &str) -> Result<T, sqlx::Error>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

pub(super) fn all_parsed<T, C: FromIterator<T>>(texts: &[String]) -> Result<C, sqlx::Error>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    texts.iter().map(|text| parsed(text)).collect()
}
