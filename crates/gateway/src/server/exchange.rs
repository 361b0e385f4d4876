//! The body of an answer, which ends its exchange when the last byte is handed over.

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use service::net::Exchange;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A body, and the exchange that it is the end of.
pub(super) struct Exchanged {
    body: Body,
    _exchange: Exchange,
}

impl Exchanged {
    pub(super) fn new(body: Body, exchange: Exchange) -> Self {
        Self { body, _exchange: exchange }
    }
}

impl hyper::body::Body for Exchanged {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
