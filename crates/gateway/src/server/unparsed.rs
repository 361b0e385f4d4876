//! Problem documents for requests that cannot be parsed.
//!
//! hyper answers these by itself, before any service sees a request, with a head and nothing else. That head is the
//! only one of its kind: every other 4xx of the gateway has a body. So it is known when it is written, and replaced.

use crate::http::error_codes::Code;
use crate::http::problem::{MEDIA_TYPE, Problem};
use bytes::{Buf as _, Bytes};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use uuid::Uuid;

/// A stream below hyper that explains why a request could not be parsed.
pub(super) struct Explaining<S> {
    stream: S,
    /// The rest of an explanation that is being written in place of hyper's head.
    explanation: Bytes,
}

impl<S> Explaining<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, explanation: Bytes::new() }
    }
}

impl<S: AsyncWrite + Unpin> Explaining<S> {
    /// Writes the explanation in place of `head`, which is as good as written at the end.
    fn explain(&mut self, context: &mut Context<'_>, head: usize) -> Poll<io::Result<usize>> {
        while self.explanation.has_remaining() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.explanation))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.explanation.advance(written);
        }
        Poll::Ready(Ok(head))
    }

    /// True if an explanation is to be written in place of these bytes.
    fn replaces(&mut self, bytes: &[u8]) -> bool {
        if !self.explanation.is_empty() {
            // The same bytes once more: they were not yet as good as written.
            return true;
        }
        let Some(problem) = problem(bytes) else { return false };
        self.explanation = rendered(&problem);
        true
    }
}

/// The problem if these bytes are hyper's answer to a request that it cannot parse.
fn problem(bytes: &[u8]) -> Option<Problem> {
    let head = bytes.strip_prefix(b"HTTP/1.1 ")?.strip_suffix(b"\r\n\r\n")?;
    let head = std::str::from_utf8(head).ok()?;
    if !head.lines().any(|line| line.eq_ignore_ascii_case("content-length: 0")) {
        return None;
    }
    match head.get(..3)? {
        "400" => Some(Problem::new(Code::MalformedRequest, "the request is not HTTP")),
        "431" => Some(Problem::new(Code::HeadTooLarge, "the head of the request is too large")),
        _ => None,
    }
}

/// The whole answer. The connection ends after it.
fn rendered(problem: &Problem) -> Bytes {
    let id = Uuid::now_v7().to_string();
    let status = problem.status();
    let body = serde_json::to_string(&problem.body(Some(&id))).unwrap_or_default();
    tracing::debug!(http.status = status.as_u16(), request.id = %id, "request not parsed");
    Bytes::from(format!(
        "HTTP/1.1 {status}\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {}\r\nx-request-id: {id}\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n{body}",
        body.len()
    ))
}

impl<S: AsyncRead + Unpin> AsyncRead for Explaining<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Explaining<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.replaces(bytes) {
            return self.explain(context, bytes.len());
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [bytes] = slices
            && self.replaces(bytes)
        {
            return self.explain(context, bytes.len());
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    const HEAD: &[u8] =
        b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n";

    #[tokio::test]
    async fn the_head_is_replaced_however_little_is_taken_at_once() {
        let (here, mut there) = duplex(16);
        let mut explaining = Explaining::new(here);
        let write = async {
            explaining.write_all(HEAD).await.unwrap();
            drop(explaining);
        };
        let mut answer = String::new();
        let (_, read) = tokio::join!(write, there.read_to_string(&mut answer));
        read.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\n"));
        assert!(answer.contains("\"code\":\"malformed_request\""), "{answer}");
    }

    #[test]
    fn nothing_else_is_replaced() {
        for bytes in [
            &b"HTTP/1.1 400 Bad Request\r\ncontent-length: 5\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n",
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK",
            b"",
        ] {
            assert!(problem(bytes).is_none(), "{}", String::from_utf8_lossy(bytes));
        }
    }
}
