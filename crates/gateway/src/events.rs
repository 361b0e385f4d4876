//! `GET /api/orders/{orderId}/events`

use crate::http::problem::{self, Problem};
use crate::order::{Named, corrupt, history};
use crate::state::App;
use crate::view;
use axum::Json;
use axum::extract::State;

/// Everything that happened to an order: attempts, quotes considered, transactions, errors.
#[utoipa::path(
    get, path = "/api/orders/{orderId}/events", tag = "Orders",
    params(("orderId" = String, Path, description = "The order")),
    responses(
        (status = 200, body = view::History),
        (status = 404, description = "There is no such order", body = problem::Body, content_type = "application/problem+json"),
        (status = 503, description = "The database does not answer", body = problem::Body, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn events(
    State(app): State<App>,
    Named(name): Named,
) -> Result<Json<view::History>, Problem> {
    let (id, recorded) = history(&app, &name).await?;
    view::History::of(id, &recorded).map(Json).map_err(|error| corrupt(id, &error))
}
