//! The tokens and the pools that can be traded.

mod pools;
mod tokens;

use crate::state::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of tokens and pools.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(tokens::tokens)).routes(routes!(pools::pools))
}
