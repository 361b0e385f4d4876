//! Rate limits per client address.

use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use crate::state::App;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::net::{IpAddr, Ipv6Addr};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The address of a client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client(pub(crate) IpAddr);

impl Client {
    /// The key of its counters: the address, or the /64 network of an IPv6 address.
    fn name(self) -> String {
        match self.0 {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let network = address.to_bits() & (u128::MAX << 64);
                format!("{}/64", Ipv6Addr::from_bits(network))
            }
        }
    }
}

/// The requests that have a counter of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Requests for a quote.
    Quote,
    /// Requests for an order.
    Order,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Quote => "quotes",
            Self::Order => "orders",
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

async fn limit(State(app): State<App>, kind: Kind, request: Request, next: Next) -> Response {
    let Some(client) = request.extensions().get::<Client>().copied() else {
        return Problem::new(Code::Internal, "the client address is unknown").into_response();
    };
    let per_minute = app.configuration.orders_per_minute;
    let decision = app.cache.allow(&format!("{}:{}", kind.name(), client.name()), per_minute).await;
    let mut response = if decision.allowed {
        next.run(request).await
    } else {
        metrics::counter!("gateway_rate_limited_total", "kind" => kind.name()).increment(1);
        let detail = format!("more than {per_minute} {} a minute", kind.name());
        let retry_after_seconds = Some(decision.retry_after_seconds.max(1));
        Problem { retry_after_seconds, ..Problem::new(Code::RateLimited, detail) }.into_response()
    };
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
        let name = |address: &str| Client(address.parse().unwrap()).name();
        assert_eq!(name("2001:db8::1"), name("2001:db8::ffff:1"));
        assert_ne!(name("2001:db8::1"), name("2001:db8:0:1::1"));
        assert_eq!(name("192.0.2.7"), "192.0.2.7");
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
