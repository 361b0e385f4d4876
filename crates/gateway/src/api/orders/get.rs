//! `GET /api/orders/{orderId}`

use super::fold::OrderView;
use super::load::{OrderPath, corrupt, history};
use super::response::OrderResponse;
use crate::access::Caller;
use crate::http::problem::Problem;
use crate::state::App;
use axum::Json;
use axum::extract::State;

/// An order's status and result.
#[utoipa::path(
    get, path = "/api/orders/{orderId}", operation_id = "getOrder", tag = "Orders",
    params(("orderId" = uuid::Uuid, Path, description = "The order")),
    responses(
        (status = 200, body = OrderResponse, description = "The order"),
        (status = 404, description = "The order does not exist"),
    ),
)]
pub(crate) async fn order(
    State(app): State<App>,
    caller: Caller,
    OrderPath(id): OrderPath,
) -> Result<Json<OrderResponse>, Problem> {
    let (id, history) = history(&app, &caller.account, &id).await?;
    let view = OrderView::replay(id, &history).map_err(|error| corrupt(id, &error))?;
    Ok(Json(view.response(crate::http::now(), app.environment())))
}
