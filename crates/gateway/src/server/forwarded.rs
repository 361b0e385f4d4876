//! The address of a client behind proxies.

use http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// Header in which each proxy adds the address that it was asked from.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Most addresses that are read from the headers: more proxies in a row than anybody has.
const MAX_HOPS: usize = 16;

/// The networks of the proxies whose headers count. Anybody else's headers are a client's own words.
#[derive(Debug, Default)]
pub(super) struct Proxies(Vec<IpNet>);

impl Proxies {
    pub(super) fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// True for the address of a trusted proxy.
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client of a request: the last address that no trusted proxy has. `X-Forwarded-For` counts before
    /// `Forwarded`. Something that is no address ends the search, at the proxy that has passed it on.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return client;
        }
        for address in hops(headers) {
            let Some(address) = address else { break };
            client = address;
            if !self.trusts(client) {
                break;
            }
        }
        client
    }
}

/// The addresses that the proxies have added, the last first; None for something that is no address.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let name = if headers.contains_key(&X_FORWARDED_FOR) { X_FORWARDED_FOR } else { header::FORWARDED };
    let read = if name == X_FORWARDED_FOR { address } else { forwarded_for };
    let lines: Vec<&str> =
        headers.get_all(&name).iter().map(|line| line.to_str().unwrap_or_default()).collect();
    lines.iter().rev().flat_map(|line| line.rsplit(',')).take(MAX_HOPS).map(|hop| read(hop.trim())).collect()
}

/// The address in one element of `Forwarded`: `for=192.0.2.7;proto=https`, or `for="[2001:db8::1]:4711"`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut parameters = element.split(';').filter_map(|parameter| parameter.trim().split_once('='));
    let (_, value) = parameters.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    address(value.trim_matches('"'))
}

/// An address with or without a port, and with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, headers: &[(&str, &str)]) -> String {
        let proxies = ["10.0.0.0/8", "2001:db8::/32"].map(|network| network.parse().unwrap());
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        Proxies::new(proxies.to_vec()).client(peer.parse().unwrap(), &map).to_string()
    }

    #[test]
    fn headers_of_strangers_do_not_count() {
        assert_eq!(client("192.0.2.1", &[("x-forwarded-for", "198.51.100.7")]), "192.0.2.1");
        let nobody = Proxies::default();
        assert!(!nobody.trusts("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn the_client_is_the_last_address_that_no_proxy_has() {
        let forged = "203.0.113.9, 198.51.100.7, 10.0.0.2";
        assert_eq!(client("10.0.0.1", &[("x-forwarded-for", forged)]), "198.51.100.7");
        let lines = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "198.51.100.7:80, 10.0.0.2")];
        assert_eq!(client("10.0.0.1", &lines), "198.51.100.7");
        assert_eq!(client("::ffff:10.0.0.1", &[("x-forwarded-for", "198.51.100.7")]), "198.51.100.7");
    }

    #[test]
    fn the_standard_header_is_read_too() {
        let headers = [("forwarded", "for=203.0.113.9, for=\"[2001:db9::1]:4711\";proto=https")];
        assert_eq!(client("2001:db8::5", &headers), "2001:db9::1");
        assert_eq!(client("10.0.0.1", &[("forwarded", "For=198.51.100.7;by=x")]), "198.51.100.7");
    }

    #[test]
    fn nonsense_ends_the_search_at_the_proxy_that_passed_it_on() {
        assert_eq!(client("10.0.0.1", &[("x-forwarded-for", "198.51.100.7, unknown")]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[("forwarded", "for=_hidden")]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }
}
