//! `/api/accounts/{account}/policy`

use super::parse;
use crate::api::schema::{AccountName, Address, Decimal, VenueName};
use crate::http::body;
use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use crate::state::App;
use axum::Json;
use axum::extract::{Path, State};
use order_core::{AccountId, AccountPolicy, UsdMicros};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::str::FromStr;
use utoipa::ToSchema;

/// The bounds of an account's orders, besides those of all. A field that is null or absent sets no bound.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
#[schema(example = json!({"maxOrderValue": "1000", "maxDayValue": "20000", "maxSlippage": "0.01", "maxWorking": 5}))]
pub(crate) struct Policy {
    /// Most that one order may be worth, in US dollars.
    #[schema(value_type = Option<Decimal>)]
    max_order_value: Option<String>,
    /// Most that the orders of a day (UTC) may come to, in US dollars.
    #[schema(value_type = Option<Decimal>)]
    max_day_value: Option<String>,
    /// Highest slippage that an order may set, as a fraction.
    #[schema(value_type = Option<Decimal>)]
    max_slippage: Option<String>,
    /// Mints that orders may spend and buy. At most 1000.
    #[schema(value_type = Option<Vec<Address>>, min_items = 1, max_items = 1000)]
    tokens: Option<Vec<String>>,
    /// Pool programs that orders may go over.
    #[schema(value_type = Option<Vec<VenueName>>, min_items = 1)]
    venues: Option<Vec<String>>,
    /// Most orders that executors route, build and sign at the same time.
    #[schema(minimum = 1, maximum = 10000)]
    max_working: Option<u32>,
    /// The wallet that signs. Orders wait until an executor has it.
    #[schema(value_type = Option<Address>)]
    wallet: Option<String>,
}

/// Sets the policy of an account in place of the one it had.
///
/// Gateways and executors keep it within two seconds, also for orders that were accepted before.
#[utoipa::path(
    put, path = "/api/accounts/{account}/policy", operation_id = "setPolicy", tag = "Accounts",
    params(("account" = AccountName, Path, description = "Name of the account")),
    request_body = Policy,
    responses(
        (status = 200, body = Policy, description = "The policy of the account"),
        (status = 404, description = "There is no such account"),
    ),
)]
pub(crate) async fn set(
    State(app): State<App>,
    Path(account): Path<String>,
    body::Json(body): body::Json,
) -> Result<Json<Policy>, Problem> {
    let unknown = || Problem::new(Code::AccountNotFound, "there is no such account");
    let account: AccountId = account.parse().map_err(|_| unknown())?;
    let policy = parse::<Policy>(&body)?.checked()?;
    let set = app.journal.accounts.set_policy(&account, &policy).await.map_err(|error| match error {
        journal::Error::Refused { rule, .. } => Problem::new(Code::InvalidRequest, rule),
        error => error.into(),
    })?;
    if set { Ok(Json(Policy::of(&policy))) } else { Err(unknown()) }
}

impl Policy {
    /// The policy as it is shown.
    pub(super) fn of(policy: &AccountPolicy) -> Self {
        let AccountPolicy {
            max_order_value,
            max_day_value,
            max_slippage,
            tokens,
            venues,
            max_working,
            wallet,
        } = policy;
        Self {
            max_order_value: max_order_value.as_ref().map(UsdMicros::to_string),
            max_day_value: max_day_value.as_ref().map(UsdMicros::to_string),
            max_slippage: max_slippage.map(|slippage| slippage.to_decimal()),
            tokens: tokens.as_ref().map(|tokens| tokens.iter().map(ToString::to_string).collect()),
            venues: venues.as_ref().map(|venues| venues.iter().map(ToString::to_string).collect()),
            max_working: max_working.map(NonZeroU32::get),
            wallet: wallet.map(|wallet| wallet.to_string()),
        }
    }

    fn checked(&self) -> Result<AccountPolicy, Problem> {
        let slippage = |text: &String| {
            order_core::Slippage::parse(text)
                .map_err(|error| Problem::field(Code::InvalidSlippage, "maxSlippage", error.to_string()))
        };
        let working = |orders: u32| {
            NonZeroU32::new(orders)
                .ok_or_else(|| Problem::field(Code::InvalidRequest, "maxWorking", "must be at least 1"))
        };
        Ok(AccountPolicy {
            max_order_value: one("maxOrderValue", self.max_order_value.as_deref())?,
            max_day_value: one("maxDayValue", self.max_day_value.as_deref())?,
            max_slippage: self.max_slippage.as_ref().map(slippage).transpose()?,
            tokens: all("tokens", self.tokens.as_deref())?,
            venues: all("venues", self.venues.as_deref())?,
            max_working: self.max_working.map(working).transpose()?,
            wallet: one("wallet", self.wallet.as_deref())?,
        })
    }
}

fn one<T: FromStr<Err: std::fmt::Display>>(field: &str, text: Option<&str>) -> Result<Option<T>, Problem> {
    let read = |text: &str| {
        text.parse().map_err(|error: T::Err| Problem::field(Code::InvalidRequest, field, error.to_string()))
    };
    text.map(read).transpose()
}

fn all<T>(field: &str, texts: Option<&[String]>) -> Result<Option<BTreeSet<T>>, Problem>
where
    T: FromStr<Err: std::fmt::Display> + Ord,
{
    let read = |texts: &[String]| {
        texts.iter().filter_map(|text| one(field, Some(text.as_str())).transpose()).collect()
    };
    texts.map(read).transpose()
}
