//! `POST /api/ws-ticket`

use crate::access::{Caller, Ticket};
use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use order_core::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The route of tickets.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(ticket))
}

/// A ticket for WebSockets.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WsTicket {
    /// The value of the parameter `ticket` of a WebSocket's URL.
    ticket: String,
    /// The ticket opens WebSockets until then. Those that are open stay open.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// A ticket that opens WebSockets in a browser, which can set no header for them.
///
/// Add `?ticket=` and the ticket to the WebSocket's URL. It has the rights of the key for 30 seconds.
#[utoipa::path(
    post, path = "/api/ws-ticket", operation_id = "createTicket", tag = "Service",
    responses(
        (status = 200, body = WsTicket, description = "The ticket"),
        (status = 422, description = "No key was issued yet, so none is needed"),
    ),
)]
pub(crate) async fn ticket(State(app): State<App>, caller: Caller) -> Result<Json<WsTicket>, Problem> {
    let id = caller.key.ok_or_else(|| {
        Problem::new(Code::InvalidRequest, "no key was issued yet: open the WebSocket without a ticket")
    })?;
    let (ticket, expires_at) = Ticket::new(id, service::now());
    Ok(Json(WsTicket { ticket: ticket.seal(&app.keys).await?, expires_at }))
}
