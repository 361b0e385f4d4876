//! Protection from web pages: a browser sends requests to any server that it reaches, on behalf of any page.
//!
//! A page of another site is told by `Origin` and `Sec-Fetch-Site`. A page whose name was made to point at this
//! server (DNS rebinding) is told by `Host`: it is a name that this server does not have.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::net::IpAddr;

/// The names that a server answers to, and the sites whose pages may use it.
#[derive(Debug, Clone, Default)]
pub struct Site {
    hosts: Vec<String>,
    origins: Vec<String>,
    /// Names without a dot, as containers have: no page comes from such a name on the internet.
    single_words: bool,
}

/// Guards a port for other programs of the engine: pages of all sites are kept out.
pub async fn keep_pages_out(request: Request, next: Next) -> Response {
    let site = Site { single_words: true, ..Site::default() };
    match site.check(request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(Foreign::Host) => {
            (StatusCode::MISDIRECTED_REQUEST, "the header Host names another server").into_response()
        }
        Err(Foreign::Page) => (StatusCode::FORBIDDEN, "a web page may not do this").into_response(),
    }
}

/// The reason to refuse a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// `Host` is missing, there twice, or a name that the server does not have.
    Host,
    /// The request changes something, or opens a WebSocket, and comes from a page of another site.
    Page,
}

impl Site {
    /// A site with these host names, besides `localhost` and all IP addresses, and with pages of these origins,
    /// besides its own.
    pub fn new(hosts: &[String], origins: &[String]) -> Self {
        let lower = |texts: &[String]| texts.iter().map(|text| text.trim().to_ascii_lowercase()).collect();
        Self { hosts: lower(hosts), origins: lower(origins), single_words: false }
    }

    /// Checks the headers of a request.
    ///
    /// # Errors
    /// The request is refused, for this reason.
    pub fn check(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Foreign> {
        let host = host(uri, headers).ok_or(Foreign::Host)?;
        let name = name(&host);
        // A page cannot be rebound to an address: it has no name that could point elsewhere.
        let word = self.single_words && !name.is_empty() && !name.contains('.');
        if !word && !is_loopback(&name) && address(&name).is_none() && !self.hosts.contains(&name) {
            return Err(Foreign::Host);
        }
        let harmless = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        if harmless && !headers.contains_key(header::UPGRADE) {
            return Ok(());
        }
        self.own_page(&host, headers)
    }

    fn own_page(&self, host: &str, headers: &HeaderMap) -> Result<(), Foreign> {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let origin = match (origins.next(), origins.next()) {
            (None, _) => None,
            (Some(origin), None) => Some(origin.to_str().map_err(|_| Foreign::Page)?.to_ascii_lowercase()),
            (Some(_), Some(_)) => return Err(Foreign::Page),
        };
        if origin.as_ref().is_some_and(|origin| self.origins.contains(origin)) {
            return Ok(());
        }
        let own = origin.is_none_or(|origin| {
            let authority = origin.parse::<Uri>().ok().and_then(|origin| origin.authority().cloned());
            authority.is_some_and(|page| page.as_str() == host)
        });
        let fetched =
            headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none");
        if own && fetched { Ok(()) } else { Err(Foreign::Page) }
    }
}

/// Returns true if the request names this machine by a loopback name.
pub fn names_loopback(uri: &Uri, headers: &HeaderMap) -> bool {
    host(uri, headers).is_some_and(|host| is_loopback(&name(&host)))
}

/// The host and port that the request is for; None unless it names one.
fn host(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok().map(str::to_ascii_lowercase),
        // HTTP/2 has it as the authority.
        (None, _) => uri.authority().map(|authority| authority.as_str().to_ascii_lowercase()),
        (Some(_), Some(_)) => None,
    }
}

/// The host without its port and a last dot.
fn name(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    name.strip_suffix('.').unwrap_or(name).to_owned()
}

fn address(name: &str) -> Option<IpAddr> {
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    bare.parse().ok()
}

fn is_loopback(name: &str) -> bool {
    name == "localhost" || address(name).is_some_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(site: &Site, method: Method, pairs: &[(&'static str, &str)]) -> Result<(), Foreign> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        site.check(&method, &Uri::from_static("/api/orders"), &headers)
    }

    #[test]
    fn a_name_that_was_made_to_point_here_is_refused() {
        let site = Site::new(&["Engine.example".to_owned()], &[]);
        for host in [
            "localhost",
            "localhost:3000",
            "LOCALHOST.:3000",
            "127.0.0.1:3000",
            "127.8.9.10",
            "[::1]:3000",
            "10.0.0.7:3000",
            "[2001:db8::1]",
            "engine.example",
            "engine.example:443",
        ] {
            assert_eq!(check(&site, Method::GET, &[("host", host)]), Ok(()), "{host}");
        }
        for host in
            ["evil.example", "evil.example:3000", "localhost.evil.example", "127.0.0.1.evil.example", ""]
        {
            assert_eq!(check(&site, Method::GET, &[("host", host)]), Err(Foreign::Host), "{host}");
        }
        assert_eq!(check(&site, Method::GET, &[]), Err(Foreign::Host), "there is none");
        let twice = [("host", "localhost"), ("host", "localhost")];
        assert_eq!(check(&site, Method::GET, &twice), Err(Foreign::Host));
    }

    #[test]
    fn a_page_of_another_site_changes_nothing_and_opens_no_socket() {
        let site = Site::new(&[], &["https://desk.example".to_owned()]);
        let host = ("host", "localhost:3000");
        for (pairs, allowed) in [
            (vec![host], true),
            (vec![host, ("origin", "http://localhost:3000")], true),
            (vec![host, ("origin", "http://localhost:3000"), ("sec-fetch-site", "same-origin")], true),
            (vec![host, ("sec-fetch-site", "none")], true),
            (vec![host, ("origin", "https://desk.example"), ("sec-fetch-site", "cross-site")], true),
            (vec![host, ("origin", "https://evil.example")], false),
            (vec![host, ("origin", "http://localhost:3001")], false),
            (vec![host, ("origin", "http://localhost:3000.evil.example")], false),
            (vec![host, ("origin", "null")], false),
            (vec![host, ("sec-fetch-site", "cross-site")], false),
            (vec![host, ("sec-fetch-site", "same-site")], false),
            (vec![host, ("origin", "http://localhost:3000"), ("sec-fetch-site", "cross-site")], false),
            (vec![host, ("origin", "http://localhost:3000"), ("origin", "https://evil.example")], false),
        ] {
            for method in [Method::POST, Method::DELETE] {
                assert_eq!(check(&site, method, &pairs).is_ok(), allowed, "{pairs:?}");
            }
            let mut socket = pairs.clone();
            socket.push(("upgrade", "websocket"));
            assert_eq!(check(&site, Method::GET, &socket).is_ok(), allowed, "{socket:?}");
            assert_eq!(check(&site, Method::GET, &pairs), Ok(()), "{pairs:?}");
        }
    }

    #[test]
    fn containers_reach_each_other_by_names_without_a_dot() {
        let site = Site { single_words: true, ..Site::default() };
        for (host, allowed) in [("gateway:9100", true), ("evil.example:9100", false), ("", false)] {
            assert_eq!(check(&site, Method::GET, &[("host", host)]).is_ok(), allowed, "{host}");
        }
    }

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for (host, loopback) in [
            ("localhost:3000", true),
            ("127.0.0.1", true),
            ("[::1]:3000", true),
            ("[::ffff:127.0.0.1]", true),
            ("10.0.0.1", false),
            ("engine.example", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("host", host.parse().unwrap());
            assert_eq!(names_loopback(&Uri::from_static("/"), &headers), loopback, "{host}");
        }
    }
}
