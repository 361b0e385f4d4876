//! The routers behind the addresses: who is there, who is well, and whose turn it is.

use super::InvalidRouter;
use order_core::Failure;
use order_core::failure::Code;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Uri};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// How long a connection attempt may take: the router is near, and calls have their own deadline.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection that is silent this long is asked for a sign of life, so that a vanished router is
/// noticed between two calls.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Interval of looking names up, and of asking each router for its health.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Time for a router to tell its health.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(1);

/// Most routers that are used; further addresses of a name are left out.
const MAX_ROUTERS: usize = 64;

/// A place of ROUTER_URL: a host and how it is spoken to.
#[derive(Debug)]
struct Place {
    uri: Uri,
    host: String,
    port: u16,
    tls: Option<ClientTlsConfig>,
}

/// One router.
#[derive(Debug)]
pub(super) struct Router {
    address: SocketAddr,
    pub(super) channel: Channel,
    /// False if it did not answer the last time that it was asked, or said that it cannot quote.
    well: AtomicBool,
}

/// The routers that calls are shared among.
#[derive(Debug)]
pub(super) struct Routers {
    places: Vec<Place>,
    known: RwLock<Vec<Arc<Router>>>,
    turn: AtomicUsize,
    /// Locked by the task that looks names up for the first time.
    first_look: tokio::sync::Mutex<()>,
}

impl Routers {
    /// The routers at these URLs, comma-separated. Several, and those of a name, are looked after by a task that ends
    /// with the last handle.
    pub(super) fn new(urls: &str, authorities: Option<&[u8]>) -> Result<Arc<Self>, InvalidRouter> {
        let places =
            urls.split(',').map(|url| Place::new(url.trim(), authorities)).collect::<Result<Vec<_>, _>>()?;
        let fixed: Option<Vec<_>> = places.iter().map(Place::fixed).collect();
        let looked_after = fixed.as_ref().is_none_or(|routers| routers.len() > 1);
        let routers = Arc::new(Self {
            places,
            known: RwLock::new(fixed.unwrap_or_default()),
            turn: AtomicUsize::new(0),
            first_look: tokio::sync::Mutex::default(),
        });
        if looked_after {
            tokio::spawn(look_after(Arc::downgrade(&routers)));
        }
        Ok(routers)
    }

    /// All routers, the one whose turn it is first; those that are not well last.
    pub(super) async fn in_turn(&self) -> Result<Vec<Arc<Router>>, Failure> {
        let mut routers = self.known();
        if routers.is_empty() {
            let _looking = self.first_look.lock().await;
            self.look_up().await;
            routers = self.known();
        }
        if routers.is_empty() {
            return Err(Failure::new(Code::RouterUnavailable, "no router has an address; check ROUTER_URL"));
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % routers.len();
        routers.rotate_left(turn);
        routers.sort_by_key(|router| !router.well.load(Ordering::Relaxed));
        Ok(routers)
    }

    fn known(&self) -> Vec<Arc<Router>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks names up. A name that has no address at the moment keeps those that it had.
    async fn look_up(&self) {
        let before = self.known();
        let mut routers: Vec<Arc<Router>> = Vec::new();
        for place in &self.places {
            let Ok(addresses) = place.addresses().await else { return };
            for address in addresses {
                let known = before.iter().find(|router| router.address == address).cloned();
                let router = known.map_or_else(|| place.router(address), Ok);
                match router {
                    Ok(router) if routers.iter().all(|other| other.address != address) => {
                        routers.push(router)
                    }
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
        }
        routers.truncate(MAX_ROUTERS);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = routers;
    }

    pub(super) async fn ask_health(&self) {
        let asking = self.known().into_iter().map(|router| async move {
            let well = router.is_serving(HEALTH_TIMEOUT).await;
            router.well.store(well, Ordering::Relaxed);
        });
        futures_util::future::join_all(asking).await;
    }
}

async fn look_after(routers: Weak<Routers>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(routers) = routers.upgrade() else { return };
        routers.look_up().await;
        routers.ask_health().await;
    }
}

impl Router {
    /// Notes that it did not answer a call.
    pub(super) fn is_silent(&self) {
        self.well.store(false, Ordering::Relaxed);
    }

    async fn is_serving(&self, timeout: Duration) -> bool {
        let service = crate::wire::router_service_server::SERVICE_NAME.to_owned();
        let mut client = HealthClient::new(self.channel.clone());
        let asked = tokio::time::timeout(timeout, client.check(HealthCheckRequest { service })).await;
        matches!(asked, Ok(Ok(reply)) if reply.get_ref().status() == ServingStatus::Serving)
    }
}

impl Place {
    fn new(url: &str, authorities: Option<&[u8]>) -> Result<Self, InvalidRouter> {
        let invalid = |source| InvalidRouter::Url { url: url.to_owned(), source };
        let uri = Endpoint::from_shared(url.to_owned()).map_err(invalid)?.uri().clone();
        let nothing = || InvalidRouter::NoHost { url: url.to_owned() };
        let host = uri.host().ok_or_else(nothing)?.trim_matches(['[', ']']).to_owned();
        let secure = uri.scheme_str() == Some("https");
        let tls = secure.then(|| match authorities {
            Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
            None => ClientTlsConfig::new().with_webpki_roots(),
        });
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let tls = tls.map(|tls| tls.domain_name(host.clone()));
        let place = Self { uri, host, port, tls };
        // Certificates that cannot be used are an error now, not at the first call.
        place.router(SocketAddr::from(([127, 0, 0, 1], port)))?;
        Ok(place)
    }

    /// The router of a place that is named by its address.
    fn fixed(&self) -> Option<Arc<Router>> {
        let address = SocketAddr::new(self.host.parse::<IpAddr>().ok()?, self.port);
        self.router(address).ok()
    }

    async fn addresses(&self) -> std::io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((self.host.as_str(), self.port)).await?.take(MAX_ROUTERS).collect())
    }

    fn router(&self, address: SocketAddr) -> Result<Arc<Router>, InvalidRouter> {
        let url = self.uri.to_string();
        let scheme = self.uri.scheme_str().unwrap_or("http");
        let endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
            .map_err(|source| InvalidRouter::Url { url: url.clone(), source })?
            .origin(self.uri.clone())
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_while_idle(true);
        let endpoint = match &self.tls {
            None => endpoint,
            Some(tls) => endpoint
                .tls_config(tls.clone())
                .map_err(|source| InvalidRouter::Certificates { url, source })?,
        };
        Ok(Arc::new(Router { address, channel: endpoint.connect_lazy(), well: AtomicBool::new(true) }))
    }
}
