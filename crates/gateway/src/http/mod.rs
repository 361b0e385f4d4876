//! HTTP for every endpoint: hosts, bodies, query strings, error responses, tags, rate limits and the access log.

pub(crate) mod access_log;
pub(crate) mod body;
pub(crate) mod error_codes;
pub(crate) mod etag;
pub(crate) mod host;
pub(crate) mod json_fields;
pub(crate) mod problem;
pub(crate) mod query;
pub(crate) mod rate_limit;
pub(crate) mod turn;

use chrono::SubsecRound as _;
use order_core::Timestamp;

/// The time of a response, in milliseconds.
pub(crate) fn now() -> Timestamp {
    service::now().trunc_subsecs(3)
}
