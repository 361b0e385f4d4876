//! A client that takes little of the machine: one connection, one request at a time.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

/// A connection to a gateway.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    /// The task that moves its bytes.
    moving: AbortHandle,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Nobody is there.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("reaching {address}"))?;
        stream.set_nodelay(true).context("asking for small packets")?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.context("shaking hands")?;
        let moving = tokio::spawn(connection).abort_handle();
        Ok(Self { sender, host: address.to_string(), moving })
    }

    /// The status of the answer to a JSON body, when the whole answer has come.
    ///
    /// # Errors
    /// The connection breaks.
    pub(crate) async fn post(&mut self, path: &str, body: Bytes) -> Result<(StatusCode, Bytes)> {
        self.send(Method::POST, path, body).await
    }

    /// The JSON of a page.
    ///
    /// # Errors
    /// It is not there.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Value> {
        let (status, body) = self.send(Method::GET, path, Bytes::new()).await?;
        ensure!(status == StatusCode::OK, "GET {path}: {status} {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).with_context(|| format!("reading {path}"))
    }

    /// The status of the answer to a wish to delete.
    ///
    /// # Errors
    /// The connection breaks.
    pub(crate) async fn delete(&mut self, path: &str) -> Result<(StatusCode, Bytes)> {
        self.send(Method::DELETE, path, Bytes::new()).await
    }

    async fn send(&mut self, method: Method, path: &str, body: Bytes) -> Result<(StatusCode, Bytes)> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("content-type", "application/json")
            .body(Full::new(body))
            .context("making a request")?;
        self.sender.ready().await.context("waiting for the connection")?;
        let answer = self.sender.send_request(request).await.context("sending a request")?;
        let status = answer.status();
        let body = answer.into_body().collect().await.context("reading an answer")?.to_bytes();
        Ok((status, body))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.moving.abort();
    }
}
