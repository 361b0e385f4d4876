//! `/api/openapi.json`, `/docs` and `/docs/errors`.

use crate::http::error_codes::Code;
use crate::http::etag;
use crate::state::App;
use axum::Router;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::header;
use std::fmt::Write as _;
use utoipa::openapi::OpenApi;

const PAGE: &str = include_str!("index.html");
const STYLE: &str = include_str!("style.css");

/// Content security policy: the pages load nothing from other hosts and send nothing there.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The routes of the pages and of the OpenAPI document.
pub(crate) fn router(openapi: &OpenApi) -> Router<App> {
    // Shared: a client that reads slowly holds no copy.
    let description = Bytes::from(openapi.to_json().unwrap_or_default());
    let page = PAGE.replace("/*STYLE*/", STYLE);
    let errors = errors();
    Router::new()
        .route(
            "/api/openapi.json",
            get(async move || ([(header::CONTENT_TYPE, "application/json")], description))
                .route_layer(from_fn(etag::tagged)),
        )
        .route("/docs", get(async move || html(page)))
        .route("/docs/errors", get(async move || html(errors)))
}

fn html(page: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, page).into_response()
}

/// The page of error codes.
fn errors() -> String {
    let mut rows = String::new();
    for code in Code::all() {
        let entry = code.entry();
        // Writing to a string cannot fail.
        let _ = writeln!(
            rows,
            "<tr id=\"{name}\"><td><a href=\"#{name}\"><code>{name}</code></a></td><td>{status}</td><td>{retryable}</td><td><b>{title}.</b> {explanation}</td></tr>",
            name = entry.name,
            status = entry.status.as_u16(),
            retryable = if entry.retryable { "yes" } else { "no" },
            title = entry.title,
            explanation = code.explanation(),
        );
    }
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>Codes</title><style>{STYLE}</style>\
         <h1>Codes</h1><p>Every error has one of these codes: in <code>application/problem+json</code> responses, on WebSockets, in an order's <code>error</code>, \
         and as the reason of <code>google.rpc.ErrorInfo</code> over gRPC. Programs should use the code; the texts may change. <a href=\"/docs\">All operations</a></p>\
         <table><thead><tr><th>Code</th><th>Status</th><th>Retry</th><th>Meaning</th></tr></thead><tbody>\n{rows}</tbody></table></html>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_place_on_the_page() {
        let page = errors();
        for code in Code::all() {
            assert!(page.contains(&format!("<tr id=\"{}\">", code.entry().name)));
        }
    }

    #[test]
    fn the_pages_load_nothing_from_elsewhere() {
        for page in [PAGE, STYLE, &errors()] {
            for source in ["src=\"http", "href=\"http", "src=\"//", "@import", "url("] {
                assert!(!page.contains(source), "{source}");
            }
        }
        assert!(PAGE.contains("/*STYLE*/"));
    }
}
