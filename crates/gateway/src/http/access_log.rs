//! The outermost layer: request id, trace, timeout, log line and metrics of every request.

use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::Instant;
use tracing::Instrument as _;
use uuid::Uuid;

/// Header with the request id.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Timeout of a request. Longer than every timeout of the calls it makes, so that those expire first.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Longest request id that is taken from a client.
const MAX_REQUEST_ID: usize = 128;

/// Runs a request in its span, and adds its id to the response.
pub(crate) async fn record(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unknown".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!("request", http.method = %method, http.route = %route, request.id = %id);
    if let Some(sent) =
        request.headers().get(service::trace::TRACEPARENT).and_then(|value| value.to_str().ok())
    {
        service::trace::continue_from(&span, sent);
    }
    let value = HeaderValue::try_from(&id).ok();
    if let Some(value) = value.clone() {
        // WebSockets repeat it in their refusals.
        request.headers_mut().insert(REQUEST_ID, value);
    }
    let is_api = request.uri().path().starts_with("/api/");
    let response = match request.extensions_mut().remove::<Problem>() {
        // The server has refused it before.
        Some(problem) => problem.into_response(),
        None => answer(request, next).instrument(span.clone()).await,
    };
    let mut response = named(response, &id);
    if let Some(value) = value {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    secure(response.headers_mut(), is_api);
    let status = response.status();
    let elapsed = started.elapsed();
    span.in_scope(|| {
        let ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        if status.is_server_error() {
            tracing::warn!(http.status = status.as_u16(), ms, "request answered");
        } else {
            tracing::debug!(http.status = status.as_u16(), ms, "request answered");
        }
    });
    crate::metrics::answered(route, known(&method), status.as_str(), elapsed);
    response
}

async fn answer(request: Request, next: Next) -> Response {
    let running = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(TIMEOUT, running).await {
        Ok(Ok(response)) => response,
        // The panic hook has logged the panic.
        Ok(Err(_)) => Problem::new(Code::Internal, "internal error; the log has the details").into_response(),
        Err(_) => Problem::new(
            Code::Timeout,
            format!("no response within {} seconds; an order may have been recorded: send it again with the same Idempotency-Key to be sure", TIMEOUT.as_secs()),
        )
        .into_response(),
    }
}

/// Sets the headers that keep browsers and caches from doing more with an answer than they should.
fn secure(headers: &mut HeaderMap, is_api: bool) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_api {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
}

/// The request id: the client's, or a new one.
fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| {
            (1..=MAX_REQUEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
        })
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

/// Adds the request id to a problem document.
fn named(mut response: Response, id: &str) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let mut named = problem.answer(Some(id));
    for (name, value) in response.headers() {
        if name != header::CONTENT_LENGTH && !named.headers().contains_key(name) {
            named.headers_mut().append(name, value.clone());
        }
    }
    named
}

/// The method as a metric label. Clients may invent methods and labels are never dropped, so the set is fixed.
fn known(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_the_api_are_not_stored_unless_they_say_so() {
        let mut headers = HeaderMap::new();
        secure(&mut headers, true);
        assert_eq!(
            (&headers["cache-control"], &headers["x-content-type-options"]),
            (&"no-store".parse().unwrap(), &"nosniff".parse().unwrap())
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        secure(&mut headers, true);
        assert_eq!(headers["cache-control"], "no-cache");
    }

    #[test]
    fn request_id_that_would_break_a_log_line_is_replaced() {
        let named = |name: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(name).unwrap());
            request_id(&headers)
        };
        assert_eq!(named("client-7"), "client-7");
        for name in ["", "a b", &"x".repeat(129)] {
            assert!(Uuid::parse_str(&named(name)).is_ok(), "{name}");
        }
    }
}
