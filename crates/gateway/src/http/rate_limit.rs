//! Rate limits per account; per client address where no key is shown.

use crate::access::Caller;
use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use crate::state::App;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use service::net::ClientNetwork;
use std::net::IpAddr;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The address of a client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client(pub(crate) IpAddr);

/// The requests that have a counter of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Requests for a quote.
    Quote,
    /// Requests for an order.
    Order,
    /// Everything that changes nothing.
    Read,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Quote => "quotes",
            Self::Order => "orders",
            Self::Read => "reads",
        }
    }
}

/// Limits requests for quotes.
pub(crate) async fn quotes(state: State<App>, request: Request, next: Next) -> Response {
    limit(state, Kind::Quote, request, next).await
}

/// Limits requests for orders.
pub(crate) async fn orders(state: State<App>, request: Request, next: Next) -> Response {
    limit(state, Kind::Order, request, next).await
}

/// Limits reads of the API. Each gateway counts them by itself, so that a read needs no Redis.
pub(crate) async fn reads(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_read || !request.uri().path().starts_with("/api/") {
        return next.run(request).await;
    }
    let Some(subject) = subject(&request) else { return unknown_client() };
    let per_minute = app.configuration.reads_per_minute;
    let decision = app.cache.allow_here(&key(Kind::Read, &subject), per_minute);
    if decision.allowed { next.run(request).await } else { refused(Kind::Read, per_minute, decision) }
}

async fn limit(State(app): State<App>, kind: Kind, request: Request, next: Next) -> Response {
    let Some(subject) = subject(&request) else { return unknown_client() };
    let per_minute = app.configuration.orders_per_minute;
    let decision = app.cache.allow(&key(kind, &subject), per_minute).await;
    if !decision.allowed {
        return refused(kind, per_minute, decision);
    }
    let mut response = next.run(request).await;
    describe(response.headers_mut(), kind, per_minute, decision);
    response
}

/// The subject that a request is counted for: the account of its key, or the network of its client.
fn subject(request: &Request) -> Option<String> {
    let caller = request.extensions().get::<Caller>().filter(|caller| caller.key.is_some());
    if let Some(caller) = caller {
        return Some(format!("account:{}", caller.account));
    }
    let Client(address) = request.extensions().get::<Client>()?;
    Some(ClientNetwork::from(*address).to_string())
}

fn key(kind: Kind, subject: &str) -> String {
    format!("{}:{subject}", kind.name())
}

fn unknown_client() -> Response {
    Problem::new(Code::Internal, "the client address is unknown").into_response()
}

fn refused(kind: Kind, per_minute: u32, decision: cache::Decision) -> Response {
    crate::metrics::rate_limited(kind.name());
    let detail = format!("more than {per_minute} {} a minute", kind.name());
    let retry_after_seconds = Some(decision.retry_after_seconds.max(1));
    let problem = Problem { retry_after_seconds, ..Problem::new(Code::RateLimited, detail) };
    let mut response = problem.into_response();
    describe(response.headers_mut(), kind, per_minute, decision);
    response
}

/// Sets the headers of draft-ietf-httpapi-ratelimit-headers.
fn describe(headers: &mut HeaderMap, kind: Kind, per_minute: u32, decision: cache::Decision) {
    let name = kind.name();
    let values = [
        (POLICY, format!("\"{name}\";q={per_minute};w=60")),
        (LIMIT, format!("\"{name}\";r={};t={}", decision.remaining, decision.reset_seconds)),
    ];
    for (header, value) in values {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(header, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_clients_are_counted_by_network() {
        let subject = |address: &str| {
            let mut request = Request::default();
            request.extensions_mut().insert(Client(address.parse().unwrap()));
            subject(&request).unwrap()
        };
        assert_eq!(subject("2001:db8::1"), subject("2001:db8::ffff:1"));
        assert_ne!(subject("2001:db8::1"), subject("2001:db8:0:1::1"));
        assert_eq!(subject("192.0.2.7"), "192.0.2.7");
    }

    #[test]
    fn the_headers_keep_their_form() {
        let mut headers = HeaderMap::new();
        let decision =
            cache::Decision { allowed: false, remaining: 0, retry_after_seconds: 3, reset_seconds: 60 };
        describe(&mut headers, Kind::Order, 20, decision);
        assert_eq!(headers["ratelimit-policy"], "\"orders\";q=20;w=60");
        assert_eq!(headers["ratelimit"], "\"orders\";r=0;t=60");
    }
}
