//! Requests in the forms of version 0.

use super::numbers::members;
use super::{V0, list};
use crate::http::body::Json;
use crate::http::problem::Problem;
use axum::body::Body;
use axum::extract::{FromRequest as _, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{Method, header};

/// Slippage of orders that set none.
const DEFAULT_MAX_SLIPPAGE: &str = "0.05";

/// The fields of requests that are read. Version 0 ignores all others.
const KNOWN: [&str; 8] =
    ["tokenIn", "tokenOut", "amount", "maxSlippage", "mode", "quoteId", "expiresAt", "idempotencyKey"];

/// The innermost layer: translates requests that are marked as of version 0.
pub(crate) async fn requests(request: Request, next: Next) -> Response {
    if request.extensions().get::<V0>().is_none() {
        return next.run(request).await;
    }
    let translated = match (request.method(), request.uri().path()) {
        (&Method::GET, "/api/orders") => return list::by_offset(request, next).await,
        (&Method::POST, "/api/orders/execute") => with_body(request, order).await,
        (&Method::POST, "/api/orders/quote") => with_body(request, known).await,
        _ => Ok(request),
    };
    match translated {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn with_body(request: Request, translate: fn(&str) -> String) -> Result<Request, Problem> {
    let (mut parts, body) = request.into_parts();
    let Json(bytes) = Json::from_request(Request::from_parts(parts.clone(), body), &()).await?;
    // What is no text is no JSON: the handler says so.
    let body = String::from_utf8(bytes)
        .map_or_else(|error| Body::from(error.into_bytes()), |text| Body::from(translate(&text)));
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Request::from_parts(parts, body))
}

/// A request for an order, with the slippage of version 0 if it has none.
pub(crate) fn order(body: &str) -> String {
    let slippage = format!("\"maxSlippage\":{DEFAULT_MAX_SLIPPAGE}");
    let given = |members: &[String]| members.iter().any(|member| member.starts_with("\"maxSlippage\":"));
    rewritten(body, |members| {
        if !given(members) {
            members.push(slippage);
        }
    })
}

/// A body without the fields that are not known.
fn known(body: &str) -> String {
    rewritten(body, |_| {})
}

/// A body with its known members and those of `add`. One that is no JSON object comes back as it is: the handlers
/// refuse it.
fn rewritten(body: &str, add: impl FnOnce(&mut Vec<String>)) -> String {
    let Ok(members) = members(body) else { return body.to_owned() };
    let mut kept: Vec<String> = members
        .into_iter()
        .filter(|(name, value)| KNOWN.contains(&name.as_str()) && value.get() != "null")
        .map(|(name, value)| format!("\"{name}\":{}", value.get()))
        .collect();
    add(&mut kept);
    format!("{{{}}}", kept.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_gets_the_old_slippage_and_loses_what_nobody_reads() {
        assert_eq!(
            order(r#"{"tokenIn":"SOL", "amount":1.50,"note":{"a":[1]},"orderType":"market"}"#),
            r#"{"tokenIn":"SOL","amount":1.50,"maxSlippage":0.05}"#
        );
        assert_eq!(order(r#"{"maxSlippage":null}"#), r#"{"maxSlippage":0.05}"#);
        assert_eq!(order(r#"{"maxSlippage":"0.01"}"#), r#"{"maxSlippage":"0.01"}"#);
        assert_eq!(order("{}"), r#"{"maxSlippage":0.05}"#);
        for body in ["", "[]", "{", "7", "{\"a\":}", "{} x"] {
            assert_eq!(order(body), body, "{body}");
        }
    }
}
