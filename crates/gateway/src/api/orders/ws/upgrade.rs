//! Opening a WebSocket: size limits, the limit on open sockets.

use super::connection::Connection;
use crate::api::v0::V0;
use crate::http::access_log::REQUEST_ID;
use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use crate::http::rate_limit::Client;
use crate::state::App;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;
use http::HeaderMap;
use service::net::NoSeat;
use std::future::Future;
use std::sync::Arc;
use tracing::Instrument as _;

/// Read buffer of a WebSocket, in bytes. Clients send little, and the buffer exists as long as the socket:
/// the default of 128 KiB would be most of the gateway's memory.
const READ_BUFFER: usize = 4 * 1024;

/// Write buffer of a WebSocket, in bytes. A client that lets it fill is too slow.
const MAX_WRITE_BUFFER: usize = 256 * 1024;

/// Opens a socket, and runs `talk` on it until it says how to close.
pub(super) fn open<F, Fut>(
    app: &App,
    client: Client,
    headers: &HeaderMap,
    version: Option<V0>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    max_message: usize,
    talk: F,
) -> Result<Response, Problem>
where
    F: FnOnce(Connection) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let upgrade = upgrade
        .map_err(|_| Problem::new(Code::UpgradeRequired, "this path is a WebSocket; open it as one"))?;
    let seat = app.sockets.take(client.0).map_err(|reason| no_seat(app, reason))?;
    let tasks = app.shell.tasks().clone();
    let span = tracing::Span::current();
    let request_id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
    let upgrade = upgrade
        .max_message_size(max_message)
        .max_frame_size(max_message)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_WRITE_BUFFER);
    // The token delays the end of the process while the socket is open.
    let token = tasks.token();
    Ok(upgrade.on_upgrade(move |socket| {
        async move {
            crate::metrics::sockets().increment(1);
            // It is never idle, so it is not given up for another.
            let open = seat.activity().begin();
            talk(Connection::new(socket, request_id, version, Arc::clone(seat.turns()))).await;
            crate::metrics::sockets().decrement(1);
            drop((open, seat, token));
        }
        .instrument(span)
    }))
}

fn no_seat(app: &App, reason: NoSeat) -> Problem {
    match reason {
        NoSeat::ClientHasItsShare => Problem::new(
            Code::TooManyConnections,
            format!("more than {} WebSockets of one client; close some first", app.sockets.per_client()),
        ),
        NoSeat::AllTaken => Problem::new(Code::Overloaded, "too many WebSockets are open; try again later"),
    }
}
