//! `GET /api/orders/{orderId}/ws`

use super::connection::Closing;
use super::follower::follow;
use super::upgrade::open;
use crate::access::Caller;
use crate::api::orders::load::OrderPath;
use crate::api::v0::V0;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate_limit::Client;
use crate::state::App;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, State};
use axum::response::Response;
use http::HeaderMap;
use order_core::order::Id;

/// Largest message from a client, in bytes. Clients have nothing to send here.
const MAX_MESSAGE: usize = 4 * 1024;

/// An order's updates, as a WebSocket.
///
/// Sends text messages of the form `OrderUpdate`: first the events after `after`, then new events as they are
/// recorded. They are numbered by `seq`, without gaps and duplicates. `{"type":"heartbeat","seq"}` is sent
/// every 15 seconds. The close code is 1000 after the last event, and 1008 for an unknown order or for more than
/// 100 messages of the client in a second. It is 1013
/// if the client is too slow or the events cannot be read, and 1001 if the service stops; in these cases
/// reconnect with `?after=` the last `seq`.
#[utoipa::path(
    get, path = "/api/orders/{orderId}/ws", operation_id = "watchOrder", tag = "Orders",
    params(
        ("orderId" = uuid::Uuid, Path, description = "The order"),
        ("ticket" = Option<String>, Query, description = "A ticket of `POST /api/ws-ticket`, in place of the header Authorization"),
        ("after" = Option<u64>, Query, description = "The last `seq` that the client has; default 0"),
    ),
    responses(
        (status = 101, description = "The WebSocket is open; `/api/asyncapi.json` describes its messages"),
        (status = 426, description = "The request does not open a WebSocket"),
        (status = 429, description = "Too many WebSockets"),
    ),
)]
#[expect(clippy::too_many_arguments, reason = "each is a part of the request")]
pub(crate) async fn upgrade(
    State(app): State<App>,
    caller: Caller,
    Extension(client): Extension<Client>,
    version: Option<Extension<V0>>,
    OrderPath(name): OrderPath,
    mut query: Query,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let after = query
        .parsed("after", |text| text.parse::<u64>().map_err(|_| "must be the seq of an event"))
        .unwrap_or(0);
    // The guard has read it.
    query.text("ticket");
    query.finish()?;
    let shared = app.clone();
    let version = version.map(|Extension(version)| version);
    open(&app, client, &headers, version, upgrade, MAX_MESSAGE, move |mut connection| async move {
        let closing = match name.parse::<Id>() {
            Ok(id) => Box::pin(follow(&shared, &caller, &mut connection, id, after)).await,
            Err(_) => Closing::UnknownOrder,
        };
        connection.close(&closing).await;
    })
}
