//! Senders: relays and block engines that take signed transactions beside the nodes. Each gets the same bytes; its
//! answer is counted, and proves nothing.

mod address;
mod form;
mod receipt;

pub use address::{InvalidSenders, SENDERS_MAX, SenderKeys};
pub use form::SenderForm;
pub(crate) use form::send_params;
pub use receipt::Receipt;

use crate::rpc::{self, Answered, CALL_TIMEOUT, describe};
use crate::{Error, metrics};
use address::Address;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The most sends that wait for one sender's answer.
const WAITING_MAX: usize = 256;
/// A sender that limits rates is left alone for no longer, whatever it asks for: its leader may be the next.
const REST_MAX: Duration = Duration::from_secs(10);
/// No answer that says anything is longer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Where a sender is, for checks before the start. It shows no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderPlace {
    /// Its host, and its port where the URL has one.
    pub name: String,
    /// Its form.
    pub form: SenderForm,
    /// True if others on the way can read what it is sent: it is at http://, and not on this machine.
    pub is_exposed: bool,
    /// True if it gets a key.
    pub has_key: bool,
}

/// The senders of a client.
#[derive(Debug, Default)]
pub(crate) struct Senders(Vec<Arc<Sender>>);

pub(crate) struct Sender {
    http: reqwest::Client,
    address: Address,
    /// Until when it wants to be left alone.
    rest: Mutex<Option<Instant>>,
    /// One permit for each send that waits for its answer.
    waiting: Semaphore,
}

impl Senders {
    pub(crate) fn new(texts: &[String], keys: &SenderKeys) -> Result<Self, InvalidSenders> {
        let http = rpc::http_client()?;
        let sender = |address| Sender {
            http: http.clone(),
            address,
            rest: Mutex::default(),
            waiting: Semaphore::new(WAITING_MAX),
        };
        Ok(Self(address::read(texts, keys)?.into_iter().map(sender).map(Arc::new).collect()))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Sender>> {
        self.0.iter()
    }

    /// Where each is.
    pub(crate) fn places(&self) -> Vec<SenderPlace> {
        self.iter().map(|sender| sender.address.place()).collect()
    }

    /// Asks each for anything: whatever it answers, it is there. Nothing is sent.
    pub(crate) async fn reach(&self) -> Vec<Result<u16, String>> {
        let reach = |sender: &Arc<Sender>| {
            let asked = sender.http.get(sender.address.url.clone()).send();
            async { asked.await.map(|answer| answer.status().as_u16()).map_err(describe) }
        };
        futures_util::future::join_all(self.iter().map(reach)).await
    }
}

impl Sender {
    /// Hands over a transaction, which is in base64. `Ok` if it was taken.
    pub(crate) async fn send(&self, encoded: &str, receipt: &Receipt) -> Result<(), Error> {
        let name = &self.address.name;
        let permit = self.waiting.try_acquire();
        let (Ok(_permit), true) = (permit, self.is_rested()) else {
            metrics::handed_over(name, "skipped", None);
            let reason = "it wants to be left alone, or is slow to answer".to_owned();
            let method = self.address.form.method();
            return Err(Error::Unreachable { method, node: name.clone(), reason });
        };
        let started = Instant::now();
        let result = self.post(encoded).await.map_err(|error| self.without_key(error));
        if let Err(Error::Limited { retry_after: Some(rest), .. }) = &result {
            *self.rest.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Instant::now() + (*rest).min(REST_MAX));
        }
        metrics::handed_over(name, outcome(&result), Some(started.elapsed()));
        if result.is_ok() {
            receipt.take(name);
        }
        result
    }

    fn is_rested(&self) -> bool {
        let rest = *self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        rest.is_none_or(|until| Instant::now() >= until)
    }

    async fn post(&self, encoded: &str) -> Result<(), Error> {
        let Address { form, url, name, key, secret: _ } = &self.address;
        let method = form.method();
        let mut request = self.http.post(url.clone()).timeout(CALL_TIMEOUT).json(&form.body(encoded));
        if let (Some(header), Some(key)) = (form.key_header(), key) {
            request = request.header(header, key.clone());
        }
        let Answered { status, headers, body } =
            rpc::exchange(request, method, name, ANSWER_BYTES_MAX).await?;
        if let Some(bundle) = bundle_id(&headers) {
            tracing::debug!(sender = name, bundle, "a block engine made a bundle of a transaction");
        }
        match form.read(name, status, &body) {
            Err(error) if crate::client::is_known(&error) => Ok(()),
            answer => answer,
        }
    }

    /// The error without the key, which a sender may repeat in its words.
    fn without_key(&self, error: Error) -> Error {
        match (error, &self.address.secret) {
            (Error::Answer { method, code, message, data: _ }, Some(key)) => {
                Error::Answer { method, code, message: message.replace(key.as_str(), "…"), data: None }
            }
            (error, _) => error,
        }
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.address.form.name(), self.address.name)
    }
}

impl Address {
    fn place(&self) -> SenderPlace {
        let host = self.url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let local = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        SenderPlace {
            name: self.name.clone(),
            form: self.form,
            is_exposed: self.url.scheme() == "http" && !local,
            has_key: self.secret.is_some(),
        }
    }
}

/// How a send ended, for metrics.
pub(crate) fn outcome<T>(result: &Result<T, Error>) -> &'static str {
    match result {
        Ok(_) => "accepted",
        Err(Error::Answer { .. }) => "refused",
        Err(Error::Limited { .. }) => "limited",
        Err(
            Error::Unreachable { .. }
            | Error::Malformed { .. }
            | Error::InvalidUrl { .. }
            | Error::OtherCluster { .. }
            | Error::Http(_)
            | Error::TooMany { .. },
        ) => "unanswered",
    }
}

/// The time after which a node or sender takes requests again, as it says.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

/// The bundle that a block engine made of a transaction.
fn bundle_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-bundle-id")?.to_str().ok()
}

#[cfg(test)]
mod tests;
