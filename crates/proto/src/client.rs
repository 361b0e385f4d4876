mod routers;

use crate::pools::Pools;
use crate::wire::router_service_client::RouterServiceClient;
use crate::{Invalid, quote, status, wire};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use order_core::failure::Code;
use order_core::{Failure, Quote};
use routers::Routers;
use std::sync::Arc;
use std::time::Duration;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::Channel;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};

/// Largest reply that is read: a listing of some ten thousand pools.
const REPLY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Time after which a router that has not answered is no longer waited for alone: the next one is asked too. A usual
/// answer takes a few milliseconds.
const HEDGE_AFTER: Duration = Duration::from_millis(250);

/// Asks routers for quotes. Cheap to clone; all clones share the connections, each made at the first call and again
/// whenever it was lost.
#[derive(Debug, Clone)]
pub struct RouterClient {
    routers: Arc<Routers>,
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
    /// The address has no host.
    #[error("`{url}` names no host; it is not a URL such as http://127.0.0.1:50051")]
    NoHost {
        /// The text.
        url: String,
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
    /// A client of the routers at these URLs, comma-separated. A host name stands for all of its addresses. Does not
    /// connect yet; must be called within a Tokio runtime. If a URL begins with https, the router's certificate is one
    /// of a public authority.
    ///
    /// # Errors
    /// A text is no URL.
    pub fn new(urls: &str) -> Result<Self, InvalidRouter> {
        Self::trusting(urls, None)
    }

    /// As [`RouterClient::new`], with the certificates in PEM of the only authorities that are trusted.
    ///
    /// # Errors
    /// A text is no URL, or the certificates cannot be read.
    pub fn trusting(urls: &str, authorities: Option<&[u8]>) -> Result<Self, InvalidRouter> {
        Ok(Self { routers: Routers::new(urls, authorities)? })
    }

    /// The best price now. `timeout` is what is left of the caller's deadline; the router is told.
    ///
    /// # Errors
    /// The router's own failure, or [`Code::RouterUnavailable`] if none gave a usable answer in time.
    pub async fn quote(
        &self,
        request: &quote::Request,
        timeout: Duration,
        traceparent: Option<&str>,
    ) -> Result<Quote, Failure> {
        let wire = &request.to_wire();
        self.first(timeout, |channel| async move {
            let reply = router(channel).quote(outgoing(wire.clone(), timeout, traceparent)).await;
            let reply = reply.map_err(|status| status::to_failure(&status))?.into_inner();
            quote::from_wire(&reply, request).map_err(|invalid| unusable(&invalid))
        })
        .await
    }

    /// Every pool that the router follows, and every token that they trade.
    ///
    /// # Errors
    /// As [`RouterClient::quote`].
    pub async fn list_pools(&self, timeout: Duration, traceparent: Option<&str>) -> Result<Pools, Failure> {
        self.first(timeout, |channel| async move {
            let call = outgoing(wire::ListPoolsRequest {}, timeout, traceparent);
            let reply = router(channel).list_pools(call).await;
            let reply = reply.map_err(|status| status::to_failure(&status))?.into_inner();
            Pools::from_wire(&reply).map_err(|invalid| unusable(&invalid))
        })
        .await
    }

    /// Checks that a router says that it can quote (standard gRPC health).
    ///
    /// # Errors
    /// [`Code::RouterUnavailable`] if none answers in time, or all say that they cannot.
    pub async fn health(&self, timeout: Duration) -> Result<(), Failure> {
        self.first(timeout, |channel| async move {
            let service = wire::router_service_server::SERVICE_NAME.to_owned();
            let call = outgoing(HealthCheckRequest { service }, timeout, None);
            let reply = HealthClient::new(channel).check(call).await;
            match reply.map_err(|status| status::to_failure(&status))?.get_ref().status() {
                ServingStatus::Serving => Ok(()),
                _ => Err(Failure::new(
                    Code::RouterUnavailable,
                    "the router runs, and has no state fresh enough to quote",
                )),
            }
        })
        .await
    }

    /// The first answer of a router. The next is asked when one cannot answer, and also when it takes long: calls
    /// only read, so two answers do no harm.
    async fn first<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        timeout: Duration,
        call: impl Fn(Channel) -> F,
    ) -> Result<T, Failure> {
        let answer = tokio::time::timeout(timeout, async {
            let mut waiting = self.routers.in_turn().await?.into_iter();
            let mut running = FuturesUnordered::new();
            let mut failed = Failure::new(Code::RouterUnavailable, "there is no router");
            loop {
                if let Some(router) = waiting.next() {
                    let answering = call(router.channel.clone());
                    running.push(async move { (answering.await, router) });
                }
                let answer = match waiting.len() {
                    0 => Ok(running.next().await),
                    _ => tokio::time::timeout(HEDGE_AFTER, running.next()).await,
                };
                match answer {
                    Ok(Some((Err(failure), router))) if failure.code == Code::RouterUnavailable => {
                        router.is_silent();
                        failed = failure;
                    }
                    Ok(Some((answer, _))) => return answer,
                    Ok(None) => return Err(failed),
                    Err(_elapsed) => {}
                }
            }
        });
        answer.await.unwrap_or_else(|_elapsed| {
            Err(Failure::new(
                Code::RouterUnavailable,
                format!("no router answered within {} ms", timeout.as_millis()),
            ))
        })
    }
}

fn router(channel: Channel) -> RouterServiceClient<Channel> {
    RouterServiceClient::new(channel).max_decoding_message_size(REPLY_BYTES_MAX)
}

fn outgoing<T>(message: T, timeout: Duration, traceparent: Option<&str>) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(timeout);
    if let Some(value) = traceparent.and_then(|text| AsciiMetadataValue::try_from(text).ok()) {
        request.metadata_mut().insert("traceparent", value);
    }
    request
}

fn unusable(invalid: &Invalid) -> Failure {
    Failure::new(Code::RouterUnavailable, format!("the router's reply is unusable: {invalid}"))
}

#[cfg(test)]
mod tests;
