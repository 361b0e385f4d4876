//! `POST /api/orders/execute`

use crate::http::body;
use crate::http::problem::{self, Problem};
use crate::place::{Placed, place};
use crate::state::App;
use crate::{request, view};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use order_core::order::{Id, Status};
use serde::Serialize;
use utoipa::ToSchema;

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// An order was accepted, or cancelled.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Receipt {
    #[schema(value_type = uuid::Uuid)]
    order_id: Id,
    #[schema(value_type = String, example = "pending")]
    status: Status,
    #[schema(example = "Order received and queued")]
    message: &'static str,
}

impl Receipt {
    pub(crate) fn of(order_id: Id, status: Status) -> Self {
        Self { order_id, status, message: view::message(status) }
    }
}

/// Places a market order.
///
/// When this answers 202, the order is durable and will end. Follow it at its WebSocket.
#[utoipa::path(
    post, path = "/api/orders/execute", tag = "Orders",
    request_body = request::OrderBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters. The same key with the same body answers with the same order")),
    responses(
        (status = 202, body = Receipt, headers(
            ("Location" = String, description = "Where the order is"),
            ("Idempotent-Replayed" = String, description = "`true` if the key was used before"),
        )),
        (status = 400, description = "The body is not JSON", body = problem::Body, content_type = "application/problem+json"),
        (status = 413, description = "The body is over 16 KiB", body = problem::Body, content_type = "application/problem+json"),
        (status = 415, description = "The body is not declared as JSON", body = problem::Body, content_type = "application/problem+json"),
        (status = 422, description = "Something is wrong with the request; nothing was recorded", body = problem::Body, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = problem::Body, content_type = "application/problem+json"),
        (status = 503, description = "What is needed does not answer, or too many orders are waiting", body = problem::Body, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn execute(
    State(app): State<App>,
    headers: HeaderMap,
    body::Json(body): body::Json,
) -> Result<Response, Problem> {
    let placed = place(&app, &headers, &body).await?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::example;

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
