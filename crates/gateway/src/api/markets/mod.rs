//! The tokens and the pools that can be traded.

mod pools;
mod tokens;

use crate::http::etag;
use crate::state::App;
use axum::middleware::from_fn;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of tokens and pools.
pub(super) fn routes() -> OpenApiRouter<App> {
    let tagged = OpenApiRouter::new().routes(routes!(tokens::tokens)).route_layer(from_fn(etag::tagged));
    OpenApiRouter::new().merge(tagged).routes(routes!(pools::pools))
}
