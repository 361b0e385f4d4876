//! Accounts, their policies and keys, for callers with the scope `admin`.

mod account;
mod keys;
mod policy;

use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use crate::state::App;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of accounts and keys.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(account::list, account::create))
        .routes(routes!(policy::set))
        .routes(routes!(keys::list, keys::issue))
        .routes(routes!(keys::rotate))
        .routes(routes!(keys::revoke))
}

/// The request in a body.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Data => Problem::new(Code::InvalidRequest, error.to_string()),
        Category::Io | Category::Syntax | Category::Eof => {
            Problem::new(Code::MalformedJson, format!("the body is not JSON: {error}"))
        }
    })
}
