//! `GET /api/orders/execute`: placing an order and following it on one WebSocket.

use super::connection::{Closing, Connection, Inbound};
use super::follower::follow_accepted;
use super::upgrade::open;
use crate::access::Caller;
use crate::api::orders::create::place_message;
use crate::api::schema::IdempotencyKey;
use crate::api::v0::{self, V0};
use crate::http::body::MAX_BYTES;
use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use crate::http::rate_limit::Client;
use crate::state::App;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, State};
use axum::response::Response;
use http::HeaderMap;
use std::time::Duration;

/// Time for the order to arrive.
const ORDER_TIMEOUT: Duration = Duration::from_secs(10);

/// Places an order and follows it, as a WebSocket.
///
/// Send the order as the first text message, in the form of `ExecuteRequest`, with the idempotency key as its
/// field `idempotencyKey` or as the header of the request that opens the WebSocket. The updates of the order follow, as at
/// `/api/orders/{orderId}/ws`. If they cannot be read at once, `{"type":"accepted","orderId"}` is sent
/// first: the order exists, and can be followed at `/api/orders/{orderId}/ws` if this WebSocket closes. A
/// rejected order is answered with `{"type":"error","problem":{…}}` and close code 1008, or 1013 if it may
/// be sent again. So is a binary message, with code 1003, and any message after the order, with 1008: the order
/// goes on.
#[utoipa::path(
    get, path = "/api/orders/execute", operation_id = "placeOrderBySocket", tag = "Orders",
    params(
        ("ticket" = Option<String>, Query, description = "A ticket of `POST /api/ws-ticket`, in place of the header Authorization"),
        ("Idempotency-Key" = Option<IdempotencyKey>, Header, description = "The same key with the same order returns the same order. Text of 1 to 255 visible ASCII characters, bare or in quotes as a string of RFC 9651: `k-1` and `\"k-1\"` are the same key. Keys are kept for ever"),
    ),
    responses(
        (status = 101, description = "The WebSocket is open; `/api/asyncapi.json` describes its messages"),
        (status = 426, description = "The request does not open a WebSocket"),
        (status = 429, description = "Too many requests or WebSockets"),
    ),
)]
pub(crate) async fn upgrade(
    State(app): State<App>,
    caller: Caller,
    Extension(client): Extension<Client>,
    version: Option<Extension<V0>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let (shared, sent) = (app.clone(), headers.clone());
    let version = version.map(|Extension(version)| version);
    open(&app, client, &headers, version, upgrade, MAX_BYTES, move |mut connection| async move {
        let closing = match Box::pin(submit(&shared, &caller, &sent, version, &mut connection)).await {
            Ok(closing) | Err(closing) => closing,
        };
        connection.close(&closing).await;
    })
}

async fn submit(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    version: Option<V0>,
    connection: &mut Connection,
) -> Result<Closing, Closing> {
    let sent = order(app, connection).await?;
    let sent = sent.map(|message| if version.is_some() { v0::order(&message) } else { message });
    let placed = match sent {
        Ok(message) => place_message(app, &caller.account, headers, message.as_bytes()).await,
        Err(problem) => Err(problem),
    };
    match placed {
        Ok(placed) => Ok(follow_accepted(app, caller, connection, placed.id).await),
        Err(problem) => {
            connection.refuse(&problem, 0).await?;
            Ok(closing(problem.code))
        }
    }
}

/// The first text frame.
async fn order(app: &App, connection: &mut Connection) -> Result<Result<String, Problem>, Closing> {
    let shutdown = app.shell.shutdown();
    let late = tokio::time::sleep(ORDER_TIMEOUT);
    let mut late = std::pin::pin!(late);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return Err(Closing::GoingAway { seq: 0 }),
            () = late.as_mut() => {
                let detail = format!("no order arrived within {} seconds", ORDER_TIMEOUT.as_secs());
                return Ok(Err(Problem::new(Code::RequestTimeout, detail)));
            }
            inbound = connection.receive() => match inbound {
                Inbound::Text(text) => return Ok(Ok(text)),
                Inbound::Binary => {
                    let detail = "send the order as a text message";
                    return Ok(Err(Problem::new(Code::UnsupportedMediaType, detail)));
                }
                Inbound::Sign => {}
                Inbound::End(closing) => return Err(closing),
            },
        }
    }
}

fn closing(code: Code) -> Closing {
    let entry = code.entry();
    if matches!(code, Code::Internal) {
        Closing::Fault
    } else if matches!(code, Code::UnsupportedMediaType) {
        Closing::NotText
    } else if entry.retryable {
        Closing::Unavailable { seq: 0 }
    } else {
        Closing::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::Message;
    use super::*;

    #[test]
    fn a_refusal_keeps_its_wire_form_and_its_close_code_tells_whether_to_try_again() {
        let problem = Problem::new(Code::RateLimited, "slow down");
        let refusal = Message::Error { problem: problem.body(Some("r-1")) };
        assert_eq!(
            serde_json::to_string(&refusal).unwrap(),
            r#"{"type":"error","problem":{"type":"/docs/errors/rate_limited","title":"Too many requests","status":429,"detail":"slow down","code":"rate_limited","error":"slow down","retryable":true,"requestId":"r-1","errors":[]}}"#
        );
        assert_eq!(closing(Code::RateLimited), Closing::Unavailable { seq: 0 });
        assert_eq!(closing(Code::InvalidAmount), Closing::Refused);
        assert_eq!(closing(Code::Internal), Closing::Fault);
    }
}
