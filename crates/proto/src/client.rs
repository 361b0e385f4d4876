use crate::pools::Pools;
use crate::wire::router_service_client::RouterServiceClient;
use crate::{Invalid, quote, status, wire};
use order_core::failure::Code;
use order_core::{Failure, Quote};
use std::time::Duration;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};

/// How long a connection attempt may take: the router is near, and calls have their own deadline.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection that is silent this long is asked for a sign of life, so that a vanished router is
/// noticed between two calls.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Largest reply that is read: a listing of some ten thousand pools.
const REPLY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Asks a router for quotes. Cheap to clone; all clones share one connection, made at the first
/// call and again whenever it was lost.
#[derive(Debug, Clone)]
pub struct RouterClient {
    channel: Channel,
}

/// The reason why there can be no client of a router.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRouter {
    /// The address is none.
    #[error("`{url}` is not a URL such as http://127.0.0.1:50051")]
    Url {
        /// The text.
        url: String,
        /// The reason.
        source: tonic::transport::Error,
    },
    /// TLS is not possible with these certificates.
    #[error("the certificates for `{url}` cannot be used; check ROUTER_CA")]
    Certificates {
        /// The address.
        url: String,
        /// The reason.
        source: tonic::transport::Error,
    },
}

impl RouterClient {
    /// A client of the router at `url`. Does not connect yet; must be called within a Tokio runtime. If the URL
    /// begins with https, the router's certificate is one of a public authority.
    ///
    /// # Errors
    /// The text is no URL.
    pub fn new(url: &str) -> Result<Self, InvalidRouter> {
        Self::trusting(url, None)
    }

    /// As [`RouterClient::new`], with the certificates in PEM of the only authorities that are trusted.
    ///
    /// # Errors
    /// The text is no URL, or the certificates cannot be read.
    pub fn trusting(url: &str, authorities: Option<&[u8]>) -> Result<Self, InvalidRouter> {
        let invalid = |source| InvalidRouter::Url { url: url.to_owned(), source };
        let endpoint = Endpoint::from_shared(url.to_owned())
            .map_err(invalid)?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_while_idle(true);
        if endpoint.uri().scheme_str() != Some("https") {
            return Ok(Self { channel: endpoint.connect_lazy() });
        }
        let tls = match authorities {
            Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
            None => ClientTlsConfig::new().with_webpki_roots(),
        };
        let endpoint = endpoint
            .tls_config(tls)
            .map_err(|source| InvalidRouter::Certificates { url: url.to_owned(), source })?;
        Ok(Self { channel: endpoint.connect_lazy() })
    }

    /// The best price now. `timeout` is what is left of the caller's deadline; the router is told.
    ///
    /// # Errors
    /// The router's own failure, or [`Code::RouterUnavailable`] if it gave no usable answer in time.
    pub async fn quote(
        &self,
        request: &quote::Request,
        timeout: Duration,
        traceparent: Option<&str>,
    ) -> Result<Quote, Failure> {
        let call = outgoing(request.to_wire(), timeout, traceparent);
        let reply = within(timeout, self.router().quote(call)).await?;
        quote::from_wire(&reply, request).map_err(|invalid| unusable(&invalid))
    }

    /// Every pool that the router follows, and every token that they trade.
    ///
    /// # Errors
    /// As [`RouterClient::quote`].
    pub async fn list_pools(&self, timeout: Duration, traceparent: Option<&str>) -> Result<Pools, Failure> {
        let call = outgoing(wire::ListPoolsRequest {}, timeout, traceparent);
        let reply = within(timeout, self.router().list_pools(call)).await?;
        Pools::from_wire(&reply).map_err(|invalid| unusable(&invalid))
    }

    /// Checks that the router says that it can quote (standard gRPC health).
    ///
    /// # Errors
    /// [`Code::RouterUnavailable`] if it does not answer in time, or says that it cannot.
    pub async fn health(&self, timeout: Duration) -> Result<(), Failure> {
        let service = wire::router_service_server::SERVICE_NAME.to_owned();
        let call = outgoing(HealthCheckRequest { service }, timeout, None);
        let reply = within(timeout, HealthClient::new(self.channel.clone()).check(call)).await?;
        if reply.status() == ServingStatus::Serving {
            return Ok(());
        }
        Err(Failure::new(Code::RouterUnavailable, "the router runs, and has no state fresh enough to quote"))
    }

    fn router(&self) -> RouterServiceClient<Channel> {
        RouterServiceClient::new(self.channel.clone()).max_decoding_message_size(REPLY_BYTES_MAX)
    }
}

fn outgoing<T>(message: T, timeout: Duration, traceparent: Option<&str>) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(timeout);
    if let Some(value) = traceparent.and_then(|text| AsciiMetadataValue::try_from(text).ok()) {
        request.metadata_mut().insert("traceparent", value);
    }
    request
}

/// Waits for the whole reply: tonic's own time limit ends with the reply's headers.
async fn within<T>(
    timeout: Duration,
    call: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(timeout, call).await {
        Ok(Ok(reply)) => Ok(reply.into_inner()),
        Ok(Err(status)) => Err(status::to_failure(&status)),
        Err(_elapsed) => Err(Failure::new(
            Code::RouterUnavailable,
            format!("the router did not answer within {} ms", timeout.as_millis()),
        )),
    }
}

fn unusable(invalid: &Invalid) -> Failure {
    Failure::new(Code::RouterUnavailable, format!("the router's reply is unusable: {invalid}"))
}

#[cfg(test)]
mod tests;
