//! The routes, one folder or file each.

mod accounts;
mod docs;
mod health;
mod markets;
pub(crate) mod orders;
pub(crate) mod quotes;
pub(crate) mod schema;
mod stats;
mod swap;
mod tickets;
pub(crate) mod v0;

pub(crate) use health::LatestHealth;

use crate::access;
use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use crate::http::{access_log, rate_limit};
use crate::state::App;
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use http::{Method, Uri};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Order execution",
        description = "Executes orders on Solana's exchanges: finds the best route over the pools, enforces the minimum output on the chain, lands at most one swap per order, and reports every event.\n\nAmounts and prices in responses are decimal strings. Every error is `application/problem+json` with a `code` that [/docs/errors](/docs/errors) explains.\n\nClients of the original Order Execution API get its forms with `Accept: application/vnd.order-execution.v0+json`: see [/docs/compatibility](/docs/compatibility)."
    ),
    tags(
        (name = "Orders", description = "Placing orders and following them"),
        (name = "Markets", description = "Tokens, pools and quotes"),
        (name = "Statistics", description = "Queue and results of orders"),
        (name = "Accounts", description = "Accounts and their API keys"),
        (name = "Service", description = "The state of the service itself"),
    ),
    components(schemas(
        orders::ws::message::Message,
        crate::http::problem::Body,
        schema::AccountName,
        schema::Dex,
        schema::IdempotencyKey,
        schema::KeyName,
        schema::OrderStatus,
        schema::TokenName
    ))
)]
struct Documentation;

/// The routes of the OpenAPI document.
fn documented(app: &App) -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Documentation::openapi())
        .merge(orders::routes(app))
        .merge(quotes::routes(app))
        .merge(markets::routes())
        .merge(stats::routes())
        .merge(accounts::routes())
        .merge(tickets::routes())
        .merge(health::routes())
}

/// All routes, with the layers around them.
pub(crate) fn router(app: App) -> Router {
    let (router, openapi) = documented(&app).split_for_parts();
    let (origins, version) = (app.configuration.allowed_origins.clone(), app.configuration.compatibility);
    let router = router
        .merge(docs::router(&openapi))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(v0::requests))
        .layer(from_fn_with_state(app.clone(), rate_limit::reads))
        .layer(from_fn_with_state(app.clone(), access::guard))
        .with_state(app);
    // Preflights show no key, so they are answered before the guard.
    let router = if origins.is_empty() { router } else { router.layer(access::cors(&origins)) };
    router.layer(from_fn(access_log::record)).layer(from_fn_with_state(version, v0::answers))
}

async fn not_found(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(100).collect();
    Problem::new(Code::NotFound, format!("the path {path} does not exist; GET /docs lists all paths"))
}

async fn method_not_allowed(method: Method) -> Problem {
    Problem::new(Code::MethodNotAllowed, format!("this path does not accept {method}"))
}
