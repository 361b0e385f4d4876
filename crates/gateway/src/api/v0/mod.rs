//! The forms of the original Order Execution API, for clients that ask for them: version 0.
//!
//! There is one path into orders. This module translates requests before the handlers see them, and answers after
//! everybody else has: numbers in place of decimal strings, a bare list, status 200, `{"error"}`. Amounts stay text
//! all the way: a number is the same digits without quotes.

mod answer;
mod list;
mod numbers;
mod request;

pub(crate) use answer::answers;
pub(crate) use numbers::numbers;
pub(crate) use request::{order, requests};

use clap::ValueEnum;
use http::{HeaderMap, header};

/// The media type by which a client asks for version 0.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.order-execution.v0+json";

/// The media type by which a client asks for the current version where the other is the default.
const CURRENT_MEDIA_TYPE: &str = "application/vnd.order-execution.v1+json";

/// The version of clients that ask for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Compatibility {
    /// The version of the documents at /docs.
    Current,
    /// The original Order Execution API.
    V0,
}

/// Mark of a request that is answered in version 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct V0;

/// True if the client gets version 0.
fn is_wanted(headers: &HeaderMap, default: Compatibility) -> bool {
    let accepts = |media_type: &str| {
        let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let mut types = values.flat_map(|value| value.split(',')).filter_map(|item| item.split(';').next());
        types.any(|item| item.trim().eq_ignore_ascii_case(media_type))
    };
    accepts(MEDIA_TYPE) || (default == Compatibility::V0 && !accepts(CURRENT_MEDIA_TYPE))
}

/// True for the paths that the original has: the API, without the documents that describe the current version.
fn is_translated(path: &str) -> bool {
    let documents = ["/api/openapi.json", "/api/asyncapi.json"];
    path.starts_with("/api/") && !documents.contains(&path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_asked_for_by_its_media_type() {
        let wanted = |accept: Option<&str>, default| {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, accept.parse().unwrap());
            }
            is_wanted(&headers, default)
        };
        for accept in [MEDIA_TYPE, "text/html, application/vnd.order-execution.V0+json;q=0.5"] {
            assert!(wanted(Some(accept), Compatibility::Current), "{accept}");
        }
        for accept in [None, Some("*/*"), Some("application/json")] {
            assert!(!wanted(accept, Compatibility::Current), "{accept:?}");
            assert!(wanted(accept, Compatibility::V0), "{accept:?}");
        }
        assert!(!wanted(Some(CURRENT_MEDIA_TYPE), Compatibility::V0));
    }
}
