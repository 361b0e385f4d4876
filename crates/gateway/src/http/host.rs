//! The host that a request names.

use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use http::{HeaderValue, Request, Version, header};

/// Checks that a request names its host once, and gives the host of an HTTP/2 request the header that HTTP/1.1
/// has it in. Two hosts would let a proxy in front and this service read different ones.
///
/// # Errors
/// There is no host, or more than one. HTTP/1.0 needs none.
pub(crate) fn check<B>(request: &mut Request<B>) -> Result<(), Problem> {
    if request.version() == Version::HTTP_2 && !request.headers().contains_key(header::HOST) {
        let authority = request.uri().authority().map(|authority| HeaderValue::try_from(authority.as_str()));
        if let Some(Ok(host)) = authority {
            request.headers_mut().insert(header::HOST, host);
        }
    }
    let hosts = request.headers().get_all(header::HOST).iter().count();
    match (request.version(), hosts) {
        (_, 1) | (Version::HTTP_10 | Version::HTTP_09, 0) => Ok(()),
        (_, 0) => Err(Problem::new(Code::InvalidHost, "the request has no Host header")),
        (_, _) => Err(Problem::new(Code::InvalidHost, "the request has more than one Host header")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(version: Version, uri: &str, hosts: &[&str]) -> Option<Vec<String>> {
        let mut request = Request::get(uri).version(version).body(()).unwrap();
        for host in hosts {
            request.headers_mut().append(header::HOST, host.parse().unwrap());
        }
        check(&mut request).ok()?;
        let hosts = request.headers().get_all(header::HOST).iter();
        Some(hosts.map(|host| host.to_str().unwrap().to_owned()).collect())
    }

    #[test]
    fn one_host_is_named() {
        assert_eq!(checked(Version::HTTP_11, "/", &["x"]), Some(vec!["x".to_owned()]));
        assert_eq!(checked(Version::HTTP_11, "/", &[]), None);
        assert_eq!(checked(Version::HTTP_11, "/", &["x", "x"]), None);
        assert_eq!(checked(Version::HTTP_10, "/", &[]), Some(vec![]));
        assert_eq!(checked(Version::HTTP_2, "http://x:1/", &[]), Some(vec!["x:1".to_owned()]));
        assert_eq!(checked(Version::HTTP_2, "http://x:1/", &["y", "z"]), None);
    }
}
