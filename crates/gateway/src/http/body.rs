//! Reads request bodies: requires `Content-Type: application/json`, limits size and read time.

use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use crate::http::turn::Turn;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use futures_util::StreamExt as _;
use http::{HeaderMap, header};
use std::time::Duration;

/// Largest body, in bytes: an order has a few hundred.
pub(crate) const MAX_BYTES: usize = 16 * 1024;

/// Time for a body to arrive.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The bytes of a body with the content type JSON.
#[derive(Debug)]
pub(crate) struct Json(pub(crate) Vec<u8>);

impl<S: Sync> FromRequest<S> for Json {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                Code::UnsupportedMediaType,
                "send the body as JSON, with the header Content-Type: application/json",
            ));
        }
        // Requests that wait for their bodies would keep the turns from the client's others.
        let turn = request.extensions().get::<Turn>().cloned();
        turn.iter().for_each(Turn::give_back);
        let collected = tokio::time::timeout(TIMEOUT, collect(request.into_body())).await;
        if let Some(turn) = turn {
            turn.take_again().await;
        }
        match collected {
            Ok(bytes) => bytes.map(Self),
            Err(_) => Err(Problem::new(
                Code::RequestTimeout,
                format!("the body did not arrive within {} seconds", TIMEOUT.as_secs()),
            )),
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = declared.and_then(|text| text.split(';').next()).map(str::trim);
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
}

async fn collect(body: Body) -> Result<Vec<u8>, Problem> {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| {
            Problem::new(Code::MalformedJson, "the connection ended before the body was complete")
        })?;
        if bytes.len().saturating_add(chunk.len()) > MAX_BYTES {
            return Err(Problem::new(
                Code::BodyTooLarge,
                format!("the body has more than {MAX_BYTES} bytes"),
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(content_type: Option<&str>, body: Body) -> Result<usize, Code> {
        let mut request = Request::post("/");
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let json = Json::from_request(request.body(body).unwrap(), &()).await;
        json.map(|json| json.0.len()).map_err(|problem| problem.code)
    }

    #[tokio::test]
    async fn content_type_must_be_json() {
        for declared in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
            assert_eq!(read(Some(declared), Body::from("{}")).await, Ok(2), "{declared}");
        }
        for declared in [None, Some("text/plain"), Some("application/jsonp"), Some("")] {
            assert_eq!(read(declared, Body::from("{}")).await, Err(Code::UnsupportedMediaType));
        }
    }

    #[tokio::test]
    async fn body_size_limit_is_exact() {
        let body = |length| Body::from(vec![b' '; length]);
        assert_eq!(read(Some("application/json"), body(MAX_BYTES)).await, Ok(MAX_BYTES));
        assert_eq!(read(Some("application/json"), body(MAX_BYTES + 1)).await, Err(Code::BodyTooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn body_that_does_not_arrive_times_out() {
        let never = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
        assert_eq!(read(Some("application/json"), never).await, Err(Code::RequestTimeout));
    }
}
