//! `GET /api/tokens`

use crate::api::schema::{Address, TokenProgram};
use crate::http::problem::Problem;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use order_core::{Mint, Timestamp, Token};
use serde::Serialize;
use utoipa::ToSchema;

/// The tokens that can be traded.
#[utoipa::path(
    get, path = "/api/tokens", operation_id = "listTokens", tag = "Markets",
    responses((status = 200, body = Tokens, description = "The tokens")),
)]
pub(crate) async fn tokens(State(app): State<App>) -> Result<Json<Tokens>, Problem> {
    let listing = app.registry.listing().await.map_err(|failure| Problem::failure(&failure))?;
    Ok(Json(Tokens::of(&listing.pools, crate::http::now())))
}

/// The tokens that can be traded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tokens {
    tokens: Vec<TokenInfo>,
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
}

/// A token that can be traded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Token)]
pub(crate) struct TokenInfo {
    /// Symbol of a known token; the mint of any other.
    #[schema(example = "SOL")]
    symbol: String,
    #[schema(value_type = Address)]
    mint: String,
    /// Decimals of the token.
    #[schema(required, maximum = 18)]
    decimals: Option<u8>,
    /// `spl_token` or `token_2022`.
    #[schema(value_type = Option<TokenProgram>, required)]
    program: Option<&'static str>,
}

impl Tokens {
    /// The tokens of a listing.
    pub(crate) fn of(listing: &proto::pools::Pools, now: Timestamp) -> Self {
        Self { tokens: listing.tokens.iter().map(TokenInfo::of).collect(), timestamp: now }
    }
}

impl TokenInfo {
    pub(super) fn of(token: &Token) -> Self {
        Self {
            symbol: token.symbol.clone(),
            mint: token.mint.to_string(),
            decimals: Some(token.decimals),
            program: Some(token.program.name()),
        }
    }

    pub(super) fn unknown(mint: Mint) -> Self {
        Self { symbol: mint.to_string(), mint: mint.to_string(), decimals: None, program: None }
    }
}
