//! JSON-RPC over HTTP: one call, failover between nodes, and the same call to all of them.

use crate::client::is_known;
use crate::health::Health;
use crate::senders::{Receipt, outcome, retry_after};
use crate::{Error, Hash, metrics};
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// A node that takes longer to accept a connection is as good as down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Most calls take milliseconds; a node that is slower than this has trouble.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// Searching all accounts of a program is slow everywhere.
pub(crate) const SCAN_TIMEOUT: Duration = Duration::from_secs(30);
/// After this part of a call's time without an answer the next node is asked too.
const HEDGE_PART: u32 = 10;
/// The most calls that go on in the background at one node.
const BACKGROUND_MAX: usize = 256;
/// The method that every node is asked first.
const GENESIS: &str = "getGenesisHash";
/// No answer that is asked for is longer; a broken node must not fill the memory.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The nodes of a cluster, and the connections to them.
#[derive(Debug)]
pub(crate) struct Nodes {
    http: reqwest::Client,
    nodes: Vec<Node>,
    /// The node that answered last: asked first.
    preferred: AtomicUsize,
    /// The cluster that every node must be of, once it is known.
    genesis: OnceLock<Hash>,
}

struct Node {
    url: Url,
    /// Host and port: the rest of the URL may hold a key.
    name: String,
    host: String,
    /// Told the right genesis hash since it was last out of reach.
    verified: AtomicBool,
    /// Answered when it was last asked.
    reachable: AtomicBool,
    health: Mutex<Health>,
    /// One permit for each call that may go on in the background.
    background: Semaphore,
}

impl Nodes {
    pub(crate) fn new(urls: &[String]) -> Result<Self, Error> {
        let mut nodes = Vec::with_capacity(urls.len());
        for (index, text) in urls.iter().enumerate() {
            let position = index.saturating_add(1);
            nodes.push(Node::parse(text).ok_or(Error::InvalidUrl { position })?);
        }
        if nodes.is_empty() {
            return Err(Error::InvalidUrl { position: 1 });
        }
        let http = http_client()?;
        Ok(Self { http, nodes, preferred: AtomicUsize::new(0), genesis: OnceLock::new() })
    }

    /// The cluster that every node must be of. Set once: a process serves one cluster.
    pub(crate) fn require_genesis(&self, genesis: Hash) {
        self.genesis.get_or_init(|| genesis);
    }

    /// True if a node answered when it was last asked.
    pub(crate) fn is_reachable(&self, index: usize) -> bool {
        self.nodes.get(index).is_some_and(|node| node.reachable.load(Ordering::Relaxed))
    }

    /// The host of a node; empty for one that does not exist.
    pub(crate) fn host(&self, index: usize) -> &str {
        self.nodes.get(index).map_or("", |node| &node.host)
    }

    pub(crate) fn count(&self) -> usize {
        self.nodes.len()
    }

    /// Asks this node first from now on.
    pub(crate) fn prefer(&self, index: usize) {
        self.preferred.store(index, Ordering::Relaxed);
    }

    /// Asks one node after the other until one answers, and says which. A node that takes its time does not
    /// keep the next from being asked: the first answer counts.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: &Value,
        timeout: Duration,
    ) -> Result<(usize, T), Error> {
        let ask = async |index| (index, self.call_one(index, method, params, timeout).await);
        let mut order = self.order().into_iter();
        let mut asked: FuturesUnordered<_> = order.next().map(ask).into_iter().collect();
        loop {
            let hedge = tokio::time::sleep(timeout / HEDGE_PART);
            let answer = tokio::select! {
                biased;
                answer = asked.next() => answer,
                () = hedge, if order.len() > 0 => {
                    asked.extend(order.next().map(ask));
                    continue;
                }
            };
            match answer {
                Some((index, Ok(result))) => {
                    self.prefer(index);
                    return Ok((index, result));
                }
                Some((_, Err(error))) if error.is_transient() => {
                    tracing::debug!(method, %error, "a node did not answer");
                    asked.extend(order.next().map(ask));
                    if asked.is_empty() {
                        return Err(error);
                    }
                }
                Some((_, Err(error))) => return Err(error),
                None => return Err(Error::InvalidUrl { position: 1 }),
            }
        }
    }

    /// The nodes in the order in which they are to be asked: those that answer, the preferred one first and
    /// the quickest next; then those that failed, which are never left out altogether.
    pub(crate) fn order(&self) -> Vec<usize> {
        let (preferred, now) = (self.preferred.load(Ordering::Relaxed), Instant::now());
        let ranked = self.nodes.iter().enumerate().map(|(index, node)| {
            let mut health = node.health();
            ((health.state(now), index != preferred, health.latency()), index)
        });
        let mut ranked: Vec<_> = ranked.collect();
        ranked.sort_unstable();
        ranked.into_iter().map(|(_, index)| index).collect()
    }

    /// Asks every node at once and waits for all.
    pub(crate) async fn call_all<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: &Value,
    ) -> Vec<Result<T, Error>> {
        join_all((0..self.nodes.len()).map(|index| self.call_one(index, method, params, CALL_TIMEOUT))).await
    }

    /// Hands a transaction to one node, with the parameters of `sendTransaction`. `Ok` if it took it, or has it
    /// already.
    pub(crate) async fn hand_over(
        &self,
        index: usize,
        params: &Value,
        receipt: &Receipt,
    ) -> Result<(), Error> {
        const METHOD: &str = "sendTransaction";
        let Some(node) = self.nodes.get(index) else {
            return Err(Error::InvalidUrl { position: index.saturating_add(1) });
        };
        let Ok(_permit) = node.background.try_acquire() else {
            metrics::handed_over(&node.name, "skipped", None);
            let reason = format!("{BACKGROUND_MAX} calls wait for its answer already");
            return Err(Error::Unreachable { method: METHOD, node: node.name.clone(), reason });
        };
        let started = Instant::now();
        let answer = self.call_one::<String>(index, METHOD, params, CALL_TIMEOUT).await.map(drop);
        let answer = match answer {
            Err(error) if is_known(&error) => Ok(()),
            answer => answer,
        };
        metrics::handed_over(&node.name, outcome(&answer), Some(started.elapsed()));
        if answer.is_ok() {
            receipt.take(&node.name);
        }
        answer
    }

    /// Asks one node.
    pub(crate) async fn call_one<T: DeserializeOwned>(
        &self,
        index: usize,
        method: &'static str,
        params: &Value,
        timeout: Duration,
    ) -> Result<T, Error> {
        let Some(node) = self.nodes.get(index) else {
            return Err(Error::InvalidUrl { position: index.saturating_add(1) });
        };
        let started = Instant::now();
        let result = match self.verify(node, method, timeout).await {
            Ok(()) => self.post(node, method, params, timeout).await.and_then(|body| parse(method, &body)),
            Err(error) => Err(error),
        };
        node.judge(started, result.as_ref().err());
        // A node that limits rates says as little as one that is silent.
        let reachable = !result.as_ref().is_err_and(Error::is_trouble);
        node.reachable.store(reachable, Ordering::Relaxed);
        if matches!(&result, Err(Error::Unreachable { .. })) {
            // Another node may be there when it comes back.
            node.verified.store(false, Ordering::Relaxed);
        }
        metrics::requested(&node.name, method, outcome(&result), started.elapsed());
        result
    }

    /// Makes sure that a node is of the required cluster before it is asked anything.
    async fn verify(&self, node: &Node, method: &'static str, timeout: Duration) -> Result<(), Error> {
        let Some(expected) = self.genesis.get() else { return Ok(()) };
        if method == GENESIS || node.verified.load(Ordering::Relaxed) {
            return Ok(());
        }
        let body = self.post(node, GENESIS, &json!([]), timeout).await?;
        let found: String = parse(GENESIS, &body)?;
        if found != expected.to_string() {
            metrics::of_another_cluster();
            tracing::error!(node = node.name, found, %expected, "a node is of another cluster: it is not asked");
            return Err(Error::OtherCluster { node: node.name.clone(), found });
        }
        node.verified.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// The body of the node's answer, whatever its status, as long as it is JSON-RPC.
    async fn post(
        &self,
        node: &Node,
        method: &'static str,
        params: &Value,
        timeout: Duration,
    ) -> Result<Vec<u8>, Error> {
        let request = self.http.post(node.url.clone()).timeout(timeout).json(&request(method, params));
        let Answered { status, body, .. } = exchange(request, method, &node.name, ANSWER_BYTES_MAX).await?;
        // Some nodes give JSON-RPC errors another status than 200; their words count then.
        if status.is_success()
            || serde_json::from_slice::<Envelope>(&body).is_ok_and(|envelope| envelope.error.is_some())
        {
            Ok(body)
        } else {
            let (node, reason) = (node.name.clone(), format!("HTTP status {status}"));
            Err(Error::Unreachable { method, node, reason })
        }
    }
}

/// An answer of a node or sender that does not limit rates.
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Sends a request to a node or sender of this name, and reads the whole answer, of `bytes_max` at most.
///
/// # Errors
/// There is no answer, it is longer, or rates are limited.
pub(crate) async fn exchange(
    request: RequestBuilder,
    method: &'static str,
    name: &str,
    bytes_max: usize,
) -> Result<Answered, Error> {
    let unreachable = |reason: String| Error::Unreachable { method, node: name.to_owned(), reason };
    let mut response = request.send().await.map_err(|error| unreachable(describe(error)))?;
    let (status, headers) = (response.status(), response.headers().clone());
    // Whatever the body says: providers have JSON, text and HTML for it.
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        let retry_after = retry_after(&headers);
        return Err(Error::Limited { method, node: name.to_owned(), status: status.as_u16(), retry_after });
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(describe(error)))? {
        if body.len().saturating_add(chunk.len()) > bytes_max {
            return Err(unreachable(format!("its answer is longer than {bytes_max} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answered { status, headers, body })
}

impl Node {
    fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let (host, name) = (url.host_str()?.to_owned(), name_of(&url)?);
        let background = Semaphore::new(BACKGROUND_MAX);
        let (verified, reachable) = (AtomicBool::new(false), AtomicBool::new(true));
        Some(Self { url, name, host, verified, reachable, health: Mutex::default(), background })
    }

    /// Counts a call that has ended for the node's health.
    fn judge(&self, started: Instant, error: Option<&Error>) {
        let mut health = self.health();
        match error.filter(|error| error.is_trouble()) {
            None => health.answered(started.elapsed()),
            Some(error) => health.failed(Instant::now(), error.retry_after()),
        }
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// A client for nodes and senders, which follows no redirection.
pub(crate) fn http_client() -> Result<reqwest::Client, Error> {
    install_tls();
    reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(CALL_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| Error::Http(error.without_url().to_string()))
}

/// The host of a URL, and its port where it has one.
pub(crate) fn name_of(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// The body of a call.
pub(crate) fn request(method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}

/// TLS needs one provider of cryptography for the whole process; whoever comes first installs it.
pub(crate) fn install_tls() {
    // An error means that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The transport's error with its causes, without the URL, which may hold a key.
pub(crate) fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[derive(Deserialize)]
struct Envelope {
    /// None only if the field is missing: `null` is an answer.
    #[serde(default, deserialize_with = "present")]
    result: Option<Box<RawValue>>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: i64,
    message: String,
    data: Option<Value>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

pub(crate) fn parse<T: DeserializeOwned>(method: &'static str, body: &[u8]) -> Result<T, Error> {
    let malformed = |reason: String| Error::Malformed { method, reason };
    let envelope: Envelope = serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
    if let Some(Refusal { code, message, data }) = envelope.error {
        return Err(Error::Answer { method, code, message, data });
    }
    let result = envelope.result.ok_or_else(|| malformed("it has neither result nor error".to_owned()))?;
    serde_json::from_str(result.get()).map_err(|error| malformed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_result_is_not_a_null_result() {
        assert_eq!(parse::<Option<u64>>("m", br#"{"jsonrpc":"2.0","id":1,"result":null}"#).unwrap(), None);
        assert!(matches!(
            parse::<Option<u64>>("m", br#"{"jsonrpc":"2.0","id":1}"#),
            Err(Error::Malformed { .. })
        ));
        assert!(matches!(parse::<Option<u64>>("m", b"<html>"), Err(Error::Malformed { .. })));
    }

    #[test]
    fn an_error_keeps_its_code_and_data() {
        let body = br#"{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"no","data":{"err":"AlreadyProcessed"}}}"#;
        let error = parse::<u64>("sendTransaction", body).unwrap_err();
        assert_eq!(error.code(), Some(-32002));
        assert!(error.preflight_failure().unwrap().is_already_processed());
    }

    #[test]
    fn the_url_of_a_node_must_be_one_and_never_shows_its_key() {
        for bad in ["", "localhost:8899", "ws://localhost", "http://"] {
            assert!(matches!(Nodes::new(&[bad.to_owned()]), Err(Error::InvalidUrl { position: 1 })), "{bad}");
        }
        assert!(Nodes::new(&[]).is_err());
        let node = Node::parse("https://user:secret@rpc.example:8443/v2/secret?api-key=secret").unwrap();
        assert_eq!(node.name, "rpc.example:8443");
    }
}
