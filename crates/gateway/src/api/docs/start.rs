//! The start page: short HTML for people, JSON for programs.

use super::page::Page;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use serde_json::json;

/// Answers people with a page and programs with JSON, as the header `Accept` tells.
pub(super) async fn start(State(app): State<App>, headers: HeaderMap) -> Response {
    let mut response = if accepts_html(&headers) {
        page().respond(app.environment())
    } else {
        Json(json!({
            "name": "Order execution",
            "version": env!("CARGO_PKG_VERSION"),
            "environment": app.environment(),
            "links": {
                "openapi": "/api/openapi.json",
                "asyncapi": "/api/asyncapi.json",
                "docs": "/docs",
                "errors": "/docs/errors",
                "health": "/health",
            },
        }))
        .into_response()
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

fn accepts_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|range| range.trim().starts_with("text/html"))
}

fn page() -> Page {
    let main = "<p>Executes orders on Solana’s exchanges: finds the best route over the pools, enforces the minimum \
        output on the chain, lands at most one swap per order, and reports every event.</p>\n\
        <h2>For people</h2>\n<ul><li><a href=\"/docs\">All operations</a>, to read and to try</li>\
        <li><a href=\"/docs/errors\">All error codes</a></li><li><a href=\"/docs/compatibility\">Differences from \
        the original API</a></li></ul>\n\
        <h2>For programs</h2>\n<ul><li><a href=\"/api/openapi.json\">OpenAPI 3.1</a>: HTTP</li>\
        <li><a href=\"/api/asyncapi.json\">AsyncAPI 3.0</a>: WebSockets</li>\
        <li><a href=\"/health\">Health</a></li></ul>\n";
    Page::text("Order execution", main.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_browsers_ask_for_html() {
        let html = |accept: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            }
            accepts_html(&headers)
        };
        assert!(html(Some("text/html,application/xhtml+xml,*/*;q=0.8")));
        assert!(html(Some("application/json, text/html;q=0.5")));
        for program in [None, Some("*/*"), Some("application/json")] {
            assert!(!html(program), "{program:?}");
        }
    }
}
