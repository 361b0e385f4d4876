//! Orders: placing, reading, listing, cancelling and following them.

mod cancel;
mod create;
mod events;
mod fold;
mod get;
mod idempotency;
mod intent;
mod list;
mod load;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod ws;

use crate::http::rate_limit;
use crate::state::App;
use axum::middleware::from_fn_with_state;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of orders. Those that place one are behind a rate limit.
pub(super) fn routes(app: &App) -> OpenApiRouter<App> {
    let limited = OpenApiRouter::new()
        .routes(routes!(create::execute, ws::submit::upgrade))
        .route_layer(from_fn_with_state(app.clone(), rate_limit::orders));
    OpenApiRouter::new()
        .merge(limited)
        .routes(routes!(list::list))
        .routes(routes!(get::order, cancel::cancel))
        .routes(routes!(events::events))
        .routes(routes!(ws::watch::upgrade))
}
