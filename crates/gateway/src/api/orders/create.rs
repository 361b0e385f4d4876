//! `POST /api/orders/execute`, and the one code path that places an order, for REST and WebSocket.

use super::idempotency;
use super::intent::intent;
use super::request::{OrderBody, OrderRequest};
use super::response::Receipt;
use crate::access::Caller;
use crate::api::schema::IdempotencyKey;
use crate::http::body;
use crate::http::problem::Problem;
use crate::metrics;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use journal::{Acceptance, Accepted, Idempotency};
use order_core::AccountId;
use order_core::order::{Id, Status};
use uuid::Uuid;

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Places a market order.
///
/// With a 202, the order is durable and will end. Follow it at its WebSocket.
#[utoipa::path(
    post, path = "/api/orders/execute", operation_id = "placeOrder", tag = "Orders",
    request_body(content = OrderBody, description = "The order"),
    params(("Idempotency-Key" = Option<IdempotencyKey>, Header, description = "The same key with the same order returns the same order. Text of 1 to 255 visible ASCII characters, bare or in quotes as a string of RFC 9651: `k-1` and `\"k-1\"` are the same key. Keys are kept for ever")),
    responses(
        (status = 202, body = Receipt, description = "The order is durable and will end", headers(
            ("Location" = String, description = "Path of the order"),
            ("Idempotent-Replayed" = String, description = "`true` if the key was used before"),
        )),
        (status = 422, description = "The request is not valid; nothing was recorded"),
        (status = 429, description = "Too many requests"),
        (status = 503, description = "A dependency does not answer, too many orders are open, or trading is halted. With the code `outcome_unknown` or `timeout`, the order may have been recorded: send it again with the same key"),
    ),
)]
pub(crate) async fn execute(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    body::Json(body): body::Json,
) -> Result<Response, Problem> {
    let placed = place(&app, &caller.account, &headers, &body).await?;
    Ok(answer(placed))
}

fn answer(placed: Placed) -> Response {
    let receipt = Receipt::of(placed.id, Status::Pending);
    let mut response = (StatusCode::ACCEPTED, Json(receipt)).into_response();
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::try_from(format!("/api/orders/{}", placed.id)) {
        headers.insert(header::LOCATION, location);
    }
    if placed.replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// An accepted order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) id: Id,
    /// True if an earlier request with the same key placed it.
    pub(crate) replayed: bool,
}

/// Accepts an order of the account. The returned order is durable.
///
/// # Errors
/// The request is not valid, or cannot be fulfilled now. Nothing was recorded, unless the problem
/// says that it may have been.
pub(crate) async fn place(
    app: &App,
    account: &AccountId,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Placed, Problem> {
    place_parsed(app, account, idempotency::key(headers)?, OrderRequest::parse(body), body).await
}

/// As [`place`], for the first message of a WebSocket, which may have the idempotency key as a field.
///
/// # Errors
/// As [`place`].
pub(crate) async fn place_message(
    app: &App,
    account: &AccountId,
    headers: &HeaderMap,
    message: &[u8],
) -> Result<Placed, Problem> {
    let header = idempotency::key(headers)?;
    let (parsed, field) = match OrderRequest::parse_message(message) {
        Ok((order, field)) => (Ok(order), field),
        Err(problem) => (Err(problem), None),
    };
    place_parsed(app, account, idempotency::agreed(header, field)?, parsed, message).await
}

async fn place_parsed(
    app: &App,
    account: &AccountId,
    key: Option<String>,
    parsed: Result<OrderRequest, Problem>,
    body: &[u8],
) -> Result<Placed, Problem> {
    let idempotency =
        key.map(|key| Idempotency { key, request_hash: idempotency::fingerprint(&parsed, body) });
    // An accepted request is answered with its order even if it would be refused by now.
    if let Some(idempotency) = &idempotency
        && let Some(id) = idempotency::replay(app, account, idempotency).await?
    {
        return Ok(Placed { id, replayed: true });
    }
    let order = parsed?.resolve(&app.registry).await?;
    let intent = intent(app, account, order).await?;
    let acceptance = Acceptance {
        id: Id(Uuid::now_v7()),
        intent,
        account: account.clone(),
        idempotency,
        traceparent: service::trace::traceparent(),
    };
    accept(app, acceptance).await
}

async fn accept(app: &App, acceptance: Acceptance) -> Result<Placed, Problem> {
    let (id, account) = (acceptance.id, acceptance.account.clone());
    let traceparent = acceptance.traceparent.clone();
    let accepted = match app.journal.orders.accept(acceptance.clone()).await {
        // The same id makes this a repeat: it reports the outcome of the first try.
        Err(unknown @ journal::Error::Unknown { .. }) => {
            settled(unknown, app.journal.orders.accept(acceptance).await)
        }
        accepted => accepted,
    }
    .map_err(Problem::accepting)?;
    match accepted {
        Accepted::New => {
            app.admission.add(&account);
            metrics::accepted();
            app.dispatcher.dispatch(id, traceparent);
            tracing::info!(order.id = %id, "order accepted");
            Ok(Placed { id, replayed: false })
        }
        Accepted::Replayed { id } => Ok(Placed { id, replayed: true }),
        Accepted::Conflict { .. } => Err(idempotency::reused()),
        Accepted::Halted => Err(super::intent::halted()),
    }
}

/// The outcome after a second try. If the second recorded nothing, the first may still have.
fn settled(
    unknown: journal::Error,
    again: Result<Accepted, journal::Error>,
) -> Result<Accepted, journal::Error> {
    match again {
        Err(
            journal::Error::Unavailable { .. }
            | journal::Error::Unknown { .. }
            | journal::Error::Overloaded { .. }
            | journal::Error::NotMigrated { .. },
        ) => Err(unknown),
        Ok(_) | Err(journal::Error::Refused { .. } | journal::Error::Corrupt { .. }) => again,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::error_codes::Code;
    use crate::tests::example;

    #[test]
    fn second_try_that_records_nothing_leaves_the_outcome_unknown() {
        let cause = crate::tests::database_away();
        let unknown = journal::Error::Unknown { doing: "accept", cause: cause.clone() };
        let code = |again| settled(unknown.clone(), again).map_err(|error| Problem::accepting(error).code);
        for again in [
            journal::Error::Unavailable { doing: "accept", cause },
            journal::Error::Overloaded { doing: "accept" },
            journal::Error::NotMigrated { version: 1 },
            unknown.clone(),
        ] {
            assert_eq!(code(Err(again)), Err(Code::OutcomeUnknown));
        }
        let refused = journal::Error::Refused { doing: "accept", rule: "a rule".to_owned() };
        assert_eq!(code(Err(refused)), Err(Code::Internal));
        assert_eq!(code(Ok(Accepted::New)), Ok(Accepted::New));
    }

    #[tokio::test]
    async fn a_receipt_keeps_its_wire_form() {
        let response = answer(Placed { id: example::id(), replayed: true });
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert_eq!(response.headers()["location"], "/api/orders/00000000-0000-0000-0000-000000000007");
        assert_eq!(response.headers()["idempotent-replayed"], "true");
        let body = axum::body::to_bytes(response.into_body(), 1_000).await.unwrap();
        assert_eq!(
            &body[..],
            br#"{"orderId":"00000000-0000-0000-0000-000000000007","status":"pending","message":"Order received and queued"}"#
        );
        let fresh = answer(Placed { id: example::id(), replayed: false });
        assert!(!fresh.headers().contains_key("idempotent-replayed"));
    }
}
