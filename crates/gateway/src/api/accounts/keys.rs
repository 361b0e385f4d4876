//! `/api/keys`

use super::parse;
use crate::api::schema::{AccountName, KeyName, ScopeName};
use crate::http::body;
use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::state::App;
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use ipnet::IpNet;
use journal::{ApiKey, IssuedKey, KeyId, KeyRequest};
use order_core::{AccountId, Scope, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

/// Minutes for which a replaced key stays valid, unless the request says otherwise.
const OVERLAP_MINUTES: u32 = 60;

/// Keys, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Keys {
    keys: Vec<Key>,
}

/// A key without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Key {
    /// The 12 digits after `oek_`.
    #[schema(value_type = KeyName)]
    id: String,
    #[schema(value_type = AccountName)]
    account: AccountId,
    #[schema(value_type = Vec<ScopeName>)]
    scopes: Vec<&'static str>,
    /// The networks that it may be used from; everywhere if empty.
    networks: Vec<String>,
    label: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    expires_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    revoked_at: Option<Timestamp>,
    /// To the minute.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    last_used_at: Option<Timestamp>,
}

impl From<IssuedKey> for Key {
    fn from(key: IssuedKey) -> Self {
        Self {
            id: key.id.to_string(),
            account: key.account,
            scopes: key.scopes.iter().map(|scope| scope.name()).collect(),
            networks: key.networks.iter().map(IpNet::to_string).collect(),
            label: key.label,
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
        }
    }
}

/// A key to be issued.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({"account": "operator", "scopes": ["read", "trade"], "label": "desk 1", "days": 30}))]
pub(crate) struct IssueKey {
    #[schema(value_type = AccountName)]
    account: AccountId,
    /// read, trade, admin; at least one.
    #[schema(value_type = Vec<ScopeName>, min_items = 1)]
    scopes: Vec<String>,
    /// A text by which people know it, of at most 255 bytes.
    #[serde(default)]
    #[schema(max_length = 255)]
    label: String,
    /// The networks that it may be used from, such as 10.0.0.0/8; everywhere if empty. At most 100.
    #[serde(default)]
    #[schema(max_items = 100)]
    networks: Vec<String>,
    /// The days that it is valid; for ever if absent.
    days: Option<u32>,
}

/// A key is replaced by another.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({"overlapMinutes": 60}))]
pub(crate) struct RotateKey {
    /// The minutes for which the old key stays valid; default 60.
    overlap_minutes: Option<u32>,
}

/// A key with its secret: shown this once, as only a hash of it is stored.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FreshKey {
    /// The 12 digits after `oek_`.
    #[schema(value_type = KeyName)]
    id: String,
    /// The value of `Authorization: Bearer`.
    key: String,
}

/// The keys of all accounts, or of one.
#[utoipa::path(
    get, path = "/api/keys", operation_id = "listKeys", tag = "Accounts",
    params(("account" = Option<AccountName>, Query, description = "Only keys of this account")),
    responses((status = 200, body = Keys, description = "The keys, without their secrets")),
)]
pub(crate) async fn list(State(app): State<App>, mut query: Query) -> Result<Json<Keys>, Problem> {
    let account: Option<AccountId> = query.parsed("account", str::parse);
    query.finish()?;
    let keys = app.journal.accounts.keys(account.as_ref()).await?;
    Ok(Json(Keys { keys: keys.into_iter().map(Key::from).collect() }))
}

/// Issues a key.
#[utoipa::path(
    post, path = "/api/keys", operation_id = "issueKey", tag = "Accounts",
    request_body = IssueKey,
    responses((status = 201, body = FreshKey, description = "The key")),
)]
pub(crate) async fn issue(
    State(app): State<App>,
    body::Json(body): body::Json,
) -> Result<(StatusCode, Json<FreshKey>), Problem> {
    let request = parse::<IssueKey>(&body)?.checked()?;
    let key = random_key()?;
    app.journal.accounts.issue(&key, &request).await.map_err(|error| match error {
        journal::Error::Refused { rule, .. } => Problem::new(Code::InvalidRequest, rule),
        error => error.into(),
    })?;
    Ok(fresh(&key))
}

/// Issues a key in place of another, with its account, scopes, networks and expiry.
#[utoipa::path(
    post, path = "/api/keys/{keyId}/rotate", operation_id = "rotateKey", tag = "Accounts",
    params(("keyId" = KeyName, Path, description = "The 12 digits after `oek_`")),
    request_body = RotateKey,
    responses(
        (status = 201, body = FreshKey, description = "The key that follows"),
        (status = 404, description = "There is no such valid key"),
    ),
)]
pub(crate) async fn rotate(
    State(app): State<App>,
    Path(id): Path<String>,
    body::Json(body): body::Json,
) -> Result<(StatusCode, Json<FreshKey>), Problem> {
    let id = known(&id)?;
    let overlap = parse::<RotateKey>(&body)?.overlap_minutes.unwrap_or(OVERLAP_MINUTES);
    let key = random_key()?;
    let overlap = Duration::from_secs(u64::from(overlap) * MINUTE);
    if app.journal.accounts.rotate(&id, &key, overlap).await? { Ok(fresh(&key)) } else { Err(unknown()) }
}

/// Revokes a key for good: each gateway refuses it within two seconds.
#[utoipa::path(
    delete, path = "/api/keys/{keyId}", operation_id = "revokeKey", tag = "Accounts",
    params(("keyId" = KeyName, Path, description = "The 12 digits after `oek_`")),
    responses(
        (status = 204, description = "The key is revoked"),
        (status = 404, description = "There is no such key"),
    ),
)]
pub(crate) async fn revoke(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let revoked = app.journal.accounts.revoke(&known(&id)?).await?;
    if revoked { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}

impl IssueKey {
    fn checked(self) -> Result<KeyRequest, Problem> {
        let invalid = |field: &str, error: String| Problem::field(Code::InvalidRequest, field, error);
        let scopes: Result<_, _> = self.scopes.iter().map(|scope| scope.parse::<Scope>()).collect();
        let networks: Result<_, _> = self.networks.iter().map(|network| network.parse::<IpNet>()).collect();
        Ok(KeyRequest {
            account: self.account,
            label: self.label,
            scopes: scopes.map_err(|error| invalid("scopes", error.to_string()))?,
            networks: networks.map_err(|error| invalid("networks", error.to_string()))?,
            lifetime: self.days.map(|days| Duration::from_secs(u64::from(days) * DAY)),
        })
    }
}

fn random_key() -> Result<ApiKey, Problem> {
    let mut random = [0; ApiKey::RANDOM_LENGTH];
    getrandom::fill(&mut random).map_err(|error| {
        tracing::error!(%error, "the operating system gives no random bytes: no key issued");
        Problem::new(Code::Internal, "no key can be made; the log has the details")
    })?;
    Ok(ApiKey::from_random(&random))
}

fn fresh(key: &ApiKey) -> (StatusCode, Json<FreshKey>) {
    (StatusCode::CREATED, Json(FreshKey { id: key.id().to_string(), key: key.reveal() }))
}

fn known(id: &str) -> Result<KeyId, Problem> {
    id.parse().map_err(|_| unknown())
}

fn unknown() -> Problem {
    Problem::new(Code::KeyNotFound, "there is no such key")
}
