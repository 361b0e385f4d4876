//! Answers in the forms of version 0.

use super::numbers::{members, numbers};
use super::{Compatibility, MEDIA_TYPE, V0, is_translated, is_wanted};
use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::response::Parts;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

/// Largest answer that is translated, in bytes: several times the largest there is.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// The outermost layer: marks requests for version 0, and translates their answers.
pub(crate) async fn answers(
    State(default): State<Compatibility>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    if !is_translated(&path) {
        return next.run(request).await;
    }
    let wanted = is_wanted(request.headers(), default);
    if wanted {
        request.extensions_mut().insert(V0);
    }
    let by_header = is_wanted(request.headers(), Compatibility::Current);
    let mut response = next.run(request).await;
    // The same path has two forms, and caches are to know.
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    if wanted { translated(response, &path, by_header).await } else { response }
}

async fn translated(response: Response, path: &str, by_header: bool) -> Response {
    let (mut parts, body) = response.into_parts();
    if !is_json(&parts) {
        return Response::from_parts(parts, body);
    }
    let bytes = match to_bytes(body, MAX_BYTES).await {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!(%error, path, "an answer is not translated into version 0");
            return Problem::new(Code::Internal, "the answer cannot be translated; the log has the details")
                .into_response();
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    let text = if text.is_empty() { String::new() } else { form(parts.status, path, &text) };
    if parts.status == StatusCode::ACCEPTED {
        parts.status = StatusCode::OK;
    }
    let media_type = if by_header { MEDIA_TYPE } else { "application/json" };
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(text))
}

/// True for JSON, and for problem documents.
fn is_json(parts: &Parts) -> bool {
    let declared = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    declared.is_some_and(|declared| declared.starts_with("application/") && declared.ends_with("json"))
}

fn form(status: StatusCode, path: &str, text: &str) -> String {
    let member = |name: &str| {
        let members = members(text).ok()?;
        members.into_iter().find(|(member, _)| member == name).map(|(_, value)| value.get().to_owned())
    };
    if status.is_client_error() || status.is_server_error() {
        let error = member("error").unwrap_or_else(|| json!(status.to_string()).to_string());
        return format!("{{\"error\":{error}}}");
    }
    match path {
        "/api/orders" => numbers(&member("orders").unwrap_or_else(|| text.to_owned())),
        _ => numbers(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_an_object_with_the_text_alone() {
        let problem = r#"{"type":"/docs/errors/x","error":"no \"such\" order","errors":[]}"#;
        assert_eq!(form(StatusCode::NOT_FOUND, "/api/orders/7", problem), r#"{"error":"no \"such\" order"}"#);
        let bare = form(StatusCode::BAD_GATEWAY, "/api/orders", "no JSON");
        assert_eq!(bare, r#"{"error":"502 Bad Gateway"}"#);
    }

    #[test]
    fn a_list_is_an_array() {
        let page = r#"{"orders":[{"amount":"1"}],"nextCursor":null}"#;
        assert_eq!(form(StatusCode::OK, "/api/orders", page), r#"[{"amount":1}]"#);
    }
}
