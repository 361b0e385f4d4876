//! The documents and pages that explain the gateway: `/`, `/docs`, `/api/openapi.json`, `/api/asyncapi.json`.

mod asyncapi;
mod compatibility;
mod contract;
mod errors;
mod page;
mod start;

use self::page::{Page, TRY_POLICY, asset};
use crate::http::error_codes::Code;
use crate::http::etag::Document;
use crate::http::problem::Problem;
use crate::state::App;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use std::sync::Arc;
use utoipa::openapi::OpenApi;

/// Style of our own pages.
const STYLE: &str = include_str!("style.css");

/// Icon of all pages.
const ICON: &str = include_str!("icon.svg");

/// Starts Swagger UI.
const TRY: &str = include_str!("try.js");

/// Files that the page with Swagger UI loads.
const TRY_HEAD: &str = "<link rel=\"stylesheet\" href=\"/docs/assets/swagger-ui.css\">\n\
    <link rel=\"stylesheet\" href=\"/docs/assets/try.css\">\n\
    <script defer src=\"/docs/assets/swagger-ui-bundle.js\"></script>\n\
    <script defer src=\"/docs/assets/try.js\"></script>\n";

/// Corrections of Swagger UI's style: contrast, and lines that are too long for small screens.
const TRY_STYLE: &str = include_str!("try.css");

/// The routes of the pages and documents.
pub(crate) fn router(openapi: &OpenApi) -> Router<App> {
    let mut openapi = openapi.clone();
    contract::complete(&mut openapi);
    // Shared: a client that reads slowly holds no copy.
    let asyncapi = Document::new(Bytes::from(asyncapi::document(&openapi).to_string()));
    contract::leave_out_sockets(&mut openapi);
    let openapi = Document::new(Bytes::from(openapi.to_json().unwrap_or_default()));
    Router::new()
        .route("/", get(start::start))
        .route("/api/openapi.json", get(async move |headers: HeaderMap| openapi.respond(&headers)))
        .route("/api/asyncapi.json", get(async move |headers: HeaderMap| asyncapi.respond(&headers)))
        .route("/docs", get(operations))
        .route("/docs/errors", get(async |State(app): State<App>| errors::list().respond(app.environment())))
        .route("/docs/errors/{code}", get(error))
        .route(
            "/docs/compatibility",
            get(async |State(app): State<App>| compatibility::page().respond(app.environment())),
        )
        .route("/docs/assets/{file}", get(file))
}

/// All operations, with forms to try them: Swagger UI.
async fn operations(State(app): State<App>) -> Response {
    let page = Page {
        title: "Operations".to_owned(),
        head: TRY_HEAD,
        main: "<div id=\"operations\"><p>Loading the operations. They need JavaScript; \
               <a href=\"/api/openapi.json\">the document</a> does not.</p></div>\n"
            .to_owned(),
        is_wide: true,
        policy: TRY_POLICY,
    };
    page.respond(app.environment())
}

async fn error(State(app): State<App>, Path(code): Path<String>) -> Result<Response, Problem> {
    let page = errors::page(&code).ok_or_else(unknown_page)?;
    Ok(page.respond(app.environment()))
}

async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    match name.as_str() {
        "icon.svg" => Ok(asset("image/svg+xml", ICON)),
        "style.css" => Ok(asset("text/css", STYLE)),
        "try.css" => Ok(asset("text/css", TRY_STYLE)),
        "try.js" => Ok(asset("text/javascript", TRY)),
        "swagger-ui.css" => swagger("text/css", "swagger-ui.css"),
        "swagger-ui-bundle.js" => swagger("text/javascript", "swagger-ui-bundle.js"),
        _ => Err(unknown_page()),
    }
}

/// A file of Swagger UI, which the binary holds compressed.
fn swagger(content_type: &'static str, name: &str) -> Result<Response, Problem> {
    let config = Arc::new(utoipa_swagger_ui::Config::default());
    let Ok(Some(file)) = utoipa_swagger_ui::serve(name, config) else { return Err(unknown_page()) };
    let mut response = asset(content_type, file.bytes.into_owned());
    if file.gzpipped {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

fn unknown_page() -> Problem {
    Problem::new(Code::NotFound, "this page does not exist; GET /docs lists all operations")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_load_nothing_from_elsewhere() {
        let pages =
            [errors::list(), compatibility::page()].map(|page| page.html(order_core::Environment::Live));
        for text in [STYLE, TRY, TRY_STYLE, TRY_HEAD].into_iter().chain(pages.iter().map(String::as_str)) {
            for source in ["src=\"http", "href=\"http", "src=\"//", "@import", "url("] {
                assert!(!text.contains(source), "{source}");
            }
        }
    }

    #[test]
    fn swagger_ui_is_in_the_program() {
        for name in ["swagger-ui.css", "swagger-ui-bundle.js"] {
            assert!(swagger("text/plain", name).is_ok(), "{name}");
        }
    }
}
