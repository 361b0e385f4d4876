//! Lists by `offset`: the current version pages by cursor, so the pages before are read and passed over.

use super::numbers::members;
use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header;
use http::request::Parts;
use http::{HeaderValue, StatusCode, Uri};

/// Highest offset: ten pages are passed over at most.
const MAX_OFFSET: u32 = 1_000;

/// Most orders on a page.
const PAGE: u32 = 100;

/// Largest page, in bytes: several times the largest there is.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// A list whose query may have an `offset`.
pub(super) async fn by_offset(request: Request, next: Next) -> Response {
    let (parts, _) = request.into_parts();
    match passed_over(&parts, &next).await {
        Ok(Start::Cursor(query)) => page(&parts, &next, &query).await,
        Ok(Start::BehindTheLast) => {
            let empty = Body::from("{\"orders\":[],\"nextCursor\":null}");
            let json = HeaderValue::from_static("application/json");
            ([(header::CONTENT_TYPE, json)], empty).into_response()
        }
        Err(response) => *response,
    }
}

/// The place where a page begins.
enum Start {
    /// The query with the cursor.
    Cursor(Query),
    /// There is no order any more.
    BehindTheLast,
}

/// The parameters of a query without `offset`, as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Query(Vec<String>);

impl Query {
    /// The query, and its offset.
    fn read(text: &str) -> Result<(Self, u32), Problem> {
        let mut parameters: Vec<String> =
            text.split('&').filter(|parameter| !parameter.is_empty()).map(str::to_owned).collect();
        let given = parameters.iter().find_map(|parameter| parameter.strip_prefix("offset="));
        let offset = given.map_or(Ok(0), |text| text.parse::<u32>());
        let offset = offset.ok().filter(|offset| *offset <= MAX_OFFSET).ok_or_else(|| {
            Problem::field(Code::InvalidRequest, "offset", format!("must be a number from 0 to {MAX_OFFSET}"))
        })?;
        parameters.retain(|parameter| !parameter.starts_with("offset="));
        Ok((Self(parameters), offset))
    }

    /// The query with another value of a parameter.
    fn with(&self, name: &str, value: &str) -> Self {
        let prefix = format!("{name}=");
        let others = self.0.iter().filter(|parameter| !parameter.starts_with(&prefix)).cloned();
        Self(others.chain([format!("{prefix}{value}")]).collect())
    }

    fn uri(&self) -> Result<Uri, http::uri::InvalidUri> {
        format!("/api/orders?{}", self.0.join("&")).parse()
    }
}

/// Reads the pages before the offset. The error is the answer.
async fn passed_over(parts: &Parts, next: &Next) -> Result<Start, Box<Response>> {
    let (mut query, mut offset) = Query::read(parts.uri.query().unwrap_or_default())
        .map_err(|problem| Box::new(problem.into_response()))?;
    while offset > 0 {
        let limit = offset.min(PAGE);
        let response = page(parts, next, &query.with("limit", &limit.to_string())).await;
        if response.status() != StatusCode::OK {
            return Err(Box::new(response));
        }
        let Some(cursor) = next_cursor(response).await else { return Ok(Start::BehindTheLast) };
        query = query.with("cursor", &cursor);
        offset -= limit;
    }
    Ok(Start::Cursor(query))
}

async fn page(parts: &Parts, next: &Next, query: &Query) -> Response {
    let mut parts = parts.clone();
    match query.uri() {
        Ok(uri) => parts.uri = uri,
        Err(error) => return Problem::new(Code::InvalidRequest, error.to_string()).into_response(),
    }
    next.clone().run(Request::from_parts(parts, Body::empty())).await
}

async fn next_cursor(response: Response) -> Option<String> {
    let bytes = to_bytes(response.into_body(), MAX_BYTES).await.ok()?;
    let members = members(std::str::from_utf8(&bytes).ok()?).ok()?;
    let (_, cursor) = members.into_iter().find(|(name, _)| name == "nextCursor")?;
    serde_json::from_str(cursor.get()).ok()?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_is_taken_out_of_the_query() {
        let (query, offset) = Query::read("limit=10&offset=250&status=failed").unwrap();
        assert_eq!((query.0.join("&").as_str(), offset), ("limit=10&status=failed", 250));
        assert_eq!(query.with("limit", "100").uri().unwrap(), "/api/orders?status=failed&limit=100");
        assert_eq!(Query::read("").unwrap(), (Query(Vec::new()), 0));
        for wrong in ["offset=1001", "offset=-1", "offset=x", "offset="] {
            assert!(Query::read(wrong).is_err(), "{wrong}");
        }
    }
}
