//! The guard before all routes.

use super::{Caller, Ticket};
use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use crate::http::rate_limit::Client;
use crate::state::App;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, Method, header};
use order_core::Scope;
use service::net::ClientNetwork;
use service::site::{Foreign, names_loopback};

/// The routes that anybody may read.
pub(crate) const PUBLIC: [&str; 9] = [
    "/",
    "/health",
    "/docs",
    "/docs/assets/{file}",
    "/docs/compatibility",
    "/docs/errors",
    "/docs/errors/{code}",
    "/api/openapi.json",
    "/api/asyncapi.json",
];

/// Failed attempts to show a key, per minute and client address.
const FAILURES_PER_MINUTE: u32 = 60;

/// The scope that a request to a route needs; None for those that anybody may make. A route that is named
/// nowhere here needs the right to read, or to trade if it changes something.
pub(crate) fn needed(method: &Method, route: &str) -> Option<Scope> {
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    match route {
        public if reads && PUBLIC.contains(&public) => None,
        "/api/orders/quote" | "/api/ws-ticket" => Some(Scope::Read),
        // As a GET it is a WebSocket that places an order.
        "/api/orders/execute" => Some(Scope::Trade),
        admin if admin.starts_with("/api/keys") || admin.starts_with("/api/accounts") => Some(Scope::Admin),
        _ if reads => Some(Scope::Read),
        _ => Some(Scope::Trade),
    }
}

/// Lets a request through if its site, its caller and the caller's scopes allow it.
pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match admit(&app, &parts).await {
        Ok(caller) => {
            if let Some(caller) = caller {
                parts.extensions.insert(caller);
            }
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// The caller of a request; None if the route is public, or does not exist.
async fn admit(app: &App, request: &Parts) -> Result<Option<Caller>, Problem> {
    app.site.check(&request.method, &request.uri, &request.headers).map_err(|foreign| match foreign {
        Foreign::Host => Problem::new(
            Code::MisdirectedRequest,
            "the header Host names another server; name this one in ALLOWED_HOSTS",
        ),
        Foreign::Page => Problem::new(Code::OriginNotAllowed, "a page of another site may not do this"),
    })?;
    let Some(route) = request.extensions.get::<MatchedPath>() else { return Ok(None) };
    let Some(scope) = needed(&request.method, route.as_str()) else { return Ok(None) };
    let caller = identify(app, request).await?;
    caller.require(scope)?;
    Ok(Some(caller))
}

async fn identify(app: &App, request: &Parts) -> Result<Caller, Problem> {
    let Some(Client(address)) = request.extensions.get::<Client>().copied() else {
        return Err(Problem::new(Code::Internal, "the client address is unknown"));
    };
    let identified = match (bearer(&request.headers), ticket(request)) {
        (Err(problem), _) => Err(problem),
        (Ok(Some(key)), _) => app.keys.verify(key, address).await,
        (Ok(None), Some(ticket)) => Ticket::open(&ticket, &app.keys, address, service::now()).await,
        (Ok(None), None) => local(app, request, address.is_loopback()),
    };
    match identified {
        Err(problem) if problem.code == Code::Unauthorized => Err(counted(app, address, problem).await),
        identified => identified,
    }
}

/// The refusal of a caller, or of one that is refused too often.
async fn counted(app: &App, address: std::net::IpAddr, problem: Problem) -> Problem {
    crate::metrics::unauthorized();
    let decision =
        app.cache.allow(&format!("unauthorized:{}", ClientNetwork::from(address)), FAILURES_PER_MINUTE).await;
    if decision.allowed {
        return problem;
    }
    let retry_after_seconds = Some(decision.retry_after_seconds.max(1));
    Problem {
        retry_after_seconds,
        ..Problem::new(Code::RateLimited, "too many requests without a valid key")
    }
}

/// The key of the header `Authorization`.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().ok().and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    match (key, values.next()) {
        (Some(key), None) => Ok(Some(key)),
        (_, _) => Err(Problem::new(Code::Unauthorized, "send one header Authorization: Bearer KEY")),
    }
}

/// The ticket of a request that opens a WebSocket.
fn ticket(request: &Parts) -> Option<String> {
    if !request.headers.contains_key(header::UPGRADE) {
        return None;
    }
    let pairs = request.uri.query()?.split('&');
    pairs.filter_map(|pair| pair.strip_prefix("ticket=")).map(str::to_owned).next()
}

/// The caller on this machine, as long as no key was issued. A proxy on this machine would make everybody local,
/// so a request that says that it comes from one is refused.
fn local(app: &App, request: &Parts, from_here: bool) -> Result<Caller, Problem> {
    let headers = &request.headers;
    let through_proxy = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];
    if app.keys.are_required() {
        return Err(Problem::new(Code::Unauthorized, "send the header Authorization: Bearer KEY"));
    }
    if from_here
        && names_loopback(&request.uri, headers)
        && !through_proxy.into_iter().any(|name| headers.contains_key(name))
    {
        return Ok(Caller::local());
    }
    Err(Problem::new(
        Code::Unauthorized,
        "no key was issued yet, so only this machine may call; issue one: ops key issue",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_public_needs_a_scope() {
        for (method, route, scope) in [
            (Method::GET, "/health", None),
            (Method::GET, "/api/openapi.json", None),
            (Method::POST, "/health", Some(Scope::Trade)),
            (Method::GET, "/api/orders", Some(Scope::Read)),
            (Method::GET, "/api/orders/{orderId}/ws", Some(Scope::Read)),
            (Method::DELETE, "/api/orders/{orderId}", Some(Scope::Trade)),
            (Method::POST, "/api/orders/quote", Some(Scope::Read)),
            (Method::POST, "/api/orders/execute", Some(Scope::Trade)),
            (Method::GET, "/api/orders/execute", Some(Scope::Trade)),
            (Method::GET, "/api/keys", Some(Scope::Admin)),
            (Method::DELETE, "/api/keys/{keyId}", Some(Scope::Admin)),
            (Method::POST, "/api/accounts", Some(Scope::Admin)),
            (Method::PUT, "/api/accounts/{account}/policy", Some(Scope::Admin)),
            (Method::GET, "/a/route/of/tomorrow", Some(Scope::Read)),
            (Method::POST, "/a/route/of/tomorrow", Some(Scope::Trade)),
        ] {
            assert_eq!(needed(&method, route), scope, "{method} {route}");
        }
    }

    #[test]
    fn a_key_is_in_one_header_of_the_scheme_bearer() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            bearer(&headers).map(|key| key.map(str::to_owned)).map_err(|problem| problem.code)
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["Bearer k"]), Ok(Some("k".to_owned())));
        assert_eq!(read(&["bearer  k"]), Ok(Some("k".to_owned())));
        for values in [&["Basic a2V5"][..], &["k"], &["Bearer a", "Bearer b"], &[""]] {
            assert_eq!(read(values), Err(Code::Unauthorized), "{values:?}");
        }
    }
}
