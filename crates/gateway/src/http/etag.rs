//! `ETag` of answers that seldom change, and 304 for who has the same one already.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};

use crate::http::error_codes::Code;
use crate::http::problem::Problem;

/// Largest answer with a tag, in bytes: several times the largest there is.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of the hash that are in a tag.
const TAG_BYTES: usize = 16;

/// Tags a successful answer, or answers 304 if the client has it.
pub(crate) async fn tagged(request: Request, next: Next) -> Response {
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    if response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_BYTES).await else {
        return Problem::new(Code::Internal, "the answer is too large").into_response();
    };
    let tag = tag(&bytes);
    let same = known.is_some_and(|known| matches(&known, &tag));
    describe(&mut parts.headers, tag);
    if same {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.remove(header::CONTENT_TYPE);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// A JSON document that never changes. Its tag is made once.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    bytes: Bytes,
    tag: HeaderValue,
}

impl Document {
    /// A document of these bytes.
    pub(crate) fn new(bytes: Bytes) -> Self {
        let tag = tag(&bytes);
        Self { bytes, tag }
    }

    /// The document, or 304 if the client has it.
    pub(crate) fn respond(&self, request: &HeaderMap) -> Response {
        let known = request.get(header::IF_NONE_MATCH);
        let mut response = if known.is_some_and(|known| matches(known, &self.tag)) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(header::CONTENT_TYPE, "application/json")], self.bytes.clone()).into_response()
        };
        describe(response.headers_mut(), self.tag.clone());
        response
    }
}

/// The tag is weak: the compressed answer has the same one.
fn tag(bytes: &[u8]) -> HeaderValue {
    let hash = Sha256::digest(bytes);
    let digits: String = hash.iter().take(TAG_BYTES).map(|byte| format!("{byte:02x}")).collect();
    // Hexadecimal digits in quotes are always a value.
    HeaderValue::try_from(format!("W/\"{digits}\"")).unwrap_or(HeaderValue::from_static("W/\"\""))
}

/// True if `If-None-Match` lists the tag, whether as a weak or a strong one.
fn matches(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let (Ok(known), Ok(tag)) = (known.to_str(), tag.to_str()) else { return false };
    known.split(',').any(|known| known.trim() == "*" || opaque(known) == opaque(tag))
}

fn describe(headers: &mut HeaderMap, tag: HeaderValue) {
    headers.insert(header::ETAG, tag);
    // It may be kept, and must be asked for again.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly() {
        let tag = HeaderValue::from_static("W/\"ab\"");
        for known in ["W/\"ab\"", "\"ab\"", "\"x\", W/\"ab\"", "*"] {
            assert!(matches(&HeaderValue::from_static(known), &tag), "{known}");
        }
        for known in ["\"a\"", "ab\"", ""] {
            assert!(!matches(&HeaderValue::from_static(known), &tag), "{known}");
        }
    }

    #[test]
    fn a_tag_is_of_the_bytes() {
        assert_eq!(tag(b"x"), tag(b"x"));
        assert_ne!(tag(b"x"), tag(b"y"));
        assert_eq!(tag(b"").len(), "W/\"\"".len() + TAG_BYTES * 2);
    }
}
