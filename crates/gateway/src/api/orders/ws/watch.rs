//! `GET /api/orders/{orderId}/ws`

use super::connection::Closing;
use super::follower::follow;
use super::message::Message;
use super::upgrade::open;
use crate::api::orders::load::OrderPath;
use crate::http::problem::{self, Problem};
use crate::http::query::Query;
use crate::state::App;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;
use http::HeaderMap;
use order_core::order::Id;

/// The longest message that is read: clients have nothing to say here.
const MAX_MESSAGE: usize = 4 * 1024;

/// An order's updates, as a WebSocket.
///
/// Text frames of the form `OrderUpdate`: first the events after `after`, then the new ones as they
/// are recorded, numbered by `seq` without a gap and without a duplicate. `{"type":"heartbeat","seq"}`
/// every 15 seconds. Closes with 1000 after the last event, 1008 for an unknown order, 1013 if the
/// reader is too slow or the events cannot be read, 1001 when the service stops; then reconnect with
/// `?after=` the last `seq`.
#[utoipa::path(
    get, path = "/api/orders/{orderId}/ws", operation_id = "watch", tag = "Orders",
    params(
        ("orderId" = String, Path, description = "The order"),
        ("after" = Option<u64>, Query, description = "The last `seq` that is known already; 0 if not given"),
    ),
    responses(
        (status = 101, description = "The WebSocket is open; its text frames are of this form", body = Message),
        (status = 403, description = "A page of another site", body = problem::Body, content_type = "application/problem+json"),
        (status = 422, description = "Something is wrong with a parameter", body = problem::Body, content_type = "application/problem+json"),
        (status = 426, description = "The request is no WebSocket's", body = problem::Body, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn upgrade(
    State(app): State<App>,
    OrderPath(name): OrderPath,
    mut query: Query,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let after = query
        .parsed("after", |text| text.parse::<u64>().map_err(|_| "must be the seq of an event"))
        .unwrap_or(0);
    query.finish()?;
    let shared = app.clone();
    open(&app, &headers, upgrade, MAX_MESSAGE, move |mut connection| async move {
        let closing = match name.parse::<Id>() {
            Ok(id) => Box::pin(follow(&shared, &mut connection, id, after)).await,
            Err(_) => Closing::UnknownOrder,
        };
        connection.close(&closing).await;
    })
}
