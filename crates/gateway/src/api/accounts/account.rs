//! `/api/accounts`

use super::parse;
use super::policy::Policy;
use crate::api::schema::AccountName;
use crate::http::body;
use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use order_core::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// All accounts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accounts {
    /// By name.
    accounts: Vec<Account>,
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account {
    #[schema(value_type = AccountName)]
    account: AccountId,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    policy: Policy,
}

/// An account to be created.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"account": "desk"}))]
pub(crate) struct CreateAccount {
    /// The name: 1 to 64 characters of a-z, 0-9, - and _. It never changes.
    #[schema(value_type = AccountName)]
    account: AccountId,
}

/// All accounts.
#[utoipa::path(
    get, path = "/api/accounts", operation_id = "listAccounts", tag = "Accounts",
    responses((status = 200, body = Accounts, description = "All accounts")),
)]
pub(crate) async fn list(State(app): State<App>) -> Result<Json<Accounts>, Problem> {
    let accounts = app.journal.accounts.list().await?.into_iter();
    let shown = |account: journal::Account| Account {
        account: account.id,
        created_at: account.created_at,
        policy: Policy::of(&account.policy),
    };
    let accounts = accounts.map(shown).collect();
    Ok(Json(Accounts { accounts }))
}

/// Creates an account. Issue a key for it next.
#[utoipa::path(
    post, path = "/api/accounts", operation_id = "createAccount", tag = "Accounts",
    request_body = CreateAccount,
    responses(
        (status = 201, body = CreatedAccount, description = "The account exists"),
        (status = 409, description = "There is an account of this name"),
    ),
)]
pub(crate) async fn create(
    State(app): State<App>,
    body::Json(body): body::Json,
) -> Result<(StatusCode, Json<CreatedAccount>), Problem> {
    let CreateAccount { account } = parse(&body)?;
    if app.journal.accounts.create(&account).await? {
        Ok((StatusCode::CREATED, Json(CreatedAccount { account })))
    } else {
        Err(Problem::field(Code::AccountExists, "account", "exists already"))
    }
}

/// An account that was created.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedAccount {
    #[schema(value_type = AccountName)]
    account: AccountId,
}
